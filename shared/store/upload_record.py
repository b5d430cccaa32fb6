"""Conversion of an upload session to the fields of its Redis hash, and back."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.domain.file_limits import REPORT, read_limits, write_limits
from shared.domain.policy import Grant
from shared.domain.session import ProcedureOutcome, UploadOrigin, UploadSession
from shared.errors import UnreadableRecordError

if TYPE_CHECKING:
    from collections.abc import Mapping


PART_BYTES, MOST_PARTS = 64, 16
PARTED = frozenset({"grant", "limits", "media_url", "cover_url", "procedure"})
"""The fields whose values may be long."""
_COMPRESSED = "z:"
OUTCOME_DICTIONARY = (
    b'"PROCESSING""ABORTED""FORGOTTEN"{"group":"review""analysis""recognition""kind":"AdaptiveDynamicStreaming"'
    b'"ImageSprites""SampleSnapshot"adp.10{"status":"FINISH","succeeded":false,"subtasks":[{"group":"media",'
    b'"kind":"CoverBySnapshot","definition":10,"status":"FAIL","err_code_ext":"InternalError","err_code":70000,'
    b'"message":"internal error","progress":0,"output_urls":[]}]}{"status":"FINISH","succeeded":true,'
    b'"subtasks":[{"group":"media","kind":"Transcode","definition":100030,"status":"SUCCESS","err_code_ext":"",'
    b'"err_code":0,'
    b'"message":"SUCCESS","progress":100,"output_urls":["https://1500012345.vod2.myqcloud.com//v.f100030.mp4"]},'
)
"""What outcomes of task flows have in common; what was compressed with another cannot be read."""


def session_fields(origin: UploadOrigin | UploadSession) -> dict[str, str]:
    """Return the fields that a session begins with, without the facts that events add."""
    return {
        "user_id": origin.user_id,
        **_grant_fields(origin.grant),
        "issued_at": str(origin.issued_at),
        "ends_at": str(origin.ends_at),
        "updated_at": str(origin.issued_at),
    }


def in_parts(name: str, text: str) -> dict[str, str]:
    """Return the fields in which an ASCII text is kept (`lua/steps/text.lua`)."""
    step = PART_BYTES if len(text) <= PART_BYTES * MOST_PARTS else len(text)
    starts = range(0, len(text), step)
    return {f"{name}.{place}" if place else name: text[at : at + step] for place, at in enumerate(starts)}


def joined(record: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a record with the texts whole that are kept in parts (`lua/steps/text.lua`)."""
    fields = dict(record)
    for name in PARTED & fields.keys():
        parts = [_bytes(fields[name])]
        while len(parts[-1]) == PART_BYTES and (part := fields.pop(f"{name}.{len(parts)}", "")):
            parts.append(_bytes(part))
        # A character of several bytes may be in two parts.
        fields[name] = b"".join(parts).decode("utf-8", "surrogateescape")
    return fields


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def read_session(upload_id: str, record: Mapping[str, str]) -> UploadSession:
    """Read a session from its record, with the facts added so far.

    Raises:
        UnreadableRecordError: it cannot be read.

    """
    try:
        return _session_in(upload_id, joined(record))
    except Exception as error:  # whatever is wrong with it is wrong with this upload alone
        raise UnreadableRecordError(
            f"The record of an upload cannot be read ({type(error).__name__})."
        ) from error


def _session_in(upload_id: str, fields: Mapping[str, str]) -> UploadSession:
    outcome = fields.get("procedure")
    return UploadSession(
        upload_id=upload_id,
        user_id=fields["user_id"],
        grant=Grant(
            **json.loads(fields["grant"]),
            md5=fields.get("md5"),
            sha1=fields.get("sha1"),
            limits=read_limits(fields.get("limits", "")),
            on_violation=fields.get("on_violation", REPORT),
        ),
        issued_at=int(fields["issued_at"]),
        ends_at=int(fields["ends_at"]),
        signed_until=int(fields.get("signed_until", 0)),
        cancelled_at=_whole(fields, "cancelled_at"),
        expired_at=_whole(fields, "expired_at"),
        uploaded_at=_whole(fields, "uploaded_at"),
        file_id=fields.get("file_id", ""),
        media_url=fields.get("media_url", ""),
        cover_url=fields.get("cover_url", ""),
        procedure_task_id=fields.get("procedure_task_id", ""),
        procedure=read_outcome(outcome) if outcome else None,
        size=_whole(fields, "size"),
        duration=float(fields["duration"]) if "duration" in fields else None,
        media_type=fields.get("media_type", ""),
        updated_at=int(fields["updated_at"]),
        sequence=int(fields.get("sequence", 0)),
    )


def write_outcome(outcome: ProcedureOutcome) -> str:
    """Serialize the outcome of a task flow: the Base64 of its compressed JSON."""
    fields = {**outcome._asdict(), "subtasks": [subtask._asdict() for subtask in outcome.subtasks]}
    return _COMPRESSED + _deflated(json.dumps(fields, separators=(",", ":")).encode("ascii"))


def read_outcome(text: str) -> ProcedureOutcome:
    """Parse what `write_outcome` wrote, or an earlier release as plain JSON."""
    from shared.vod.notification_types import Subtask  # noqa: PLC0415 -- a signature knows nothing of events

    fields = json.loads(_inflated(text) if text.startswith(_COMPRESSED) else text)
    subtasks = (
        Subtask(**{**subtask, "output_urls": tuple(subtask["output_urls"])}) for subtask in fields["subtasks"]
    )
    return ProcedureOutcome(fields["status"], fields["succeeded"], tuple(subtasks))


def _deflated(content: bytes) -> str:
    import binascii  # noqa: PLC0415 -- nor does it know outcomes
    import zlib  # noqa: PLC0415

    # In 4 KB of history and little memory, which otherwise takes most of the time.
    stream = zlib.compressobj(wbits=12, memLevel=5, zdict=OUTCOME_DICTIONARY)
    return binascii.b2a_base64(stream.compress(content) + stream.flush(), newline=False).decode("ascii")


def _inflated(text: str) -> bytes:
    import binascii  # noqa: PLC0415 -- as above
    import zlib  # noqa: PLC0415

    stream = zlib.decompressobj(zdict=OUTCOME_DICTIONARY)
    return stream.decompress(binascii.a2b_base64(text[len(_COMPRESSED) :]))


@lru_cache(maxsize=64)
def _grant_fields(grant: Grant) -> Mapping[str, str]:
    """Serialize a grant without the members that are None; cached, since many uploads have the same."""
    members = {name: value for name, value in grant._asdict().items() if value is not None}
    members.pop("limits", None)
    # Fields of their own, because scripts copy them to events of the upload, or look for them.
    own: dict[str, str] = {name: members.pop(name) for name in ("md5", "sha1") if name in members}
    if members.pop("on_violation") != REPORT:
        own["on_violation"] = grant.on_violation
    if grant.limits is not None:
        own |= in_parts("limits", write_limits(grant.limits))
    return {**in_parts("grant", json.dumps(members)), **own}


def _whole(fields: Mapping[str, str], name: str) -> int | None:
    return int(fields[name]) if name in fields else None
