"""GET and DELETE /uploads/{id}: one upload, visible to its owner only."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from functions import upload_status
from tests.functions.vod import announce_upload, begin_upload
from tests.shared.uploads import FILE_ID

if TYPE_CHECKING:
    from tests.functions.conftest import Call, ReadStatus, Sign

UNKNOWN = "01KAPVZ9M80000000000000000"
FILE = f"https://1500012345.vod-example.test/{FILE_ID}"


def age(instant: str) -> float:
    """Return how many seconds ago an ISO 8601 time was."""
    at = datetime.strptime(instant, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return (datetime.now(timezone.utc) - at).total_seconds()


def test_issued_upload_tells_what_it_began_with(read_status: ReadStatus) -> None:
    """Before anything was uploaded there are dates, the policy and the app's own text."""
    upload = begin_upload(seconds_ago=100, policy="course", context="수업 3")

    answer = read_status(upload.upload_id)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    told = answer.json
    assert 100 <= age(told["issuedAt"]) < 110
    assert age(told["expiresAt"]) < -80_000
    assert {name: told[name] for name in told if name not in ("issuedAt", "expiresAt", "updatedAt")} == {
        "uploadId": upload.upload_id,
        "state": "issued",
        "final": False,
        "policy": "course",
        "context": "수업 3",
        **dict.fromkeys(("fileId", "mediaUrl", "coverUrl", "procedureTaskId", "procedure", "breaches")),
        **dict.fromkeys(("uploadedAt", "cancelledAt")),
    }
    assert told["updatedAt"] == told["issuedAt"]


def test_uploaded_file_is_told(read_status: ReadStatus) -> None:
    """After VOD's event the answer has the file, its addresses and the time; nothing more will come."""
    upload = begin_upload(seconds_ago=100)
    announce_upload(upload.signature)

    answer = read_status(upload.upload_id)

    told = answer.json
    assert (told["state"], told["final"]) == ("uploaded", True)
    assert told["fileId"] == FILE_ID
    assert (told["mediaUrl"], told["coverUrl"]) == (f"{FILE}/original.mp4", f"{FILE}/cover.png")
    assert 0 <= age(told["uploadedAt"]) < 10
    assert told["updatedAt"] == told["uploadedAt"]
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_foreign_and_malformed_ids_answer_alike(
    sign: Sign, read_status: ReadStatus, method: str
) -> None:
    """Somebody else's upload, one that never was and what is no id: the same 404, byte for byte (S14)."""
    bobs = sign({}, user="bob").json["uploadId"]
    foreign = read_status(bobs, method=method, user="alice")
    others = [
        read_status(name, method=method) for name in (UNKNOWN, UNKNOWN.lower(), "x", "%00", "8" + UNKNOWN[1:])
    ]

    assert foreign.status == 404
    assert read_status(bobs, user="bob").json["state"] == "issued"
    assert {(answer.status, answer.body) for answer in others} == {(404, foreign.body)}
    assert all(answer.headers == foreign.headers for answer in others)


@pytest.mark.parametrize(
    "path", ["/", f"/{UNKNOWN}", f"/upload/{UNKNOWN}", f"/uploads/{UNKNOWN}/x", "/uploads/x/"]
)
def test_other_paths_are_404(call: Call, sign: Sign, path: str) -> None:
    """The function has one path; the gateway may put its stage before it."""
    upload_id = sign({}).json["uploadId"]

    assert call(upload_status.main_handler, "GET", path).status == 404
    assert call(upload_status.main_handler, "GET", f"/release/uploads/{upload_id}/").status == 200


def test_unchanged_answer_is_not_sent_again(sign: Sign, read_status: ReadStatus) -> None:
    """A known ETag is answered 304, without a body and with what a client needs to go on."""
    upload_id = sign({}).json["uploadId"]
    tag = read_status(upload_id).headers["etag"]

    known, other = (read_status(upload_id, if_none_match=shown) for shown in (f'"x",W/{tag}', '"other"'))

    assert (known.status, known.body, other.status) == (304, "", 200)
    assert {(answer.headers["etag"], answer.headers["retry-after"]) for answer in (known, other)} == {
        (tag, "2")
    }


def test_issued_upload_is_cancelled(sign: Sign, read_status: ReadStatus) -> None:
    """Each answer is empty, also to a DELETE that is sent again; the upload is `cancelled` from now on."""
    upload_id = sign({}).json["uploadId"]

    answers = [read_status(upload_id, method="DELETE") for _ in range(2)]

    assert [(answer.status, answer.body) for answer in answers] == [(204, "")] * 2
    told = read_status(upload_id).json
    assert (told["state"], told["final"]) == ("cancelled", True)
    assert 0 <= age(told["cancelledAt"]) < 10


def test_uploaded_file_cannot_be_cancelled(read_status: ReadStatus) -> None:
    """An upload whose file VOD has cannot be cancelled."""
    upload = begin_upload(seconds_ago=9)
    announce_upload(upload.signature)

    answer = read_status(upload.upload_id, method="DELETE")

    assert answer.status == 409
    assert "uploaded" in answer.json["detail"]
    assert read_status(upload.upload_id).json["state"] == "uploaded"
