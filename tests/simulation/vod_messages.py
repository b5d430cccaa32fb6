"""What VOD has and says: files and task flows, and their events as VOD writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_DIGESTS: Mapping[str, str] = MappingProxyType({})
STANDARD, ARCHIVE = "STANDARD", "ARCHIVE"
TASK_SECONDS = 72 * 3600
"""How long a task is remembered (266/39706)."""


@dataclass
class File:
    """A file in VOD; `token` is the source context of its signature, or of the console."""

    file_id: str
    token: str
    size: int
    created_at: float
    shown_at: float
    created: str
    flow: Flow | None = None
    is_forbidden: bool = False
    deleted_at: float | None = None
    hidden_at: float | None = None
    """When a deleted file is not shown any more."""
    digests: Mapping[str, str] = NO_DIGESTS
    storage_class: str = STANDARD
    names_class: bool = False
    """An answer about it says its storage class."""

    @property
    def can_be_forbidden(self) -> bool:
        """True if VOD forbids files of its storage class (doc 266/40636)."""
        return self.storage_class != ARCHIVE

    def is_shown(self, now: float) -> bool:
        """Return whether the API has it."""
        return self.shown_at <= now and (self.hidden_at is None or now < self.hidden_at)


@dataclass
class Flow:
    """A task flow; `ending` is FINISH, ABORTED, or nothing for one that VOD forgets without a word."""

    task_id: str
    file: File
    mode: str
    started_at: float
    ends_at: float
    ending: str
    succeeds: bool
    shown_at: float

    def status(self, now: float) -> str:
        """Return where it stands."""
        return self.ending if self.ending and now >= self.ends_at else "PROCESSING"

    def is_known(self, now: float) -> bool:
        """Return whether DescribeTaskDetail has it."""
        if not self.ending and now >= self.ends_at:
            return False
        return self.shown_at <= now < self.started_at + TASK_SECONDS


def iso(instant: float) -> str:
    """Return an instant as VOD writes it."""
    return datetime.fromtimestamp(int(instant), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def media_of(file: File) -> dict[str, Any]:
    """Return a file as an item of MediaInfoSet."""
    address = f"https://1500012345.vod-example.test/{file.file_id}"
    return {
        "FileId": file.file_id,
        "BasicInfo": {
            "Name": "lecture",
            "CreateTime": file.created,
            "MediaUrl": f"{address}/original.mp4",
            "CoverUrl": f"{address}/cover.png",
            "Type": "mp4",
            "SourceInfo": {"SourceType": "Upload", "SourceContext": file.token},
            **({"StorageClass": file.storage_class} if file.names_class else {}),
            **({"Status": "Forbidden"} if file.is_forbidden else {}),
        },
        "MetaData": {"Size": file.size, "Duration": 10.0},
    }


def upload_event(file: File) -> dict[str, Any]:
    """Return the event of a file."""
    media = media_of(file)
    upload = {
        "FileId": file.file_id,
        "MediaBasicInfo": media["BasicInfo"],
        "MetaData": media["MetaData"],
        "ProcedureTaskId": file.flow.task_id if file.flow else "",
        "ReviewAudioVideoTaskId": "",
    }
    return {"EventType": "NewFileUpload", "FileUploadEvent": upload}


def flow_event(flow: Flow, status: str, progress: int) -> dict[str, Any]:
    """Return an event of a task flow, or what DescribeTaskDetail says of it."""
    ended = "SUCCESS" if flow.succeeds else "FAIL"
    transcode = {
        "Status": ended if status == "FINISH" else "PROCESSING",
        "ErrCodeExt": "",
        "Progress": progress,
        "Input": {"Definition": 100030},
        "Output": {"Url": "https://1500012345.vod-example.test/v.f100030.mp4"},
    }
    state = {
        "TaskId": flow.task_id,
        "Status": status,
        "FileId": flow.file.file_id,
        "MediaProcessResultSet": [{"Type": "Transcode", "TranscodeTask": transcode}],
        "SessionContext": flow.file.token,
    }
    return {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": state}


def key_of(event: dict[str, Any]) -> tuple[str, str, str]:
    """Return what an event is about: its type, the id of the file or task flow, and the status."""
    kind = str(event.get("EventType", ""))
    upload, state = event.get("FileUploadEvent"), event.get("ProcedureStateChangeEvent")
    if isinstance(upload, dict):
        return kind, str(upload.get("FileId")), ""
    if isinstance(state, dict):
        return kind, str(state.get("TaskId")), str(state.get("Status"))
    return kind, "", ""
