"""Authentication: the same rules for both functions, from the caller's point of view.

tests/shared/http/test_authentication.py tests tokens, tests/shared/http/test_anonymous_callers.py callers
without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions import upload_signature, upload_status
from tests.functions.deployment import CONTEXT_KEY, user_token

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Deploy

UPLOAD = "01KAPVZ9M80000000000000000"


@pytest.mark.parametrize("token", [None, "an-opaque-token", user_token(secret=CONTEXT_KEY)])
def test_bad_credentials_are_told_apart_by_nobody(call: Call, token: str | None) -> None:
    """Whatever is wrong with the token, the answer is one and the same 401 (S01)."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    answers = [
        call(upload_signature.main_handler, "POST", "/signature", body="{", user=None, headers=headers),
        call(upload_status.main_handler, "GET", f"/uploads/{UPLOAD}", user=None, headers=headers),
    ]

    assert {(answer.status, answer.headers["www-authenticate"]) for answer in answers} == {(401, "Bearer")}
    assert {answer.json["detail"] for answer in answers} == {
        "Send a valid user token as Authorization: Bearer <JWT>."
    }


def test_upload_needs_no_token(call: Call, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a login service the network identifies the caller; no log line shows that network."""
    deploy(JWT_SECRETS="", AUTH_MODE="anonymous", ANONYMOUS_KEY="canary-of-the-anonymous-callers-key")
    issued = call(upload_signature.main_handler, "POST", "/signature", user=None)
    seen = call(upload_status.main_handler, "GET", f"/uploads/{issued.json['uploadId']}", user=None)

    assert (issued.status, seen.status) == (200, 200)
    assert "203.0.113.7" not in capsys.readouterr().out
