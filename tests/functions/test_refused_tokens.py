"""A refused token: the log line says which check it fails, and the caller learns nothing of it."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import jwt

from functions import upload_signature
from local.operator.token_command import MEANINGS, explained
from shared.config.settings import CallerSettings, load_settings
from tests.functions.deployment import CONTEXT_KEY, JWT_SECRET, user_token
from tests.functions.test_log_lines import documented
from tests.keys import ec_key, rsa_key
from tests.shared.http.test_authentication import handmade
from tests.shared.jwks_server import KeyServer, rsa_jwk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functions.conftest import Call, Deploy

LATER, EARLIER = int(time.time()) + 3600, int(time.time()) - 3600
SETTINGS = {"JWT_ISSUER": "login", "JWT_AUDIENCE": "uploads"}
HEADER = {"alg": "HS256"}
CLAIMS = {"sub": "alice", "exp": LATER, "iss": "login", "aud": "uploads"}
made = partial(handmade, secret=JWT_SECRET)


def without(claim: str) -> str:
    """Sign the claims but for one."""
    return made(HEADER, {name: value for name, value in CLAIMS.items() if name != claim})


def changed(**claims: object) -> str:
    """Sign the claims with some of them changed."""
    return made(HEADER, {**CLAIMS, **claims})


CAUSES = [
    ("no_token", ""),
    ("no_token", "Bearer"),
    ("no_token", f"Basic {changed()}"),
    ("too_long", f"Bearer {'a' * 8193}"),
    ("malformed", "Bearer an-opaque-token"),
    ("malformed", f"Bearer {changed()}, Bearer {changed()}"),
    ("malformed", f"Bearer {made(HEADER, [])}"),
    ("malformed", f"Bearer {made([], CLAIMS)}"),
    ("wrong_algorithm", f"Bearer {made({'alg': 'none'}, CLAIMS)}"),
    ("wrong_algorithm", f"Bearer {jwt.encode(CLAIMS, rsa_key(), algorithm='RS256')}"),
    ("unsupported_header", f"Bearer {made({**HEADER, 'crit': ['exp']}, CLAIMS)}"),
    ("bad_signature", f"Bearer {made(HEADER, CLAIMS, secret=CONTEXT_KEY)}"),
    ("sub_missing", f"Bearer {without('sub')}"),
    ("sub_invalid", f"Bearer {changed(sub=42)}"),
    ("sub_invalid", f"Bearer {changed(sub='a' * 129)}"),
    ("exp_missing", f"Bearer {without('exp')}"),
    ("exp_invalid", f"Bearer {changed(exp='tomorrow')}"),
    ("expired", f"Bearer {changed(exp=EARLIER)}"),
    ("nbf_invalid", f"Bearer {changed(nbf=[])}"),
    ("exp_invalid", f"Bearer {changed(exp=True)}"),
    ("nbf_invalid", f"Bearer {changed(nbf='now')}"),
    ("iat_invalid", f"Bearer {changed(iat=True)}"),
    ("sub_invalid", f"Bearer {changed(sub=' ' + chr(10))}"),
    ("not_yet_valid", f"Bearer {changed(nbf=LATER)}"),
    ("not_yet_valid", f"Bearer {changed(iat=LATER)}"),
    ("jti_invalid", f"Bearer {changed(jti=7)}"),
    ("iss_missing", f"Bearer {without('iss')}"),
    ("iss_mismatch", f"Bearer {changed(iss='login/')}"),
    ("aud_missing", f"Bearer {without('aud')}"),
    ("aud_mismatch", f"Bearer {changed(aud=['mail'])}"),
    ("aud_mismatch", f"Bearer {changed(aud=7)}"),
]
"""The word of the failed check, and the Authorization header."""


def by_key(**header: object) -> str:
    """Sign with a private key that is published as `first`."""
    return f"Bearer {jwt.encode(CLAIMS, rsa_key('first'), algorithm='RS256', headers=header)}"


OF_KEY_SETS = [
    ("no_key_id", by_key()),
    ("unknown_key", by_key(kid="second")),
    ("bad_signature", by_key(kid="other")),
    ("wrong_algorithm", f"Bearer {changed()}"),
    ("wrong_algorithm", f"Bearer {jwt.encode(CLAIMS, ec_key(), 'ES256', {'kid': 'first'})}"),
]


def refusal(call: Call, logged: Callable[[], list[dict[str, Any]]], authorization: str) -> tuple[str, object]:
    """Ask for a signature, and return the word of the log and the whole answer."""
    logged()
    headers = {"authorization": authorization}
    answer = call(upload_signature.main_handler, "POST", "/signature", body={}, user=None, headers=headers)
    (line,) = logged()
    assert "eyJ" not in str(line)
    return line["tokenProblem"], answer


def test_each_cause_leaves_its_word_in_the_log_and_nothing_in_the_answer(
    call: Call, deploy: Deploy, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    """Every documented word, and no other, is logged for some refusal; the answers are all the same."""
    deploy(**SETTINGS)
    seen = [(word, *refusal(call, logged, header)) for word, header in CAUSES]
    with KeyServer() as server:
        server.publish(rsa_jwk("first"), {**rsa_jwk("other"), "kid": "other"})
        deploy(JWT_SECRETS="", JWT_JWKS_URL=server.keys_url, **SETTINGS)
        seen += [(word, *refusal(call, logged, header)) for word, header in OF_KEY_SETS]
    deploy()
    seen += [("aud_unexpected", *refusal(call, logged, f"Bearer {user_token(aud='uploads')}"))]

    assert [logged_word for _, logged_word, _ in seen] == [word for word, _, _ in seen]
    assert len({str(answer) for _, _, answer in seen}) == 1
    assert {word for word, _, _ in seen} == documented("Word in `tokenProblem`") == MEANINGS.keys()
    call(upload_signature.main_handler, "POST", "/signature", body={})
    assert "tokenProblem" not in logged()[0]


def test_each_cause_is_explained_by_the_word_of_the_log(deploy: Deploy) -> None:
    """`token explain` shows it first, for every token that can be typed; there are more than thirty."""
    deploy(**SETTINGS)
    secrets = load_settings(CallerSettings, os.environ)
    with KeyServer() as server:
        server.publish(rsa_jwk("first"), {**rsa_jwk("other"), "kid": "other"})
        deploy(JWT_SECRETS="", JWT_JWKS_URL=server.keys_url, **SETTINGS)
        key_set = load_settings(CallerSettings, os.environ)
        causes = [(secrets, *cause) for cause in CAUSES if cause[1].startswith("Bearer ")]
        causes += [(key_set, *cause) for cause in OF_KEY_SETS]
        shown = [
            next(row.problem for row in explained(header[7:], settings, now=int(time.time())) if row.problem)
            for settings, _, header in causes
        ]

    assert shown == [word for _, word, _ in causes]
    assert len(shown) >= 30
