"""Uploads of a tiny file in the steps of VOD's SDKs, for questions that need one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.conformance.called import StepFailedError, expected
from local.conformance.storage_calls import API_NAMES, Bucket, Credential, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.conformance.called import Called
    from local.conformance.subject import Subject

CLIP = (Path(__file__).parent / "clip.mp4").read_bytes()
"""A video of one second."""
COVER = b"\x89PNG\r\n\x1a\n of which VOD keeps the bytes"
_OK = 200


@dataclass(frozen=True)
class Applied:
    """An open upload session, as Apply or ApplyUpload returned it; keys without a leading slash."""

    data: Mapping[str, Any] = field(repr=False)
    session_key: str = field(repr=False)
    bucket: Bucket
    media_key: str = ""
    cover_key: str = ""


def announced(subject: Subject, *, cover: bool = False) -> dict[str, object]:
    """Return the members of Apply that announce the file, under a new name of this run."""
    name = subject.name()
    members: dict[str, object] = {"videoName": name, "videoType": "mp4", "videoSize": len(CLIP)}
    pictured = {"coverName": name, "coverType": "png", "coverSize": len(COVER)}
    return members | (pictured if cover else {})


def apply_word(subject: Subject, signature: object, **members: object) -> str:
    """Send an Apply for a new file with this signature and return how it ended; the session is not used."""
    return subject.control("ApplyUploadUGC", **{"signature": signature, **announced(subject), **members}).word


def applied(subject: Subject, signature: str = "", **members: object) -> Applied:
    """Open an upload session.

    Raises:
        StepFailedError: VOD refused.

    """
    wanted = {**announced(subject), **members}
    called = subject.control("ApplyUploadUGC", signature=signature or subject.signature(), **wanted)
    return session_of(called)


def session_of(called: Called) -> Applied:
    """Read the reply of an Apply.

    Raises:
        StepFailedError: it is a refusal.

    """
    data = expected("ApplyUploadUGC", called)
    return Applied(
        data,
        str(data["vodSessionKey"]),
        Bucket(
            f"{data['storageBucket']}-{data['storageAppId']}",
            str(data["storageRegionV5"]),
            Credential.of(data["tempCertificate"]),
        ),
        _key(data.get("video")),
        _key(data.get("cover")),
    )


def server_applied(subject: Subject, **parameters: object) -> Applied:
    """Open an upload session of the server API.

    Raises:
        StepFailedError: VOD refused.

    """
    wanted = {"MediaType": "mp4", "MediaName": subject.name(), **parameters}
    members = expected("ApplyUpload", subject.api("ApplyUpload", **wanted))
    return Applied(
        members,
        str(members["VodSessionKey"]),
        Bucket(
            str(members["StorageBucket"]),
            str(members["StorageRegion"]),
            Credential.of(members["TempCertificate"], API_NAMES),
        ),
        str(members["MediaStoragePath"]).removeprefix("/"),
        str(members.get("CoverStoragePath") or "").removeprefix("/"),
    )


def storage(subject: Subject, session: Applied, *, at: int | None = None) -> Storage:
    """Return the storage of a session, with requests signed now or `at` another time."""
    return Storage(subject.http, session.bucket, subject.now() if at is None else at)


def store(subject: Subject, session: Applied) -> None:
    """Store what the session announced, each with one PutObject.

    Raises:
        StepFailedError: the storage refused.

    """
    for key, content in ((session.media_key, CLIP), (session.cover_key, COVER)):
        if key:
            reply = storage(subject, session).cos("PUT", key, body=content)
            if reply.status != _OK:
                raise StepFailedError(f"PutObject was refused: {reply.status} {reply.xml().get('Code', '')}")


def commit(subject: Subject, session: Applied, signature: str = "") -> Called:
    """Send a Commit, and note the media for deletion."""
    with subject.ledger.making():
        called = subject.control(
            "CommitUploadUGC",
            signature=signature or subject.signature(),
            vodSessionKey=session.session_key,
        )
    subject.ledger.note(str(called.members.get("fileId", "")), word=called.word)
    return called


def server_commit(subject: Subject, session: Applied) -> Called:
    """Send a CommitUpload, and note the media for deletion."""
    with subject.ledger.making():
        called = subject.api("CommitUpload", VodSessionKey=session.session_key)
    subject.ledger.note(str(called.members.get("FileId", "")), word=called.word)
    return called


def uploaded(subject: Subject, **terms: Any) -> dict[str, Any]:  # noqa: ANN401  # of `signature`
    """Upload the file and return `data` of Commit's reply; both signatures have these terms.

    Raises:
        StepFailedError: VOD refused a step.

    """
    session = applied(subject, subject.signature(**terms))
    store(subject, session)
    return expected("CommitUploadUGC", commit(subject, session, subject.signature(**terms)))


def media_info(subject: Subject, file_id: str) -> dict[str, Any]:
    """Return one media as DescribeMediaInfos shows it; empty if it does not know it."""
    members = expected("DescribeMediaInfos", subject.api("DescribeMediaInfos", FileIds=[file_id]))
    found = members.get("MediaInfoSet") or [{}]
    return dict(found[0])


def until(subject: Subject, find: Callable[[], Any], what: str) -> Any:  # noqa: ANN401  # what `find` returns
    """Return what `find` returns as soon as that is something.

    Raises:
        StepFailedError: it is nothing for as long as the pace's patience.

    """
    ends = subject.now() + subject.pace.patience
    while not (found := find()):
        if subject.now() > ends:
            raise StepFailedError(f"{what} did not come within {subject.pace.patience:.0f} s")
        time.sleep(subject.pace.poll)
    return found


def _key(file: object) -> str:
    return str(file["storagePath"]).removeprefix("/") if isinstance(file, dict) else ""
