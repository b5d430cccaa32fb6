"""Refusals and failures as problem documents (RFC 9457), and what every answer carries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from functions import upload_signature, upload_status
from tests.functions.deployment import (
    CONTEXT_KEY,
    JWT_SECRET,
    OLD_CONTEXT_KEY,
    OLD_JWT_SECRET,
    SECRET_KEY,
    environment,
    user_token,
)
from tests.functions.scf import REQUEST_ID, read_answer

if TYPE_CHECKING:
    import pytest

    from tests.functions.conftest import Call, Deploy, ReadStatus, Sign

UPLOAD = "01KAPVZ9M80000000000000000"
SECRETS = (SECRET_KEY, CONTEXT_KEY, OLD_CONTEXT_KEY, JWT_SECRET, OLD_JWT_SECRET)


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


def test_request_id_is_made_where_the_platform_gives_none(deploy: Deploy) -> None:
    """An answer can always be found again in the log (S22)."""
    assert deploy
    event = {"httpMethod": "GET", "path": "/signature", "headers": {"x-request-id": "mine"}}
    ids = {
        read_answer(upload_signature.main_handler(event, context)).headers["x-request-id"]
        for context in ({}, None, {"request_id": ""}, {"request_id": 7})
    }

    assert len(ids) == 4
    assert "mine" not in ids


def test_settings_that_are_missing_are_all_named_in_the_log_only(
    call: Call, deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator reads every missing setting in one line; a caller reads that it is our fault."""
    deploy(**dict.fromkeys(environment("unused"), ""))

    answer = call(upload_signature.main_handler, "POST", "/signature", body={})

    [line] = capsys.readouterr().out.splitlines()
    assert (answer.status, answer.json["type"].rpartition(":")[2]) == (500, "configuration")
    for name in ("REDIS_URL", "VOD_SECRET_KEY", "UPLOAD_POLICIES", "CONTEXT_KEYS", "JWT_SECRETS"):
        assert (name in line, name in answer.body) == (True, False)


def test_function_that_was_mended_works_without_a_new_process(sign: Sign, deploy: Deploy) -> None:
    """A failure to load the settings is not cached."""
    deploy(CONTEXT_KEYS="")
    assert sign({}).status == 500

    deploy()
    assert sign({}).status == 200


def test_defect_is_answered_500_without_a_word_about_it(
    call: Call, deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected exception is logged by its place in the code, without its message."""
    deploy(REDIS_URL="redis://127.0.0.1/0?nosuchoption=canary-of-the-store")

    answer = call(upload_signature.main_handler, "POST", "/signature", body={})

    assert answer.status == 500
    assert answer.json["detail"] == "Something failed on our side"
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["level"], line["requestId"]) == ("request.failed", "error", REQUEST_ID)
    assert line["trace"].split()[0] == "TypeError"
    assert "canary" not in json.dumps(line)


def test_nothing_secret_reaches_the_log_or_an_answer(
    sign: Sign, read_status: ReadStatus, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """Log lines hold ids and states: no key, no token, no signature, no context."""
    issued = sign({"context": "canary-context"}).json
    upload_id = issued["uploadId"]
    answers = [sign({"uploadId": upload_id}), sign({}, authorization=f"Bearer {user_token(secret='x' * 40)}")]
    answers += [
        sign({"canary-member": "canary-value"}),
        read_status(upload_id),
        read_status(upload_id, method="DELETE"),
    ]
    answers += [read_status(UPLOAD), call(upload_status.main_handler, "PUT", "/uploads/canary")]

    logged = capsys.readouterr().out
    assert len(logged.splitlines()) == 8
    assert [word for word in (issued["signature"], "canary", "eyJ") if word in logged] == []
    for text in (logged, *(json.dumps([dict(answer.headers), answer.body]) for answer in answers)):
        assert not any(secret in text for secret in SECRETS)
