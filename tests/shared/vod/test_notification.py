from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidRequestError
from shared.vod.notification import (
    notification_from_journal,
    notification_from_pull,
    parse_notification,
    raw_json,
)
from shared.vod.notification_types import EventNotification, FileUpload, ProcedureState, Subtask, output_urls

SAMPLES = Path(__file__).parents[2] / "samples" / "vod"
FOLDER = "https://1500012345.vod-example.test/c0ffee00vodkr1500012345/9a8b7c6d5576678020011223344/"
LEGACY_FOLDER = "http://1250009999.vod2.vod-example.test/vod1250009999/5285890780099887766/"
FLOW_ID = "1500012345-Procedure-6f1d2c3b4a5968778695a4b3c2d1e0ft0"
LEGACY_FLOW_ID = "1250009999-flow-4d186321c1a7f0f354b297e8914ab240"
ENDED, NONE = {"TaskId": "t-1", "Status": "FINISH"}, ("", "", "")
SUBTASKS = {
    "v3": [
        ("media", "Transcode", 100030, "v.f100030.mp4"),
        ("media", "AnimatedGraphics", 20000, "preview.gif"),
        ("media", "SnapshotByTimeOffset", 10, "at-1.jpg", "at-5.jpg"),
        ("media", "SampleSnapshot", 10, "sample-0.jpg", "sample-1.jpg"),
        ("media", "ImageSprites", 10, "sprite.vtt", "sprite-0.jpg"),
        ("media", "CoverBySnapshot", 10, "cover-new.jpg"),
        ("media", "AdaptiveDynamicStreaming", 10, "adp.10.m3u8"),
        ("review", "Porn", 10),
        ("analysis", "Tag", 20),
        ("recognition", "AsrFullTextRecognition", 10),
    ],
    "legacy": [
        ("media", "Transcode", 20, "f20.mp4"),
        ("media", "AnimatedGraphics", 20000, "preview.gif"),
        ("media", "SampleSnapshot", 10, "sample-0.jpg", "sample-1.jpg"),
        ("media", "SnapshotByTimeOffset", 10, "at-1.jpg"),
        ("media", "CoverBySnapshot", 10, "cover-new.jpg"),
        ("media", "ImageSprites", 10, "sprite.vtt", "sprite-0.jpg"),
        ("review", "Porn", 10),
        ("analysis", "Tag", 20),
    ],
}
"""Of the samples: group, kind, definition, and the names of the files in the output URLs."""


def media(kind: str, **members: Any) -> Subtask:  # noqa: ANN401 -- of any of its types
    """Return a subtask of the media group."""
    return Subtask(group="media", kind=kind, **members)


def parsed(name: str) -> EventNotification:
    """Parse a sample as a pushed body."""
    return parse_notification((SAMPLES / f"{name}.json").read_bytes())


def pushed(body: object) -> EventNotification:
    """Parse a body that is pushed."""
    return parse_notification(json.dumps(body).encode())


def pulled(name: str) -> list[EventNotification]:
    """Parse each item of a sample that is a reply of PullEvents."""
    reply = json.loads((SAMPLES / f"{name}.json").read_bytes())
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
        media_url=FOLDER + "hWq3ZtYk0sMA.mp4",
        cover_url=FOLDER + "5576678020011223345.png",
        media_type="mp4",
        source_type="Upload",
        source_context='{"u":"user-42","v":"p1"}',
        procedure_task_id=FLOW_ID,
        storage_region="ap-seoul",
        class_id=0,
        size=48211377,
        duration=120.04,
        created_at="2026-10-30T00:02:11Z",
    )

    notification = parsed("examples/v3_push_NewFileUpload")

    assert notification.file_upload == expected
    assert notification.context_token == expected.source_context
    assert (notification.file_id, notification.task_id, notification.status) == (expected.file_id, "", "")
    assert notification.event_handle is None


def test_v3_finished_flow_with_a_failed_subtask_did_not_succeed() -> None:
    """A task flow can finish with a failed subtask: it is finished, and no success."""
    whole = {"status": "SUCCESS", "err_code": 0, "message": "SUCCESS", "progress": 100}
    failure = {"status": "FAIL", "err_code_ext": "InternalError", "err_code": 70000}
    transcoded = (FOLDER + "v.f100030.mp4",)
    expected = ProcedureState(
        task_id=FLOW_ID,
        status="FINISH",
        file_id="5576678020011223344",
        file_name="harbour-walk",
        media_url=FOLDER + "hWq3ZtYk0sMA.mp4",
        session_context="trace=ab c",
        err_code=0,
        changed_at="2026-10-30T00:03:40Z",
        subtasks=(
            media("Transcode", definition=100030, output_urls=transcoded, **whole),
            media("CoverBySnapshot", definition=10, message="internal error", progress=0, **failure),
        ),
    )

    state = state_of(parsed("examples/v3_push_ProcedureStateChanged"))

    assert state == expected
    assert (state.finished, state.succeeded) == (True, False)
    assert [subtask.failed for subtask in state.subtasks] == [False, True]


