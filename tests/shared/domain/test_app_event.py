from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.app_event import (
    ENFORCEMENT,
    EXPIRY,
    MAX_BODY_BYTES,
    PUSH,
    AppEvent,
    body_of,
    event_id_for,
    to_json,
)
from shared.domain.event_status import Verdict
from shared.domain.rejection import FORBIDDEN, Rejection
from shared.vod.context_token import UploadContext
from shared.vod.notification import parse_notification
from shared.vod.notification_types import EventNotification
from tests.shared.uploads import FILE_ID, NOW, TASK_ID, changed, notification_of, uploaded

SAMPLES = Path(__file__).parents[2] / "samples" / "vod"
ALICE = UploadContext("01M7Q5CQG00000000000000001", "alice", "lesson 3")
OURS = {"uploadId": ALICE.upload_id, "uploader": "alice", "context": "lesson 3", "sourceContext": None}
THIRD = {"verdict": "attributed", "verified": True, "reconciled": False, "sequence": 3}
NOTHING = EventNotification(event_type="", wire_format="unknown", raw={})
FLOW = parse_notification((SAMPLES / "examples" / "v3_push_ProcedureStateChanged.json").read_bytes())
THIRD_OF_ITS_UPLOAD = AppEvent(
    "evt_1", NOTHING, ALICE, Verdict.ATTRIBUTED, verified=True, sequence=3, received_at=NOW, origin=PUSH
)

REJECTION = Rejection("1", FORBIDDEN, None, [{"limit": "maxFileSize", "allowed": 1, "actual": 2}])


def at(created: str) -> dict[str, Any]:
    """Return an upload event whose file was made at an instant."""
    body = uploaded()
    body["FileUploadEvent"]["MediaBasicInfo"]["CreateTime"] = created
    return body


def event_about(notification: EventNotification, **changes: Any) -> AppEvent:  # noqa: ANN401 -- its members
    """Build an event for the app, the third of its upload."""
    return THIRD_OF_ITS_UPLOAD._replace(notification=notification, **changes)


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
        "specversion": "1.1",
        "id": "evt_1",
        "type": "upload.completed",
        "timestamp": "2026-11-18T11:06:40Z",
        "occurredAt": "2026-10-30T00:02:11Z",
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
                    "retriable": True,
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
        (event_about(NOTHING, origin=ENFORCEMENT, rejection=REJECTION), "upload.rejected"),
    ],
)
def test_type_says_what_happened(event: AppEvent, expected: str) -> None:
    """Events of our uploads have types of ours; everything else keeps VOD's own word."""
    assert event.type == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (event_about(notification_of(at("2026-11-18T20:06:38+09:00"))), "2026-11-18T11:06:38Z"),
        (event_about(notification_of(at("2026-11-18T11:06:38"))), None),
        (event_about(notification_of(at("0001-01-01T00:00:00+01:00"))), None),
        (event_about(notification_of(at("yesterday"))), None),
        (event_about(notification_of(at("2026-11-18T11:06:38Z")), verdict=Verdict.COVER_CHANGED), None),
        (event_about(notification_of(changed())), None),
        (event_about(FLOW), "2026-10-30T00:03:40Z"),
        (event_about(notification_of({"EventType": "FileDeleted"})), None),
        (event_about(NOTHING, origin=EXPIRY), "2026-11-18T11:06:40Z"),
        (event_about(NOTHING, origin=ENFORCEMENT, rejection=REJECTION), "2026-11-18T11:06:40Z"),
    ],
)
def test_time_of_the_happening_is_vods_own(event: AppEvent, expected: str | None) -> None:
    """A file is made, a task flow last changes and an upload expires at an instant; else none is told."""
    assert event.occurred_at == expected


def test_thin_event_has_nothing_in_vods_words() -> None:
    """All else is the same, so that a receiver reads both alike."""
    event = event_about(notification_of(uploaded()))

    assert json.loads(body_of(event)) == to_json(event)
    assert json.loads(body_of(event, thin=True)) == {**to_json(event), "raw": None}


@pytest.mark.parametrize(("subtasks", "raw", "urls"), [(1, True, 1), (3500, False, 3500), (9000, False, 12)])
def test_body_stays_below_the_cap(subtasks: int, *, raw: bool, urls: int) -> None:
    """What is too large goes without `raw`, then with short lists, and says so."""
    body = changed()
    (subtask,) = body["ProcedureStateChangeEvent"]["MediaProcessResultSet"]
    body["ProcedureStateChangeEvent"]["MediaProcessResultSet"] = [subtask] * subtasks
    told = body_of(event_about(notification_of(body)))
    event = json.loads(told)

    assert len(told) <= MAX_BODY_BYTES
    assert (event["raw"] is not None, event.get("truncated", False)) == (raw, subtasks > urls)
    assert len(event["data"]["procedure"]["subtasks"]) == urls


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
