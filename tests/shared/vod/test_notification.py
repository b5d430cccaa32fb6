from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.errors import InvalidRequestError
from shared.vod.notification import (
    notification_from_journal,
    notification_from_pull,
    parse_notification,
    raw_json,
)
from shared.vod.notification_types import EventNotification, FileUpload, ProcedureState, Subtask

SAMPLES = Path(__file__).parents[2] / "samples" / "vod"
FOLDER = "https://1500012345.vod-example.test/c0ffee00vodkr1500012345/"
V3_FOLDER = FOLDER + "1f2e3d4c5576678020044556677/"
LEGACY_FOLDER = "http://1250009999.vod2.vod-example.test/vod1250009999/5285890780012345678/"


def parsed(name: str) -> EventNotification:
    """Parse a sample as a pushed body."""
    return parse_notification((SAMPLES / name).read_bytes())


def pulled(name: str) -> list[EventNotification]:
    """Parse each item of a sample that is a reply of PullEvents."""
    reply = json.loads((SAMPLES / name).read_bytes())
    return [notification_from_pull(item) for item in reply["Response"]["EventSet"]]


def state_of(notification: EventNotification) -> ProcedureState:
    """Return the state of the task flow, which must be present."""
    assert notification.procedure_state is not None
    return notification.procedure_state


def test_v3_upload_is_read_into_typed_values() -> None:
    """A pushed v3 upload gives every value the app needs, in the vendor's words."""
    expected = FileUpload(
        file_id="5576678020011223344",
        name="harbour-walk",
        media_url=FOLDER + "9a8b7c6d5576678020011223344/hWq3ZtYk0sMA.mp4",
        cover_url=FOLDER + "9a8b7c6d5576678020011223344/5576678020011223345.png",
        media_type="mp4",
        source_type="Upload",
        source_context='{"u":"user-42","v":"p1"}',
        procedure_task_id="1500012345-Procedure-6f1d2c3b4a5968778695a4b3c2d1e0ft0",
        review_task_id="",
        storage_region="ap-seoul",
        class_id=0,
        size=48211377,
        duration=120.04,
        created_at="2026-10-30T00:02:11Z",
    )

    notification = parsed("examples/v3_push_NewFileUpload.json")

    assert notification.file_upload == expected
    assert (notification.event_type, notification.wire_format) == ("NewFileUpload", "v3")
    assert (notification.file_id, notification.task_id, notification.status) == (
        "5576678020011223344",
        "",
        "",
    )
    assert notification.context_token == '{"u":"user-42","v":"p1"}'
    assert notification.procedure_state is None
    assert notification.event_handle is None


def test_v3_finished_flow_with_a_failed_subtask_did_not_succeed() -> None:
    """A task flow can finish with a failed subtask: it is finished, and no success."""
    expected = (
        Subtask(
            group="media",
            kind="Transcode",
            definition=100030,
            status="SUCCESS",
            err_code_ext="",
            err_code=0,
            message="SUCCESS",
            progress=100,
            output_urls=(FOLDER + "9a8b7c6d5576678020011223344/v.f100030.mp4",),
        ),
        Subtask(
            group="media",
            kind="CoverBySnapshot",
            definition=10,
            status="FAIL",
            err_code_ext="InternalError",
            err_code=70000,
            message="internal error",
            progress=0,
        ),
    )

    state = state_of(parsed("examples/v3_push_ProcedureStateChanged.json"))

    assert state.subtasks == expected
    assert (state.finished, state.succeeded) == (True, False)
    assert state.task_id == "1500012345-Procedure-6f1d2c3b4a5968778695a4b3c2d1e0ft0"
    assert (state.file_id, state.file_name) == ("5576678020011223344", "harbour-walk")
    assert state.media_url == FOLDER + "9a8b7c6d5576678020011223344/hWq3ZtYk0sMA.mp4"
    assert (state.err_code, state.message, state.session_context) == (0, "", "trace=ab c")


def test_v3_subtask_of_each_kind_gives_its_output_urls() -> None:
    """Each kind keeps its URLs under other names; the one that a player wants comes first."""
    expected = [
        ("media", "Transcode", 100030, ("v.f100030.mp4",)),
        ("media", "AnimatedGraphics", 20000, ("preview.gif",)),
        ("media", "SnapshotByTimeOffset", 10, ("at-1.jpg", "at-5.jpg")),
        ("media", "SampleSnapshot", 10, ("sample-0.jpg", "sample-1.jpg")),
        ("media", "ImageSprites", 10, ("sprite.vtt", "sprite-0.jpg")),
        ("media", "CoverBySnapshot", 10, ("cover-new.jpg",)),
        ("media", "AdaptiveDynamicStreaming", 10, ("adp.10.m3u8",)),
        ("review", "Porn", 10, ()),
        ("analysis", "Tag", 20, ()),
        ("recognition", "AsrFullTextRecognition", 10, ()),
    ]

    state = state_of(parsed("v3/ProcedureStateChanged.json"))

    assert expected == [
        (
            task.group,
            task.kind,
            task.definition,
            tuple(url.removeprefix(V3_FOLDER) for url in task.output_urls),
        )
        for task in state.subtasks
    ]
    assert [task.kind for task in state.subtasks if task.failed] == ["AsrFullTextRecognition"]