@pytest.mark.parametrize("wire_format", SUBTASKS)
def test_subtask_of_each_kind_gives_its_output_urls(wire_format: str) -> None:
    """Each kind keeps its URLs under other names; the one that a player wants comes first."""
    subtasks = state_of(parsed(f"{wire_format}/ProcedureStateChanged")).subtasks

    assert SUBTASKS[wire_format] == [
        (it.group, it.kind, it.definition, *(url.rpartition("/")[2] for url in it.output_urls))
        for it in subtasks
    ]


def test_legacy_upload_is_read_into_the_same_values() -> None:
    """A legacy upload fills the same fields; what that format lacks is empty, and sourceType is kept."""
    expected = FileUpload(
        file_id="5285890780099887766",
        name="harbour-walk",
        media_url=LEGACY_FOLDER + "f0.mp4",
        cover_url=LEGACY_FOLDER + "cover.jpg",
        source_type="ClientUpload",
        source_context="user-42",
        procedure_task_id=LEGACY_FLOW_ID,
    )

    notification = parsed("examples/legacy_push_NewFileUpload")

    assert notification.file_upload == expected
    assert (notification.file_id, notification.context_token) == (expected.file_id, "user-42")


def test_legacy_procedure_state_is_read_into_the_same_values() -> None:
    """The legacy vodTaskId is the task id, and its processTaskList the media subtasks."""
    transcoded = {"status": "SUCCESS", "err_code": 0, "output_urls": (LEGACY_FOLDER + "f20.mp4",)}
    failure = {"status": "FAIL", "err_code": 30010, "message": "system error"}
    expected = ProcedureState(
        task_id=LEGACY_FLOW_ID,
        status="FINISH",
        file_id="5285890780099887766",
        err_code=0,
        subtasks=(
            media("Transcode", definition=20, **transcoded),
            media("CoverBySnapshot", definition=10, **failure),
        ),
    )

    notification = parsed("examples/legacy_push_ProcedureStateChanged")

    assert notification.procedure_state == expected
    assert (notification.task_id, notification.status) == (LEGACY_FLOW_ID, "FINISH")


def test_pulled_items_keep_the_handle_that_confirms_them() -> None:
    """A pulled upload and a pulled deletion are read alike, each with its handle; MetaData may be null."""
    upload, deletion = pulled("examples/v3_pull_upload_and_deletion")

    assert (upload.file_id, upload.context_token) == ("5576678020011229999", "order-7781")
    assert (deletion.event_type, deletion.file_id) == ("FileDeleted", "5576678020010000001")
    assert upload.event_handle == "b1946ac92492d2347c6235b4d2611184-000001"
    assert deletion.event_handle == "b1946ac92492d2347c6235b4d2611184-000002"
    assert upload.file_upload is not None
    assert (upload.file_upload.size, upload.file_upload.duration) == (None, None)


def test_running_flow_is_neither_finished_nor_a_success() -> None:
    """A state with no failed subtask is no success as long as the flow runs."""
    (notification,) = pulled("examples/v3_pull_procedure_running")
    state = state_of(notification)
    (subtask,) = state.subtasks

    assert (state.finished, state.succeeded) == (False, False)
    assert (subtask.kind, subtask.status, subtask.progress) == ("AdaptiveDynamicStreaming", "PROCESSING", 35)
    assert notification.context_token == "order-7781"


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"data": {}}, {"eventType": "NewFileUpload"}, {"event_type": "x"}),
        {"eventContent": dict(parsed("examples/legacy_push_NewFileUpload").raw)},
    ],
)
def test_object_of_neither_format_is_kept_as_unknown(body: dict[str, Any]) -> None:
    """An object that is no notification we know is kept whole; the wrapper of API 2.0 is not opened.

    Even an item that says nothing can be confirmed, or the queue would never get rid of it.
    """
    item = notification_from_pull({"EventHandle": "handle-1", **body})

    for notification in (item, pushed(body), notification_from_journal(json.dumps(body))):
        assert (notification.wire_format, notification.event_type) == ("unknown", "")
        assert (notification.file_upload, notification.raw) == (None, body)
    assert item.event_handle == "handle-1"


