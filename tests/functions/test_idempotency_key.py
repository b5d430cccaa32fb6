"""POST /signature with Idempotency-Key: draft-ietf-httpapi-idempotency-key-header-07."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain.upload_id import is_upload_id
from shared.vod.context_token import UploadContext, unseal
from shared.vod.signature import decode
from tests.functions.deployment import CONTEXT_KEY

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, Logged, ReadStatus, Sign

KEY = '"8e03978e-40d5-43e8-bc93-6894a57f9324"'
REQUEST = {"policy": "course", "context": "lesson 3"}


def test_repeated_request_gets_a_fresh_signature_of_the_same_upload(
    sign: Sign, deploy: Deploy, logged: Logged
) -> None:
    """Whoever has not heard the answer repeats it: another signature, which counts as a renewal."""
    deploy(NEW_UPLOADS_PER_MINUTE="1", OPEN_UPLOADS="1", NEW_UPLOADS_PER_DAY="1")
    logged()

    first, second = (sign(REQUEST, idempotency_key=KEY) for _ in range(2))

    upload_id = first.json["uploadId"]
    told = [decode(answer.json["signature"]).values for answer in (first, second)]
    assert second.json["uploadId"] == upload_id
    assert is_upload_id(upload_id)
    assert told[0]["random"] != told[1]["random"]
    assert {unseal(each["sourceContext"], keys=(CONTEXT_KEY,), stage="test") for each in told} == {
        UploadContext(upload_id, "alice", "lesson 3")
    }
    counted = [answer.headers["ratelimit"].partition(";")[0] for answer in (first, second)]
    assert counted == ['"user"', '"upload"']
    assert [line["event"] for line in logged()] == ["signature.issued", "signature.renewed"]


def test_upload_goes_on_by_its_id_as_any_other(sign: Sign, read_status: ReadStatus) -> None:
    """Its id is an id like any other; a key that comes with an id changes nothing."""
    upload_id = sign(REQUEST, idempotency_key=KEY).json["uploadId"]

    renewals = [sign({"uploadId": upload_id}), sign({"uploadId": upload_id}, idempotency_key=KEY)]

    assert {answer.json["uploadId"] for answer in renewals} == {upload_id}
    assert read_status(upload_id).json["context"] == "lesson 3"


@pytest.mark.parametrize("body", [{}, {"policy": "course"}, {**REQUEST, "fileSize": 1}])
def test_key_of_another_request_is_refused(sign: Sign, body: dict[str, object]) -> None:
    """One key is for one request."""
    sign(REQUEST, idempotency_key=KEY)

    answer = sign(body, idempotency_key=KEY)

    assert answer.status == 422
    assert answer.json["detail"] == "This Idempotency-Key was sent with another request: each needs its own."


def test_key_is_each_users_own(sign: Sign) -> None:
    """Two users who draw the same key begin two uploads."""
    ids = {sign(REQUEST, user=user, idempotency_key=KEY).json["uploadId"] for user in ("alice", "bob")}

    assert len(ids) == 2


def test_malformed_key_is_refused_by_name(sign: Sign) -> None:
    """400, as the draft says."""
    answer = sign(REQUEST, idempotency_key=KEY.strip('"'))

    assert (answer.status, answer.json["detail"].partition(" ")[0]) == (400, "Idempotency-Key")
