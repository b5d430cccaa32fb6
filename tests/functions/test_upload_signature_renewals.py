"""POST /signature with uploadId: another signature for an existing upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.functions.vod import announce_upload, begin_upload

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, ReadStatus, Sign

UNKNOWN = "01KAPVZ9M80000000000000000"


def test_renewal_may_repeat_what_the_upload_began_with(sign: Sign) -> None:
    """A renewal may repeat the members of the first request."""
    wish = {"policy": "course", "procedure": "Short", "context": "c", "fileName": "a.mp4", "fileSize": 9}
    upload_id = sign(wish).json["uploadId"]

    assert sign({**wish, "uploadId": upload_id}).status == 200


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("policy", "course"),
        ("context", "other"),
        ("procedure", "Short"),
        ("storageRegion", "ap-singapore"),
        ("classId", 7011),
        ("fileName", "other.mp4"),
        ("fileSize", 10),
        ("fileType", "mov"),
    ],
)
def test_renewal_that_differs_is_refused_by_name(sign: Sign, member: str, value: object) -> None:
    """No signature of an upload can carry what its first one did not; nothing is dropped silently."""
    upload_id = sign({"context": "mine", "fileName": "a.mp4", "fileSize": 9, "fileType": "mp4"}).json[
        "uploadId"
    ]

    answer = sign({"uploadId": upload_id, member: value})

    assert answer.status == 422
    assert answer.pointers == [f"/{member}"]


def test_unknown_and_foreign_uploads_answer_alike(sign: Sign) -> None:
    """A foreign upload cannot be told from one that does not exist."""
    foreign = sign({"uploadId": sign({}, user="bob").json["uploadId"]}, user="alice")
    unknown = sign({"uploadId": UNKNOWN}, user="alice")

    assert (foreign.status, foreign.headers, foreign.body) == (404, unknown.headers, unknown.body)


@pytest.mark.parametrize(
    "upload_id",
    ["", "x", UNKNOWN.lower(), UNKNOWN + "0", UNKNOWN[:-1] + "\n", "../" + UNKNOWN[3:], 7, {}, [UNKNOWN]],
)
def test_id_of_another_form_is_refused_by_name(sign: Sign, upload_id: object) -> None:
    """What cannot be an upload's id is a mistake in the request, and never reaches the store."""
    answer = sign({"uploadId": upload_id})

    assert answer.status == 422
    assert answer.pointers == ["/uploadId"]


def test_cancelled_upload_is_closed(sign: Sign, read_status: ReadStatus) -> None:
    """After a cancellation no further signature is issued."""
    upload_id = sign({}).json["uploadId"]
    assert read_status(upload_id, method="DELETE").status == 204

    answer = sign({"uploadId": upload_id})

    assert answer.status == 409
    assert "cancelled" in answer.json["detail"]


def test_ended_upload_is_closed(sign: Sign, deploy: Deploy) -> None:
    """After the session's end no further signature is issued."""
    deploy(UPLOAD_SESSION_SECONDS="60")
    upload_id = begin_upload(seconds_ago=60).upload_id

    answer = sign({"uploadId": upload_id})

    assert answer.status == 409
    assert "expired" in answer.json["detail"]


def test_upload_is_open_until_its_session_ends(sign: Sign, deploy: Deploy) -> None:
    """A long upload gets signatures as long as its session lasts, though each lives for minutes only."""
    deploy(UPLOAD_SESSION_SECONDS="3600")
    upload_id = begin_upload(seconds_ago=3590).upload_id

    assert sign({"uploadId": upload_id}).status == 200


def test_commit_can_be_tried_again_after_vod_has_the_file(sign: Sign) -> None:
    """An SDK that lost the answer to its Commit asks again when the event has already come."""
    first = sign({}).json
    announce_upload(first["signature"])

    assert sign({"uploadId": first["uploadId"]}).status == 200


def test_finished_upload_is_closed(sign: Sign) -> None:
    """Once VOD has had the file for two minutes, an open session would only let a second file in."""
    first = begin_upload(seconds_ago=200)
    announce_upload(first.signature, seconds_ago=121)

    answer = sign({"uploadId": first.upload_id})

    assert answer.status == 409
    assert "uploaded" in answer.json["detail"]