def test_flow_without_subtasks_is_judged_by_its_own_code() -> None:
    """The deprecated code of the flow counts only when there is no subtask to ask."""
    finished = partial(ProcedureState, status="FINISH")

    assert finished(err_code=0).succeeded
    assert finished().succeeded
    assert not finished(err_code=70000).succeeded
    assert finished(err_code=70000, subtasks=(media("Transcode", status="SUCCESS"),)).succeeded


@pytest.mark.parametrize(
    ("body", "file_task_and_status"),
    [
        ({"EventType": "New", "NewEvent": {**ENDED, "Input": {"FileId": "4"}}}, ("4", "t-1", "FINISH")),
        ({"eventType": "PullComplete", "data": {**ENDED, "FileId": "4"}}, ("4", "t-1", "FINISH")),
        ({"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": ["1", "2"]}}, NONE),
        ({"eventType": "FileDeleted", "data": {"fileInfo": [{"fileId": "1"}, {"fileId": "2"}]}}, NONE),
    ],
    ids=["a type unknown here", "a legacy type with v3's names", "several files", "several files, legacy"],
)
def test_event_is_about_one_file_and_task_or_none(
    body: dict[str, object], file_task_and_status: tuple[str, str, str]
) -> None:
    """Any type is read as far as the common members go; of several files none is picked."""
    notification = pushed(body)

    assert (notification.file_id, notification.task_id, notification.status) == file_task_and_status
    assert (notification.file_upload, notification.procedure_state) == (None, None)


def test_raw_of_push_and_pull_is_equal() -> None:
    """What belongs to the sending, not to the event, is left out of raw; all else stays."""
    event = {"EventType": "X", "XEvent": {"Sign": "kept", "T": 1, "EventHandle": "kept", "Null": None}}

    push = pushed({**event, "Sign": "ab" * 16, "T": 1793319136})
    item = {**event, "EventHandle": "handle-1"}
    pull = notification_from_pull(item)
    item["XEvent"] = "changed by the caller afterwards"

    assert event == push.raw == pull.raw


def test_raw_json_is_canonical_ascii() -> None:
    """Members are sorted, spaces gone, and everything outside ASCII escaped, lone surrogates too."""
    body = r'{"b": {"z": 1.50, "a": "\ud800"}, "EventType": "é", "T": 1}'

    assert raw_json(parse_notification(body.encode())) == (
        r'{"EventType":"\u00e9","b":{"a":"\ud800","z":1.5}}'
    )


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), float("inf"), 10**5000], ids=type)
def test_pull_item_that_is_no_json_is_refused(value: object) -> None:
    """A pulled item that could not be stored as JSON raises our error, not Python's."""
    with pytest.raises(InvalidRequestError):
        notification_from_pull({"EventType": "X", "XEvent": value})


def test_repr_shows_neither_signature_nor_raw() -> None:
    """A logged notification must not carry the Sign, with which a body can be forged until it expires."""
    notification = parsed("examples/v3_push_NewFileUpload")

    assert notification.signature is not None
    assert "1eeeeab74ca295f918795043ffc2c466" not in repr(notification)
    assert "StorageClass" not in repr(notification)


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        ({"CoverSet": [{"CoverUrl": "a", "Confidence": 90}, {"CoverUrl": "b"}]}, ("a", "b")),
        ({"Cover": "a"}, ("a",)),
        ({"SubtitleUrl": "a", "SubtitleSet": [{"Id": "1", "Url": "b"}, None]}, ("a", "b")),
        ({"HighlightSet": [{"HighlightUrl": "a", "CoverUrl": "b", "SegmentSet": [{}]}]}, ("b", "a")),
        ({"SegmentSetFileUrl": "a", "SegmentSet": [{"Url": 1}]}, ("a",)),
        ({"ResultSetFileUrl": "a", "ObjectSetFileUrl": "b", "SegmentSetFileUrlExpireTime": "c"}, ("a", "b")),
    ],
)
def test_addresses_of_analyses_and_subtitles_are_read_in_both_formats(
    output: dict[str, object], urls: tuple[str, ...]
) -> None:
    """Covers, subtitles, highlights and the files of long results stand beside the media's own addresses."""
    legacy = json.loads(
        json.dumps(output), object_pairs_hook=lambda it: {k[0].lower() + k[1:]: v for k, v in it}
    )

    assert (output_urls(output), output_urls(legacy)) == (urls, urls)
