"""Authentication: the same rules for both functions, from the caller's point of view."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt
import pytest

from functions import upload_signature, upload_status
from tests.functions.deployment import CONTEXT_KEY, user_token
from tests.keys import ec_key, public_pem, rsa_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functions.conftest import Call, Deploy
    from tests.keys import PrivateKey

UPLOAD = "01KAPVZ9M80000000000000000"


def ask_both(call: Call, authorization: str | None) -> set[tuple[int, str]]:
    """Call both functions with this header; return their statuses and details."""
    headers = {} if authorization is None else {"authorization": authorization}
    answers = [
        call(upload_signature.main_handler, "POST", "/signature", user=None, headers=headers),
        call(upload_status.main_handler, "GET", f"/uploads/{UPLOAD}", user=None, headers=headers),
    ]
    assert all(
        answer.headers.get("www-authenticate") == "Bearer" for answer in answers if answer.status == 401
    )
    return {(answer.status, answer.json["detail"] if answer.status == 401 else "") for answer in answers}


@pytest.mark.parametrize(
    "header",
    [
        lambda: None,
        lambda: "",
        lambda: "Bearer",
        lambda: "Bearer ",
        user_token,
        lambda: f"Basic {user_token()}",
        lambda: f"Bearer {user_token()}, Bearer {user_token()}",
        lambda: f"Bearer {user_token()}x",
        lambda: "Bearer a.b.c",
        lambda: "Bearer \ud800.b.c",
        lambda: "Bearer 수.업.3",
        lambda: "Bearer " + "a" * 9000,
        lambda: f"Bearer {user_token(filler='x' * 9000)}",
        lambda: f"Bearer {user_token(exp=int(time.time()) - 61)}",
        lambda: f"Bearer {user_token(nbf=int(time.time()) + 120)}",
        lambda: f"Bearer {user_token(secret=CONTEXT_KEY)}",
        lambda: f"Bearer {jwt.encode({'sub': 'alice', 'exp': time.time() + 60}, '', algorithm='none')}",
    ],
)
def test_bad_credentials_are_told_apart_by_nobody(call: Call, header: Callable[[], str | None]) -> None:
    """Whatever is wrong with the token, the answer is one and the same 401 (S01)."""
    assert ask_both(call, header()) == {(401, "Send a valid user token as Authorization: Bearer <JWT>.")}


def test_header_that_was_sent_twice_is_no_credential(deploy: Deploy) -> None:
    """A repeated Authorization header is refused, in whatever form the gateway reports it."""
    assert deploy
    token = f"Bearer {user_token()}"
    event = {"httpMethod": "POST", "path": "/signature", "body": ""}

    for headers in ({"Authorization": [token, token]}, {"Authorization": token, "authorization": token}):
        assert upload_signature.main_handler({**event, "headers": headers}, {})["statusCode"] == 401


@pytest.mark.parametrize(("make_key", "algorithm"), [(rsa_key, "RS256"), (ec_key, "ES256")])
def test_tokens_are_verified_by_public_key(
    call: Call, deploy: Deploy, make_key: Callable[[], PrivateKey], algorithm: str
) -> None:
    """With JWT_PUBLIC_KEY the login service keeps its key to itself; line breaks may be escaped."""
    pem = public_pem(make_key())
    deploy(JWT_SECRETS="", JWT_PUBLIC_KEY=pem.replace("\n", "\\n"))
    claims = {"sub": "alice", "exp": int(time.time()) + 60}

    genuine = jwt.encode(claims, make_key(), algorithm=algorithm)
    forged = user_token(secret="x" * 40)

    assert ask_both(call, f"Bearer {genuine}") == {(200, ""), (404, "")}
    assert {status for status, _ in ask_both(call, f"Bearer {forged}")} == {401}


def test_credentials_are_asked_for_before_anything_is_read(call: Call) -> None:
    """Without valid credentials nothing is revealed about which bodies are valid."""
    answer = call(upload_signature.main_handler, "POST", "/signature", body="{", user=None)

    assert answer.status == 401