def test_legacy_upload_is_read_into_the_same_values() -> None:
    """A legacy upload fills the same fields; what that format lacks is empty, and sourceType is kept."""
    expected = FileUpload(
        file_id="5285890780099887766",
        name="harbour-walk",
        media_url="http://1250009999.vod2.vod-example.test/vod1250009999/5285890780099887766/f0.mp4",
        cover_url="http://1250009999.vod2.vod-example.test/vod1250009999/5285890780099887766/cover.jpg",
        source_type="ClientUpload",
        source_context="user-42",
        procedure_task_id="1250009999-flow-4d186321c1a7f0f354b297e8914ab240",
    )

    notification = parsed("examples/legacy_push_NewFileUpload.json")

    assert notification.file_upload == expected
    assert (notification.event_type, notification.wire_format) == ("NewFileUpload", "legacy")
    assert notification.file_id == "5285890780099887766"
    assert notification.context_token == "user-42"


def test_legacy_procedure_state_is_read_into_the_same_values() -> None:
    """The legacy vodTaskId is the task id, and its processTaskList the media subtasks."""
    expected = ProcedureState(
        task_id="1250009999-flow-4d186321c1a7f0f354b297e8914ab240",
        status="FINISH",
        file_id="5285890780099887766",
        err_code=0,
        subtasks=(
            Subtask(
                group="media",
                kind="Transcode",
                definition=20,
                status="SUCCESS",
                err_code=0,
                output_urls=(
                    "http://1250009999.vod2.vod-example.test/vod1250009999/5285890780099887766/f20.mp4",
                ),
            ),
            Subtask(
                group="media",
                kind="CoverBySnapshot",
                definition=10,
                status="FAIL",
                err_code=30010,
                message="system error",
            ),
        ),
    )

    notification = parsed("examples/legacy_push_ProcedureStateChanged.json")

    assert notification.procedure_state == expected
    assert notification.task_id == "1250009999-flow-4d186321c1a7f0f354b297e8914ab240"
    assert (notification.file_id, notification.status) == ("5285890780099887766", "FINISH")


def test_legacy_subtask_of_each_kind_gives_its_output_urls() -> None:
    """The legacy format has yet other names for the same URLs, and two more lists of subtasks."""
    expected = [
        ("media", "Transcode", ("f20.mp4",)),
        ("media", "AnimatedGraphics", ("preview.gif",)),
        ("media", "SampleSnapshot", ("sample-0.jpg", "sample-1.jpg")),
        ("media", "SnapshotByTimeOffset", ("at-1.jpg",)),
        ("media", "CoverBySnapshot", ("cover-new.jpg",)),
        ("media", "ImageSprites", ("sprite.vtt", "sprite-0.jpg")),
        ("review", "Porn", ()),
        ("analysis", "Tag", ()),
    ]

    state = state_of(parsed("legacy/ProcedureStateChanged.json"))

    assert expected == [
        (task.group, task.kind, tuple(url.removeprefix(LEGACY_FOLDER) for url in task.output_urls))
        for task in state.subtasks
    ]
    assert state.succeeded


def test_pulled_items_keep_the_handle_that_confirms_them() -> None:
    """A pulled upload and a pulled deletion are read alike, each with its own handle."""
    expected = [
        ("NewFileUpload", "5576678020011229999", "order-7781", "b1946ac92492d2347c6235b4d2611184-000001"),
        ("FileDeleted", "5576678020010000001", "", "b1946ac92492d2347c6235b4d2611184-000002"),
    ]

    notifications = pulled("examples/v3_pull_upload_and_deletion.json")

    assert expected == [
        (each.event_type, each.file_id, each.context_token, each.event_handle) for each in notifications
    ]


def test_upload_with_null_metadata_has_neither_size_nor_duration() -> None:
    """MetaData may be null: what it would say is None, and the rest is there."""
    upload = pulled("examples/v3_pull_upload_and_deletion.json")[0].file_upload

    assert upload is not None
    assert (upload.size, upload.duration, upload.class_id) == (None, None, 7011)


def test_running_flow_is_neither_finished_nor_a_success() -> None:
    """A state with no failed subtask is no success as long as the flow runs."""
    (notification,) = pulled("examples/v3_pull_procedure_running.json")
    state = state_of(notification)

    assert (state.finished, state.succeeded) == (False, False)
    assert [(task.kind, task.status, task.progress) for task in state.subtasks] == [
        ("AdaptiveDynamicStreaming", "PROCESSING", 35)
    ]
    assert notification.context_token == "order-7781"


def test_nothing_is_unwrapped() -> None:
    """The wrapper of API 2.0 is a member like any other: what stands in it is not the event."""
    pushed = parsed("examples/legacy_push_NewFileUpload.json")
    wrapper = {"eventContent": dict(pushed.raw)}

    for notification in (
        notification_from_pull({"EventHandle": "handle-1", **wrapper}),
        parse_notification(json.dumps(wrapper).encode()),
        notification_from_journal(json.dumps(wrapper)),
    ):
        assert (notification.wire_format, notification.file_upload) == ("unknown", None)
        assert notification.raw == wrapper


