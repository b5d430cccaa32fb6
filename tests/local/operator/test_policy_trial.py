"""The dry run of a policy gives the same result as the function itself (F17)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions import upload_signature
from local.operator.policy_trial import trial_settings, try_token, try_user
from shared.vod.signature import decode
from tests.functions.deployment import POLICIES, environment, start_anew, user_token
from tests.functions.scf import event_of, read_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.functions.scf import Answer

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


@pytest.fixture
def variables(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Deploy the function with these policies, and return its environment."""
    variables = environment(valkey_url, UPLOAD_POLICIES=json.dumps(TEACHERS), NEW_BYTES_PER_DAY=str(2**40))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    start_anew()
    yield variables
    start_anew()


def ask(token: str, text: str) -> Answer:
    """Ask the function itself."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    event = event_of("POST", "/signature", headers=headers, body=text)
    return read_answer(upload_signature.main_handler(event, {"request_id": "r-1"}))


@pytest.mark.parametrize(("body", "claims"), REQUESTS, ids=lambda value: str(value)[:50])
def test_dry_run_says_what_the_function_does(
    variables: dict[str, str], body: object, claims: dict[str, Any]
) -> None:
    """Status, fields and every parameter, for a token and for a user with its claims."""
    text = body if isinstance(body, str) else json.dumps(body)
    answer = ask(user_token("alice", **claims), text)
    tried = try_user(trial_settings(variables), "alice", claims, text.encode(), now=NOW)

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


@pytest.mark.parametrize("token", [user_token(secret="x" * 40), "a.b.c", ""])
def test_token_that_the_function_refuses_is_refused(variables: dict[str, str], token: str) -> None:
    """The login service's key decides, as it does for a user."""
    assert (
        try_token(trial_settings(variables), token, b"{}", now=NOW).status == ask(token, "{}").status == 401
    )
