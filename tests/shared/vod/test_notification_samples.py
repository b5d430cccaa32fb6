from __future__ import annotations

import json
from pathlib import Path

import pytest
from tencentcloud.vod.v20180717.models import EventContent  # type: ignore[import-untyped]  # the SDK has no types

from shared.vod.notification import parse_notification

SAMPLES = Path(__file__).parents[2] / "samples" / "vod"
V3 = sorted(SAMPLES.glob("v3/*.json"))
LEGACY = sorted(SAMPLES.glob("legacy/*.json"))
FILE_ID = "5576678020044556677"
LEGACY_FILE_ID = "5285890780012345678"

# Events that name no file, or none as the one they are about.
WITHOUT_FILE = {
    *("AigcHunyuan3DTaskComplete", "AigcImageTaskComplete", "AigcVideoTaskComplete", "ClipComplete"),
    *("ComplexAdaptiveDynamicStreamingComplete", "ComposeMediaComplete", "ConcatComplete"),
    *("CreateAigcAdvancedCustomElementCompleteEvent", "CreateAigcCustomVoiceCompleteEvent"),
    *("DescribeAigcFaceInfoAsyncComplete", "EditMediaComplete", "ExtractBlindWatermarkComplete"),
    *("ExtractCopyRightWatermarkComplete", "MediaCastStatusChanged", "ProcessImageAsyncCompleteEvent"),
    *("ProcessMediaByMPSComplete", "SceneAigcImageCompleteEvent", "SplitMediaComplete"),
}
WITHOUT_TASK = {
    *("FileDeleted", "MediaCastStatusChanged", "NewFileUpload", "PersistenceComplete"),
    *("ProcessImageAsyncCompleteEvent", "RestoreMediaComplete"),
}
# A declared member that the vendor has emptied of meaning, without a type that would carry it.
VOID_MEMBERS = {"ReduceMediaBitrateCompleteEvent"}


@pytest.mark.parametrize("path", V3, ids=lambda path: path.stem)
def test_v3_sample_has_the_member_names_of_the_vendors_model(path: Path) -> None:
    """The vendor's own model knows every member, at every depth: it warns of each that it does not."""
    body = json.loads(path.read_bytes())
    model = EventContent()

    model._deserialize(body)  # noqa: SLF001 - the SDK has no public way in for an object

    assert model._serialize() == body  # noqa: SLF001 - as above
    assert body["EventType"] == path.stem


def test_every_event_of_the_vendors_model_has_a_sample() -> None:
    """An event that comes with a newer SDK shows up here."""
    declared = set(EventContent()._serialize(allow_none=True))  # noqa: SLF001 - the SDK has no public list
    sampled = {member for path in V3 for member in json.loads(path.read_bytes())}

    assert declared - sampled - {"EventHandle"} == VOID_MEMBERS


@pytest.mark.parametrize("path", V3, ids=lambda path: path.stem)
def test_v3_sample_gives_its_type_file_and_task(path: Path) -> None:
    """Every event tells what it is about, though the members that carry it all have their own names."""
    notification = parse_notification(path.read_bytes())

    assert (notification.event_type, notification.wire_format) == (path.stem, "v3")
    assert notification.file_id == ("" if path.stem in WITHOUT_FILE else FILE_ID)
    assert bool(notification.task_id) == (path.stem not in WITHOUT_TASK)
    assert (notification.file_upload is not None) == (path.stem == "NewFileUpload")
    assert (notification.procedure_state is not None) == (path.stem == "ProcedureStateChanged")


@pytest.mark.parametrize("path", LEGACY, ids=lambda path: path.stem)
def test_legacy_sample_gives_its_type_file_and_status(path: Path) -> None:
    """Legacy events other than the two typed ones are read too, their numeric status as text."""
    notification = parse_notification(path.read_bytes())

    assert (notification.event_type, notification.wire_format) == (path.stem, "legacy")
    assert notification.file_id == LEGACY_FILE_ID
    assert notification.status == {"NewFileUpload": "", "ProcedureStateChanged": "FINISH"}.get(path.stem, "0")


CONTEXTS = {"ReviewAudioVideoComplete": "order-9001", "EditMediaComplete": "order-9001"}
CONTEXTS |= {"PullComplete": "user-42", "FileDeleted": ""}


@pytest.mark.parametrize(("event_type", "expected"), CONTEXTS.items())
def test_other_events_hand_back_their_context_too(event_type: str, expected: str) -> None:
    """A review or an edit can be told apart by whose it is, as an upload can."""
    notification = parse_notification((SAMPLES / "v3" / f"{event_type}.json").read_bytes())

    assert notification.context_token == expected