def test_pull_item_without_content_keeps_its_handle() -> None:
    """Even an item that says nothing can be confirmed, or the queue would never get rid of it."""
    notification = notification_from_pull({"EventHandle": "handle-1", "eventContent": None})

    assert (notification.wire_format, notification.event_handle) == ("unknown", "handle-1")


def test_flow_without_subtasks_is_judged_by_its_own_code() -> None:
    """The deprecated code of the flow counts only when there is no subtask to ask."""
    assert ProcedureState(status="FINISH", err_code=0).succeeded
    assert ProcedureState(status="FINISH").succeeded
    assert not ProcedureState(status="FINISH", err_code=70000).succeeded
    assert ProcedureState(
        status="FINISH",
        err_code=70000,
        subtasks=(Subtask(group="media", kind="Transcode", status="SUCCESS"),),
    ).succeeded


def test_unknown_event_type_is_a_value_like_any_other() -> None:
    """A type that did not exist when this was written is read as far as the common members go."""
    body = {
        "EventType": "HologramComplete",
        "HologramEvent": {
            "TaskId": "t-1",
            "Status": "FINISH",
            "Input": {"FileId": "42"},
            "SessionContext": "user-42",
        },
    }

    notification = parse_notification(json.dumps(body).encode())

    assert notification.event_type == "HologramComplete"
    assert (notification.file_id, notification.task_id, notification.status) == ("42", "t-1", "FINISH")
    assert notification.context_token == "user-42"
    assert (notification.file_upload, notification.procedure_state) == (None, None)


def test_deletion_of_several_files_is_about_no_single_one() -> None:
    """Several deleted files give no file id, rather than one picked among them."""
    v3 = {"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": ["1", "2"]}}
    legacy = {"eventType": "FileDeleted", "data": {"fileInfo": [{"fileId": "1"}, {"fileId": "2"}]}}

    assert parse_notification(json.dumps(v3).encode()).file_id == ""
    assert parse_notification(json.dumps(legacy).encode()).file_id == ""


@pytest.mark.parametrize(
    "body", ["{}", '{"data": {}}', '{"eventType": "NewFileUpload"}', '{"event_type": "x"}']
)
def test_object_of_neither_format_is_kept_as_unknown(body: str) -> None:
    """An object that is no notification we know is not refused: it is kept whole."""
    notification = parse_notification(body.encode())

    assert (notification.wire_format, notification.event_type) == ("unknown", "")
    assert notification.raw == json.loads(body)


def test_raw_of_push_and_pull_is_equal() -> None:
    """What belongs to the sending, not to the event, is left out of raw; all else stays."""
    event = {"EventType": "X", "XEvent": {"Sign": "kept", "T": 1, "EventHandle": "kept", "Null": None}}

    pushed = parse_notification(json.dumps({**event, "Sign": "ab" * 16, "T": 1793319136}).encode())
    notification = notification_from_pull({**event, "EventHandle": "handle-1"})

    assert event == pushed.raw == notification.raw


def test_raw_json_is_canonical_ascii() -> None:
    """Members are sorted, spaces gone, and everything outside ASCII escaped, lone surrogates too."""
    body = r'{"b": {"z": 1.50, "a": "\ud800"}, "EventType": "é", "T": 1}'

    assert raw_json(parse_notification(body.encode())) == (
        r'{"EventType":"\u00e9","b":{"a":"\ud800","z":1.5}}'
    )


def test_pull_item_is_copied() -> None:
    """A caller who changes the pulled object afterwards does not change the notification."""
    item = {"EventType": "X", "XEvent": {"TaskId": "t-1"}}
    notification = notification_from_pull(item)

    item["XEvent"] = {"TaskId": "t-2"}

    assert notification.raw == {"EventType": "X", "XEvent": {"TaskId": "t-1"}}


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), float("inf"), 10**5000], ids=type)
def test_pull_item_that_is_no_json_is_refused(value: object) -> None:
    """A pulled item that could not be stored as JSON raises our error, not Python's."""
    with pytest.raises(InvalidRequestError):
        notification_from_pull({"EventType": "X", "XEvent": value})


def test_repr_shows_neither_signature_nor_raw() -> None:
    """A logged notification must not carry the Sign, with which a body can be forged until it expires."""
    notification = parsed("examples/v3_push_NewFileUpload.json")

    assert notification.signature is not None
    assert "1eeeeab74ca295f918795043ffc2c466" not in repr(notification)
    assert "StorageClass" not in repr(notification)


def test_legacy_event_with_the_member_names_of_v3_names_its_file() -> None:
    """Some legacy types spell their members as v3 does."""
    content = {"TaskId": "Pull-f5ac", "FileId": "14508071098244959037", "Status": "FINISH"}
    body = {"version": "4.0", "eventType": "PullComplete", "data": content}

    notification = parse_notification(json.dumps(body).encode())

    assert (notification.file_id, notification.task_id, notification.status) == (
        "14508071098244959037",
        "Pull-f5ac",
        "FINISH",
    )
