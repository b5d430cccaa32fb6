"""The legacy format ("2.0 API") of VOD's event notifications, for accounts older than 2019."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.vod.lenient_json import as_integer, as_object, as_text, objects_in, texts_in
from shared.vod.notification_types import (
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

_TASK_LISTS: dict[SubtaskGroup, str] = {
    "media": "processTaskList",
    "review": "contentReviewList",
    "analysis": "aIAnalysisList",
}


def read_legacy(body: Mapping[str, object]) -> EventNotification:
    """Read an object of the form `{"version", "eventType", "data"}` (doc 266/33962); never raises."""
    event_type = as_text(body.get("eventType"))
    event = as_object(body.get("data"))
    uploaded = event_type == NEW_FILE_UPLOAD and event
    changed = event_type == PROCEDURE_STATE_CHANGED and event
    return EventNotification(
        event_type=event_type,
        wire_format="legacy",
        file_id=_file_id(event),
        task_id=as_text(event.get("vodTaskId")) or as_text(event.get("TaskId")),
        status=as_text(event.get("status")) or as_text(event.get("Status")),
        file_upload=_file_upload(event) if uploaded else None,
        procedure_state=_procedure_state(event) if changed else None,
        source_context=as_text(event.get("sourceContext")),
        raw=body,
    )


def _file_id(event: dict[str, object]) -> str:
    files = texts_in([file.get("fileId") for file in objects_in(event.get("fileInfo"))])
    only_file = files[0] if len(files) == 1 else ""
    # Some legacy types name their members as v3 does.
    return as_text(event.get("fileId")) or as_text(event.get("FileId")) or only_file


def _file_upload(event: dict[str, object]) -> FileUpload:
    return FileUpload(
        file_id=as_text(event.get("fileId")),
        name=as_text(event.get("fileName")),
        media_url=as_text(event.get("fileUrl")),
        cover_url=as_text(event.get("coverUrl")),
        source_type=as_text(event.get("sourceType")),
        source_context=as_text(event.get("sourceContext")),
        procedure_task_id=as_text(event.get("procedureTaskId")),
    )


def _procedure_state(event: dict[str, object]) -> ProcedureState:
    return ProcedureState(
        task_id=as_text(event.get("vodTaskId")),
        status=as_text(event.get("status")),
        file_id=as_text(event.get("fileId")),
        err_code=as_integer(event.get("errCode")),
        message=as_text(event.get("message")),
        subtasks=tuple(
            _subtask(group, item)
            for group, task_list in _TASK_LISTS.items()
            for item in objects_in(event.get(task_list))
        ),
    )


def _subtask(group: SubtaskGroup, item: dict[str, object]) -> Subtask:
    return Subtask(
        group=group,
        kind=as_text(item.get("taskType")),
        definition=as_integer(as_object(item.get("input")).get("definition")),
        status=as_text(item.get("status")),
        err_code=as_integer(item.get("errCode")),
        message=as_text(item.get("message")),
        output_urls=output_urls(as_object(item.get("output"))),
    )
