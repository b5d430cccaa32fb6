"""Policies restricted to some users, from the client's point of view."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions import upload_signature
from tests.functions.deployment import user_token

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Deploy
    from tests.functions.scf import Answer

POLICIES = {
    "default": {},
    "lessons": {"claims": {"role": ["teacher", "admin"]}, "procedures": ["LongVideoPreset"]},
}


@pytest.fixture(autouse=True)
def _policies(deploy: Deploy) -> None:
    deploy(UPLOAD_POLICIES=json.dumps(POLICIES))


def ask(call: Call, body: object, claims: dict[str, Any]) -> Answer:
    """Request a signature with these claims in the token."""
    token = {"authorization": f"Bearer {user_token(**claims)}"}
    return call(upload_signature.main_handler, "POST", "/signature", body=body, user=None, headers=token)


@pytest.mark.parametrize("claims", [{}, {"role": "viewer"}, {"role": []}, {"roles": "teacher"}])
def test_policy_for_others_is_answered_like_an_unknown_one(call: Call, claims: dict[str, Any]) -> None:
    """Both are 403 in the same words; all else that is wrong is not even told (S09)."""
    answers = [ask(call, {"policy": name, "classId": 7}, claims) for name in ("lessons", "nosuch")]

    assert {answer.status for answer in answers} == {403}
    assert answers[0].body == answers[1].body
    assert ask(call, {}, claims).status == 200


def test_upload_keeps_what_it_began_with(call: Call) -> None:
    """A user who has lost the claim can finish an upload, and begin no new one."""
    begun = ask(call, {"policy": "lessons"}, {"role": "teacher"}).json

    assert ask(call, {"uploadId": begun["uploadId"]}, {"role": "viewer"}).status == 200
    assert ask(call, {"uploadId": begun["uploadId"], "policy": "lessons"}, {}).status == 200
    assert ask(call, {"policy": "lessons"}, {"role": "viewer"}).status == 403
