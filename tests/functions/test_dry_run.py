"""The dry run of a policy gives the same result as the function itself (F17)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions import upload_signature
from local.operator.policy_trial import trial_settings, try_token, try_user
from shared.vod.signature import decode
from tests.functions.deployment import POLICIES, user_token

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Deploy

TEACHERS = {
    **POLICIES,
    "lessons": {"claims": {"role": ["teacher"]}, "procedures": ["Short"], "classIds": [3]},
}
NOW = 1_793_318_400.0
REQUESTS: list[tuple[object, dict[str, Any]]] = [
    ({}, {}),
    ({"policy": "course", "procedure": "Short", "context": "수업 3"}, {}),
    ({"policy": "reusable"}, {}),
    ({"policy": "strict", "fileName": "a.mp4", "fileSize": 5}, {}),
    ({"policy": "strict", "fileName": "a.exe", "fileSize": 5000}, {}),
    ({"policy": "strict", "fileName": ".a.php.mp4"}, {}),
    ({"policy": "lessons"}, {"role": "teacher"}),
    ({"policy": "lessons"}, {"role": ["viewer", "teacher"]}),
    ({"policy": "lessons"}, {"role": "viewer"}),
    ({"policy": "lessons"}, {}),
    ({"policy": "nosuch"}, {}),
    ({"context": "x" * 200}, {}),
    ({"context": "\x00", "classId": 5}, {}),
    ({"classId": "7011", "expireTime": 1}, {}),
    ({"fileSize": 2**60}, {}),
    ([], {}),
    ("{", {}),
    ('{"a": 1, "a": 2}', {}),
    ('{"context": "' + "x" * 17_000 + '"}', {}),
]


@pytest.mark.parametrize(("body", "claims"), REQUESTS, ids=lambda value: str(value)[:50])
def test_dry_run_says_what_the_function_does(
    call: Call, deploy: Deploy, body: object, claims: dict[str, Any]
) -> None:
    """Status, fields and every parameter, for a token and for a user with its claims."""
    variables = deploy(UPLOAD_POLICIES=json.dumps(TEACHERS), NEW_BYTES_PER_DAY=str(2**40))
    token = user_token("alice", **claims)
    headers = {"authorization": f"Bearer {token}"}
    answer = call(upload_signature.main_handler, "POST", "/signature", body=body, user=None, headers=headers)
    text = (body if isinstance(body, str) else json.dumps(body)).encode()
    settings = trial_settings(variables)
    tried = try_user(settings, "alice", claims, text, now=NOW)

    assert tried.status == answer.status
    if not tried.signed:
        assert list(tried.fields) == (answer.pointers if "errors" in answer.json else [])
        return
    values = decode(answer.json["signature"]).values
    parameters = dict(tried.parameters or {})
    assert parameters.pop("ttlSeconds") == int(values["expireTime"]) - int(values["currentTimeStamp"])
    # A long one is compressed, together with an id that nobody chose.
    assert parameters.pop("sourceContextCharacters") == pytest.approx(len(values["sourceContext"]), abs=8)
    assert {name: str(value) for name, value in parameters.items()} == {
        name: value
        for name, value in values.items()
        if name
        not in {"secretId", "currentTimeStamp", "expireTime", "random", "sourceContext", "sessionContext"}
    }


def test_token_that_the_function_refuses_is_refused(call: Call, deploy: Deploy) -> None:
    """The login service's key decides, as it does for a user."""
    settings = trial_settings(deploy())
    for token in (user_token(secret="x" * 40), "a.b.c", ""):
        headers = {"authorization": f"Bearer {token}"}
        answer = call(upload_signature.main_handler, "POST", "/signature", user=None, headers=headers)

        assert try_token(settings, token, b"{}", now=NOW).status == answer.status == 401
