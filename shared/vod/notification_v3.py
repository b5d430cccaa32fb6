"""Read the v3 format of VOD's event notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.vod.lenient_json import as_integer, as_number, as_object, as_text, objects_in, texts_in
from shared.vod.notification_types import (
    FILE_ATTRIBUTES,
    NEW_FILE_UPLOAD,
    PROCEDURE_STATE_CHANGED,
    EventNotification,
    FileUpload,
    ProcedureState,
    Subtask,
    SubtaskGroup,
    output_urls,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# The member is not the type plus a suffix (note the missing "d"): never build one from the other.
_MEMBERS = {
    NEW_FILE_UPLOAD: "FileUploadEvent",
    PROCEDURE_STATE_CHANGED: "ProcedureStateChangeEvent",
}

_RESULT_SETS: dict[SubtaskGroup, str] = {
    "media": "MediaProcessResultSet",
    "review": "AiContentReviewResultSet",
    "analysis": "AiAnalysisResultSet",
    "recognition": "AiRecognitionResultSet",
}


def read_v3(body: Mapping[str, object]) -> EventNotification:
    """Read an object of the form `{"EventType": …, "<Member>": {…}}` (doc 266/33950); never raises."""
    event_type = as_text(body.get("EventType"))
    member = _MEMBERS.get(event_type)
    event = as_object(body.get(member)) if member else _only_object_in(body)
    uploaded = event_type == NEW_FILE_UPLOAD and event
    changed = event_type == PROCEDURE_STATE_CHANGED and event
    source = as_object(as_object(event.get("MediaBasicInfo")).get("SourceInfo"))
    return EventNotification(
        event_type=event_type,
        wire_format="v3",
        file_id=_file_id(event),
        task_id=as_text(event.get("TaskId")),
        status=as_text(event.get("Status")),
        file_upload=_file_upload(event, source) if uploaded else None,
        procedure_state=_procedure_state(event) if changed else None,
        source_context=as_text(source.get("SourceContext")),
        session_context=as_text(event.get("SessionContext")),
        raw=body,
        digests=_digests(as_object(event.get("Output"))) if event_type == FILE_ATTRIBUTES else (),
    )


def _only_object_in(members: Mapping[str, object]) -> dict[str, object]:
    """Return the one object of an event or a subtask, whatever its name: new types appear every year.

    Each has exactly one member that is an object; the others are missing or null. Should there be
    more, the names decide and not the order, which differs between a push and what is kept of it.
    """
    objects = {name: value for name, value in members.items() if isinstance(value, dict)}
    return objects[min(objects)] if objects else {}


def _file_id(event: dict[str, object]) -> str:
    """Return the id of the file the event is about: the input, not what was made of it."""
    deleted = texts_in(event.get("FileIdSet"))
    if len(deleted) == 1:
        return deleted[0]
    return as_text(event.get("FileId")) or as_text(as_object(event.get("Input")).get("FileId"))


def _digests(output: dict[str, object]) -> tuple[tuple[str, str], ...]:
    """Return the digests of a file's bytes that are there; VOD's international site documents MD5 alone."""
    named = (("md5", as_text(output.get("Md5"))), ("sha1", as_text(output.get("Sha1"))))
    return tuple((name, digest.lower()) for name, digest in named if digest)


def _file_upload(event: dict[str, object], source: dict[str, object]) -> FileUpload:
    basic = as_object(event.get("MediaBasicInfo"))
    metadata = as_object(event.get("MetaData"))
    return FileUpload(
        file_id=as_text(event.get("FileId")),
        name=as_text(basic.get("Name")),
        media_url=as_text(basic.get("MediaUrl")),
        cover_url=as_text(basic.get("CoverUrl")),
        media_type=as_text(basic.get("Type")),
        source_type=as_text(source.get("SourceType")),
        source_context=as_text(source.get("SourceContext")),
        procedure_task_id=as_text(event.get("ProcedureTaskId")),
        review_task_id=as_text(event.get("ReviewAudioVideoTaskId")),
        storage_region=as_text(basic.get("StorageRegion")),
        class_id=as_integer(basic.get("ClassId")),
        size=as_integer(metadata.get("Size")),
        duration=as_number(metadata.get("Duration")),
        created_at=as_text(basic.get("CreateTime")),
    )


def _procedure_state(event: dict[str, object]) -> ProcedureState:
    items = [(group, it) for group, name in _RESULT_SETS.items() for it in objects_in(event.get(name))]
    tasks = (_only_object_in(it) for _, it in items)
    times = [task.get(name) for task in tasks for name in ("FinishTime", "BeginProcessTime")]
    return ProcedureState(
        task_id=as_text(event.get("TaskId")),
        status=as_text(event.get("Status")),
        file_id=as_text(event.get("FileId")),
        file_name=as_text(event.get("FileName")),
        media_url=as_text(event.get("FileUrl")),
        session_context=as_text(event.get("SessionContext")),
        err_code=as_integer(event.get("ErrCode")),
        message=as_text(event.get("Message")),
        changed_at=max(texts_in(times), default=""),
        subtasks=tuple(_subtask(group, item) for group, item in items),
    )


def _subtask(group: SubtaskGroup, item: dict[str, object]) -> Subtask:
    task = _only_object_in(item)
    output = as_object(task.get("Output"))
    definition = as_integer(as_object(task.get("Input")).get("Definition"))
    return Subtask(
        group=group,
        kind=as_text(item.get("Type")),
        definition=as_integer(output.get("Definition")) if definition is None else definition,
        status=as_text(task.get("Status")),
        err_code_ext=as_text(task.get("ErrCodeExt")),
        err_code=as_integer(task.get("ErrCode")),
        message=as_text(task.get("Message")),
        progress=as_integer(task.get("Progress")),
        output_urls=output_urls(output),
    )
