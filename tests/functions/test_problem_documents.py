"""Refusals and failures as problem documents (RFC 9457), and what every answer carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions import event_notification, upload_signature, upload_status
from tests.functions.scf import REQUEST_ID

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Deploy, Handler, Logged, Sign


def test_document_has_the_agreed_members(sign: Sign) -> None:
    """Type and title are stable, status and request id are those of the answer, faults have pointers."""
    answer = sign({"classId": "x"})

    assert answer.json == {
        "type": "urn:vod-upload-functions:problem:unprocessable",
        "title": "A field is not acceptable",
        "status": 422,
        "detail": "The request has members that cannot be accepted.",
        "requestId": REQUEST_ID,
        "errors": [{"pointer": "/classId", "detail": "Input should be a valid integer."}],
    }


def test_missing_settings_are_named_in_the_log_until_they_are_there(
    sign: Sign, deploy: Deploy, logged: Logged
) -> None:
    """A caller hears only that it is our fault; a failure to load the settings is not cached."""
    deploy(CONTEXT_KEYS="", JWT_SECRETS="")
    answer = sign({})
    (line,) = logged()

    assert (answer.status, answer.json["type"].rpartition(":")[2]) == (500, "configuration")
    for name in ("CONTEXT_KEYS", "JWT_SECRETS"):
        assert (name in line["detail"], name in answer.body) == (True, False)
    deploy()
    assert sign({}).status == 200


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "post ", "", "💥"])
@pytest.mark.parametrize(
    ("handler", "allowed"),
    [
        (upload_signature.main_handler, "POST, OPTIONS"),
        (upload_status.main_handler, "GET, DELETE, OPTIONS"),
        (event_notification.main_handler, "POST, OPTIONS"),
    ],
    ids=["signature", "status", "callback"],
)
def test_other_methods_are_405_with_allow(call: Call, handler: Handler, method: str, allowed: str) -> None:
    """The answer says which methods there are (S20)."""
    answer = call(handler, method, "/")

    assert (answer.status, answer.headers["allow"]) == (405, allowed)
