from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.domain.app_event import EXPIRY, PUSH, AppEvent, event_id_for, to_json
from shared.domain.event_status import Verdict
from shared.vod.context_token import UploadContext
from shared.vod.notification import parse_notification
from shared.vod.notification_types import EventNotification
from tests.shared.uploads import FILE_ID, NOW, TASK_ID, changed, notification_of, uploaded

SAMPLES = Path(__file__).parents[2] / "samples" / "vod"
ALICE = UploadContext("01M7Q5CQG00000000000000001", "alice", "lesson 3")
OURS = {"uploadId": ALICE.upload_id, "uploader": "alice", "context": "lesson 3", "sourceContext": None}
THIRD = {"verdict": "attributed", "verified": True, "reconciled": False, "sequence": 3}
NOTHING = EventNotification(event_type="", wire_format="unknown", raw={})
THIRD_OF_ITS_UPLOAD = AppEvent(
    "evt_1", NOTHING, ALICE, Verdict.ATTRIBUTED, verified=True, sequence=3, occurred_at=NOW, origin=PUSH
)


def event_about(notification: EventNotification, **changes: Any) -> AppEvent:  # noqa: ANN401 -- its members
    """Build an event for the app, the third of its upload."""
    return replace(THIRD_OF_ITS_UPLOAD, notification=notification, **changes)


def test_finished_upload_tells_the_app_all_it_needs() -> None:
    """One flat object: whose upload, which file, where it lies, what it is; and VOD's own words beside it."""
    notification = parse_notification((SAMPLES / "examples" / "v3_push_NewFileUpload.json").read_bytes())
    folder = "https://1500012345.vod-example.test/c0ffee00vodkr1500012345/9a8b7c6d5576678020011223344"
    expected = {
        **OURS,
        "fileId": "5576678020011223344",
        "fileName": "harbour-walk",
        "mediaUrl": f"{folder}/hWq3ZtYk0sMA.mp4",
        "coverUrl": f"{folder}/5576678020011223345.png",
        "mediaType": "mp4",
        "size": 48211377,
        "duration": 120.04,
        "storageRegion": "ap-seoul",
        "classId": 0,
        "procedureTaskId": "1500012345-Procedure-6f1d2c3b4a5968778695a4b3c2d1e0ft0",
        "reviewTaskId": None,
        "sourceType": "Upload",
        "breaches": None,
        **THIRD,
    }

    event = to_json(event_about(notification))

    assert event == {
        "id": "evt_1",
        "type": "upload.completed",
        "timestamp": "2026-11-18T11:06:40Z",
        "data": expected,
        "raw": notification.raw,
    }


def test_finished_task_flow_tells_of_each_subtask() -> None:
    """The app learns what came of each part of its procedure, with addresses and errors."""
    expected = {
        **OURS,
        "fileId": FILE_ID,
        "mediaUrl": None,
        "procedureTaskId": TASK_ID,
        "procedure": {
            "status": "FINISH",
            "succeeded": False,
            "message": "",
            "subtasks": [
                {
                    "kind": "Transcode",
                    "definition": 100030,
                    "status": "FAIL",
                    "progress": 100,
                    "error": "InternalError",
                    "message": "",
                    "urls": ["https://1500012345.vod-example.test/v.f100030.mp4"],
                }
            ],
        },
        **THIRD,
    }

    event = to_json(event_about(notification_of(changed(subtask="FAIL"))))

    assert event["type"] == "procedure.finished"
    assert event["data"] == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (event_about(notification_of(uploaded())), "upload.completed"),
        (event_about(notification_of(uploaded()), verdict=Verdict.LATE), "upload.completed"),
        (event_about(notification_of(uploaded()), verdict=Verdict.REPLAYED), "upload.replayed"),
        (event_about(notification_of(uploaded()), verdict=Verdict.COVER_CHANGED), "upload.cover_changed"),
        (event_about(notification_of(uploaded()), uploader=None), "vod.NewFileUpload"),
        (event_about(notification_of(changed(status="PROCESSING"))), "procedure.changed"),
        (event_about(notification_of(changed())), "procedure.finished"),
        (event_about(notification_of(changed()), uploader=None), "vod.ProcedureStateChanged"),
        (event_about(notification_of({"EventType": "FileDeleted"})), "vod.FileDeleted"),
        (event_about(notification_of({"EventType": "NewFileUpload"})), "vod.NewFileUpload"),
        (event_about(NOTHING), "vod.Unknown"),
        (event_about(NOTHING, origin=EXPIRY), "upload.expired"),
    ],
)
def test_type_says_what_happened(event: AppEvent, expected: str) -> None:
    """Events of our uploads have types of ours; everything else keeps VOD's own word."""
    assert event.type == expected


def test_expired_upload_names_its_user_and_no_file() -> None:
    """The end of an unused upload is told without anything from VOD."""
    event = to_json(event_about(NOTHING, origin=EXPIRY))

    assert event["type"] == "upload.expired"
    assert event["raw"] == {}
    assert event["data"] == {**OURS, "fileId": None, **THIRD}


def test_id_is_the_same_for_every_copy() -> None:
    """The id depends on the event's name alone, and is safe in a header."""
    assert event_id_for("upload-1.2") == event_id_for("upload-1.2")
    assert event_id_for("upload-1.2") != event_id_for("upload-1.3")
    assert event_id_for("upload-1.2").removeprefix("evt_").isalnum()
    assert len(event_id_for("upload-1.2")) == 36
