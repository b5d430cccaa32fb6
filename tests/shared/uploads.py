"""Uploads, and the events VOD would send about them.

Events have VOD's form and are parsed by the code that parses a callback.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

from shared.domain.event_status import IngestOutcome
from shared.domain.journal import EventEntry
from shared.domain.policy import Grant
from shared.domain.session import Facts, UploadSession, facts_of
from shared.domain.upload_id import new_upload_id
from shared.vod.notification import parse_notification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.vod.notification_types import EventNotification

NOW = 1_795_000_000
SESSION_SECONDS = 90_000
FILE_ID, OTHER_FILE_ID = "5576678020011223344", "5576678020055667788"
TASK_ID = "1500012345-Procedure-6f1d2c3b4a5968778695a4b3c2d1e0ft0"
ENDPOINT = "https://app.example.test/hook"
_numbers = count(1)


def new_session(user_id: str = "alice", *, issued_at: int = NOW, context: str = "") -> UploadSession:
    """Return the session of a new upload."""
    return UploadSession(
        upload_id=new_upload_id(now=issued_at, random=next(_numbers)),
        user_id=user_id,
        grant=Grant(policy="default", ttl_seconds=600, one_time=True, context=context),
        issued_at=issued_at,
        ends_at=issued_at + SESSION_SECONDS,
        signed_until=issued_at + 600,
        updated_at=issued_at,
    )


def uploaded(token: str = "", *, file_id: str = FILE_ID, task_id: str = "") -> dict[str, Any]:
    """Return a NewFileUpload event."""
    address = f"https://1500012345.vod-example.test/{file_id}"
    return {
        "EventType": "NewFileUpload",
        "FileUploadEvent": {
            "FileId": file_id,
            "MediaBasicInfo": {
                "Name": "harbour-walk",
                "MediaUrl": f"{address}/original.mp4",
                "CoverUrl": f"{address}/cover.png",
                "Type": "mp4",
                "SourceInfo": {"SourceType": "Upload", "SourceContext": token},
            },
            "ProcedureTaskId": task_id,
            "ReviewAudioVideoTaskId": "",
        },
    }


def changed(
    token: str = "",
    *,
    status: str = "FINISH",
    subtask: str = "SUCCESS",
    progress: int = 100,
    file_id: str = FILE_ID,
) -> dict[str, Any]:
    """Return a ProcedureStateChanged event for a task flow with one subtask."""
    transcode = {
        "Status": subtask,
        "ErrCodeExt": "InternalError" if subtask == "FAIL" else "",
        "Progress": progress,
        "Input": {"Definition": 100030},
        "Output": {"Url": "https://1500012345.vod-example.test/v.f100030.mp4"},
    }
    return {
        "EventType": "ProcedureStateChanged",
        "ProcedureStateChangeEvent": {
            "TaskId": TASK_ID,
            "Status": status,
            "FileId": file_id,
            "MediaProcessResultSet": [{"Type": "Transcode", "TranscodeTask": transcode}],
            "SessionContext": token,
        },
    }


def legacy_change(*, task_id: str = TASK_ID) -> dict[str, Any]:
    """Return ProcedureStateChanged in the legacy format, which carries no context."""
    content = {"vodTaskId": task_id, "status": "FINISH", "fileId": FILE_ID, "errCode": 0}
    return {"version": "4.0", "eventType": "ProcedureStateChanged", "data": content}


def notification_of(event: Mapping[str, object]) -> EventNotification:
    """Parse an event as a pushed body."""
    return parse_notification(json.dumps(event).encode())


def facts_in(event: Mapping[str, object], *, received_at: int = NOW) -> Facts:
    """Return what an event adds to its upload."""
    return facts_of(notification_of(event), received_at=received_at)


def new_entry(
    upload: UploadSession | None,
    facts: Facts | None = None,
    *,
    intended: IngestOutcome = IngestOutcome.APPLIED,
    verified: bool = False,
    name: str = "",
) -> EventEntry:
    """Return an entry for the journal; without a name, a new one."""
    return EventEntry(
        name=name or f"event-{next(_numbers)}",
        upload=upload,
        facts=Facts("") if facts is None else facts,
        intended=intended,
        verified=verified,
        lease="lease-1",
        fields=(("verdict", "attributed"), ("raw", "{}")),
    )
