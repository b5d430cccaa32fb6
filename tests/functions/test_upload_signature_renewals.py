"""POST /signature with uploadId: another signature for an existing upload."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.vod.signature import decode
from tests.functions.vod import announce_upload, begin_upload, token_in
from tests.shared.uploads import FILE_ID

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, ReadStatus, Sign

UNKNOWN = "01KAPVZ9M80000000000000000"


def test_renewal_may_repeat_what_the_upload_began_with(sign: Sign) -> None:
    """A renewal may repeat the members of the first request."""
    wish = {"policy": "course", "procedure": "Short", "context": "c", "fileName": "a.mp4", "fileSize": 9}
    upload_id = sign(wish).json["uploadId"]

    assert sign({**wish, "uploadId": upload_id}).status == 200


def test_text_that_no_upload_began_with_differs(sign: Sign) -> None:
    """A lone surrogate, which no encoding has, is a difference like any other."""
    upload_id = sign({"context": "mine", "fileName": "a.mp4"}).json["uploadId"]

    answer = sign({"uploadId": upload_id, "context": "\ud800"})

    assert (answer.status, answer.pointers) == (422, ["/context"])


@pytest.mark.parametrize("upload_id", ["", UNKNOWN.lower(), UNKNOWN[:-1] + "\n", 7, [UNKNOWN]])
def test_id_of_another_form_is_refused_by_name(sign: Sign, upload_id: object) -> None:
    """What cannot be an upload's id is a mistake in the request, and never reaches the store."""
    answer = sign({"uploadId": upload_id})

    assert (answer.status, answer.pointers) == (422, ["/uploadId"])


@pytest.mark.parametrize("ended", ["cancelled", "expired", "uploaded"])
def test_upload_that_is_over_is_closed(
    sign: Sign, read_status: ReadStatus, deploy: Deploy, ended: str
) -> None:
    """No signature after the last one of a cancelled upload, after the end, or two minutes after the file."""
    deploy(UPLOAD_SESSION_SECONDS="200" if ended == "expired" else "3600")
    upload = begin_upload(seconds_ago=700)
    if ended == "cancelled":
        assert read_status(upload.upload_id, method="DELETE").status == 204
    elif ended == "uploaded":
        announce_upload(upload.signature, seconds_ago=121)

    answer = sign({"uploadId": upload.upload_id})

    assert (answer.status, ended in answer.json["detail"]) == (409, True)


def test_upload_has_so_many_signatures(sign: Sign, deploy: Deploy) -> None:
    """SIGNATURES_PER_UPLOAD in all, the first one included; the answer says what to do."""
    deploy(SIGNATURES_PER_UPLOAD="3")
    upload_id = sign({}).json["uploadId"]

    answers = [sign({"uploadId": upload_id}) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 409, 409]
    assert answers[-1].json["detail"].startswith("This upload has had all its signatures: begin a new one")


def test_cover_of_an_uploaded_file_gets_a_whole_signature(
    sign: Sign, read_status: ReadStatus, deploy: Deploy
) -> None:
    """With COVER_CHANGES=on, long after the upload's signing has ended; the upload stays as it was."""
    deploy(COVER_CHANGES="on")
    upload = begin_upload(seconds_ago=200_000, context="lesson 3")
    announce_upload(upload.signature, seconds_ago=199_000)
    before = read_status(upload.upload_id).json

    answer = sign({"uploadId": upload.upload_id, "cover": True, "context": "lesson 3"})

    assert (answer.status, answer.json["fileId"]) == (200, FILE_ID)
    values = decode(answer.json["signature"]).values
    assert token_in(answer.json["signature"]) == token_in(upload.signature)
    assert int(values["expireTime"]) - int(values["currentTimeStamp"]) == 600
    assert answer.json["expiresAt"] == int(values["expireTime"])
    assert answer.json["expiresAt"] - time.time() > 500
    assert read_status(upload.upload_id).json == before
    assert before["state"] == "uploaded"


def test_signatures_for_covers_are_among_those_of_the_upload(sign: Sign, deploy: Deploy) -> None:
    """SIGNATURES_PER_UPLOAD bounds them, and so what else they could be used for."""
    deploy(COVER_CHANGES="on", SIGNATURES_PER_UPLOAD="3")
    upload = begin_upload(seconds_ago=700)
    announce_upload(upload.signature, seconds_ago=600)

    answers = [sign({"uploadId": upload.upload_id, "cover": True}) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 409]
    assert "has had all its signatures" in answers[-1].json["detail"]


def test_repeated_commit_learns_no_file(sign: Sign) -> None:
    """The id of the file is for who changes its cover; a Commit that is repeated gets a signature alone."""
    upload = begin_upload(seconds_ago=60)
    announce_upload(upload.signature)

    answer = sign({"uploadId": upload.upload_id})

    assert (answer.status, "fileId" in answer.json) == (200, False)


@pytest.mark.parametrize("why", ["no file", "cancelled", "another user's", "other context"])
def test_signature_for_a_cover_is_refused(
    sign: Sign, read_status: ReadStatus, deploy: Deploy, why: str
) -> None:
    """It is for the owner of a file that VOD has told of, and changes nothing else."""
    deploy(COVER_CHANGES="on")
    upload = begin_upload(seconds_ago=700)
    if why == "cancelled":
        read_status(upload.upload_id, method="DELETE")
    if why != "no file":
        announce_upload(upload.signature)
    user = "bob" if why == "another user's" else "alice"
    wish = {"context": "other"} if why == "other context" else {}

    answer = sign({"uploadId": upload.upload_id, "cover": True, **wish}, user=user)

    assert answer.status == {"another user's": 404, "other context": 422}.get(why, 409)
    assert answer.status != 409 or answer.json["detail"] == (
        "This upload's cover cannot be changed: it has no file, was cancelled, or has had all its signatures."
    )


@pytest.mark.parametrize(
    ("setting", "with_id", "fault"),
    [("", True, "Switched off here (COVER_CHANGES)."), ("on", False, "Needs an uploadId.")],
)
def test_cover_is_refused_by_name(
    sign: Sign, deploy: Deploy, setting: str, fault: str, *, with_id: bool
) -> None:
    """Covers are switched off by default, and a cover without its upload is a mistake; `false` is neither."""
    deploy(COVER_CHANGES=setting)
    upload = {"uploadId": sign({}).json["uploadId"]} if with_id else {}

    answer = sign({**upload, "cover": True})

    assert (answer.status, answer.json["errors"]) == (422, [{"pointer": "/cover", "detail": fault}])
    assert answer.json["detail"] == "No cover can be changed by this request."
    ordinary = sign({**upload, "cover": False})
    assert (ordinary.status, "fileId" in ordinary.json) == (200, False)
