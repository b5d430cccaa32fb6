"""JSON Schema of the events that the app receives, one table for each part of their content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.openapi.shapes import (
    Schema,
    array,
    boolean,
    instant,
    integer,
    nothing,
    number,
    one_of,
    or_null,
    record,
    text,
)
from local.openapi.upload_content import OUTCOME, UPLOAD_ID, VIOLATION
from shared.domain.event_status import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection

_FILE_ID = or_null(text("VOD's id of the file."))
_MEDIA_URL = or_null(text("Where the file is."))
_TASK_ID = or_null(text("The task flow that the upload started; null if VOD names none."))

FILE_MEMBERS: dict[str, Schema] = {
    "fileName": text("The file's name in VOD."),
    "mediaUrl": _MEDIA_URL,
    "coverUrl": or_null(text("Where its cover is.")),
    "mediaType": text("Its extension."),
    "size": or_null(integer("In bytes, as VOD measured it.")),
    "duration": or_null(number("In seconds, as VOD measured it.")),
    "storageRegion": or_null(text("Where VOD stores it.")),
    "classId": or_null(integer("VOD's category.")),
    "procedureTaskId": _TASK_ID,
    "reviewTaskId": or_null(text("The review that the upload started.")),
    "sourceType": text("How it was uploaded, in VOD's words."),
    "breaches": or_null(
        array(
            VIOLATION,
            "The limits of the upload's policy that the real file is beyond; empty: it is within all. Null: "
            "not known, because the upload's record is lost, it is none of ours, or VOD does not say what "
            "the file is.",
        )
    ),
}

PROCEDURE_MEMBERS: dict[str, Schema] = {
    "mediaUrl": _MEDIA_URL,
    "procedureTaskId": _TASK_ID,
    "procedure": record(
        "How the task flow stands.", {**OUTCOME, "message": text("VOD's sentence about the whole.")}
    ),
}

_OF_OUR_UPLOAD: dict[str, Schema] = {
    "uploadId": UPLOAD_ID,
    "uploader": text("The user who was allowed to make the upload: the `sub` of the token."),
    "context": text("The app's own text, from the request for the signature."),
    "sourceContext": nothing("Only an event without an uploader has VOD's own context."),
}
_OF_ANY_UPLOAD: dict[str, Schema] = {
    "uploadId": or_null(UPLOAD_ID),
    "uploader": or_null(text("As above; null for what was made without us.")),
    "context": or_null(text("As above.")),
    "sourceContext": or_null(text("What the upload was made with, if not with a signature of ours.")),
}


@dataclass(frozen=True)
class EventKind:
    """One type of event: its name in the document, when it is sent, and the schema of its data."""

    name: str
    when: str
    verdicts: tuple[Verdict, ...]
    content: Schema


def _kind(  # noqa: PLR0913 -- a kind has that many parts
    name: str,
    when: str,
    verdicts: tuple[Verdict, ...],
    members: dict[str, Schema],
    *,
    of_upload: dict[str, Schema] = _OF_OUR_UPLOAD,
    file_id: Schema = _FILE_ID,
    optional: Collection[str] = (),
) -> EventKind:
    content = record(
        "What happened.",
        {
            **of_upload,
            "fileId": file_id,
            **members,
            "verdict": one_of((verdict.value for verdict in verdicts), "What the event is to us."),
            "verified": boolean(
                "Whether all of this event is VOD's own word: pulled, or asked for after a push. False: "
                "it is what somebody told who knows the callback's URL."
            ),
            "reconciled": boolean("Whether VOD's own event was missed, and this found by asking."),
            "sequence": integer("Counts the events of one upload from 1; 0 without one.", minimum=0),
        },
        optional=optional,
    )
    return EventKind(name, when, verdicts, content)


_IN_TIME, _ANY_TIME = (
    (Verdict.ATTRIBUTED, Verdict.LATE),
    (Verdict.ATTRIBUTED, Verdict.LATE, Verdict.REPLAYED),
)

EVENT_KINDS: dict[str, EventKind] = {
    "upload.completed": _kind("UploadCompleted", "VOD has the file.", _IN_TIME, FILE_MEMBERS),
    "upload.replayed": _kind(
        "UploadReplayed",
        "A second file came under an upload that has one: a signature was used twice.",
        (Verdict.REPLAYED,),
        FILE_MEMBERS,
    ),
    "upload.expired": _kind(
        "UploadExpired",
        "Nothing was uploaded until the upload's end.",
        (Verdict.ATTRIBUTED,),
        {},
        file_id=nothing("There is no file."),
    ),
    "procedure.changed": _kind(
        "ProcedureChanged", "A task flow has moved, and is not at its end.", _ANY_TIME, PROCEDURE_MEMBERS
    ),
    "procedure.finished": _kind(
        "ProcedureFinished", "A task flow is at its end.", _ANY_TIME, PROCEDURE_MEMBERS
    ),
    "vod.*": _kind(
        "VodEvent",
        "Everything else VOD says, as `vod.` and VOD's own event type: what was made without us, and types "
        "that nothing here has heard of. `raw` has it whole.",
        (*_ANY_TIME, Verdict.UNATTRIBUTED),
        FILE_MEMBERS | PROCEDURE_MEMBERS,
        of_upload=_OF_ANY_UPLOAD,
        optional=(FILE_MEMBERS | PROCEDURE_MEMBERS).keys(),
    ),
}
"""Every type of event; `vod.*` stands for all types of that prefix. No quarantined event is delivered."""


def kind_of(event_type: str) -> EventKind:
    """Return the kind that an event type belongs to."""
    return EVENT_KINDS["vod.*" if event_type.startswith("vod.") else event_type]


def event_schema(event_type: str) -> Schema:
    """Return the schema of a whole event of one type."""
    kind = EVENT_KINDS[event_type]
    own_type = {"pattern": r"^vod\."} if event_type == "vod.*" else {"const": event_type}
    return record(
        kind.when,
        {
            "id": text(
                "The same for every delivery of one event: do its work once per id.",
                pattern="^evt_[0-9a-f]{32}$",
            ),
            "type": text("What kind of thing happened.", **own_type),
            "timestamp": instant("When we received it."),
            "data": kind.content,
            "raw": {
                "type": "object",
                "description": "The event in VOD's words, without `Sign`, `T` and `EventHandle`: as it came, "
                "or, if it was pushed and is verified, as VOD answered when it was asked about it.",
            },
        },
    )


def any_event_schema() -> Schema:
    """Return the schema of an event of any type."""
    return {"oneOf": [{"$ref": f"#/components/schemas/{kind.name}"} for kind in EVENT_KINDS.values()]}
