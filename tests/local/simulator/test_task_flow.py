"""Task flows: what the signature's procedure starts, and which events report it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.simulator import Procedure, Subtask
from tests.local.simulator.account import Account
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCEDURES = (
    Procedure("Two", (Subtask("Transcode", 100030), Subtask("CoverBySnapshot", 10))),
    Procedure("Broken", (Subtask("Transcode", 100030, fails=True), Subtask("SampleSnapshot", 10))),
    Procedure("Streaming", (Subtask("AdaptiveDynamicStreaming", 12),)),
)
MEDIA = "tests/samples/media/tiny.mp4"


@pytest.fixture
def receiver() -> Iterator[HttpPeer]:
    """Run the app's callback address."""
    with HttpPeer(lambda _request: Reply()) as peer:
        yield peer


@pytest.fixture
def account(tmp_path: Path, receiver: HttpPeer) -> Iterator[Account]:
    """Start an account with three procedures that pushes to the receiver."""
    with Account(tmp_path, callback_url=receiver.url, procedures=PROCEDURES) as running:
        yield running


def _changes(receiver: HttpPeer) -> list[dict[str, Any]]:
    events = [json.loads(received.body) for received in receiver.received]
    return [
        event["ProcedureStateChangeEvent"]
        for event in events
        if event["EventType"] == "ProcedureStateChanged"
    ]


def _statuses(change: dict[str, Any]) -> list[tuple[str, int]]:
    tasks = [next(item[name] for name in item if name != "Type") for item in change["MediaProcessResultSet"]]
    return [(task["Status"], task["Progress"]) for task in tasks]


def test_finished_flow_is_told_once_with_everything(account: Account, receiver: HttpPeer) -> None:
    """By default one event at the end: the context, and outputs that can be fetched."""
    reply = account.upload(b"frames", procedure="Two", session_context="trace=ab c", task_priority=-3)
    wait_until(lambda: bool(_changes(receiver)))
    [change] = _changes(receiver)
    upload = json.loads(receiver.received[0].body)["FileUploadEvent"]
    transcode, cover = change["MediaProcessResultSet"]

    assert upload["ProcedureTaskId"] == change["TaskId"]
    assert change["TaskId"].startswith("1500012345-Procedure-")
    assert (change["Status"], change["ErrCode"], change["SessionId"]) == ("FINISH", 0, "")
    assert (change["FileId"], change["FileName"]) == (reply["data"]["fileId"], "clip")
    assert (change["SessionContext"], change["TasksPriority"]) == ("trace=ab c", -3)
    assert change["TasksNotifyMode"] == "Finish"
    assert (transcode["Type"], transcode["TranscodeTask"]["Status"]) == ("Transcode", "SUCCESS")
    output = transcode["TranscodeTask"]["Output"]
    assert (output["Definition"], output["Size"]) == (100030, 6)
    assert requests.get(output["Url"], timeout=10).content == b"frames"
    picture = requests.get(cover["CoverBySnapshotTask"]["Output"]["CoverUrl"], timeout=10)
    assert picture.status_code == 200
    assert picture.headers["Content-Type"].startswith("image/")


def test_every_change_is_told_when_the_signature_asks_for_it(account: Account, receiver: HttpPeer) -> None:
    """Each begin and each end of a subtask, the last one as FINISH."""
    account.upload(procedure="Two", task_notify_mode="Change")
    wait_until(lambda: len(_changes(receiver)) == 4)
    told = sorted((_statuses(change), change["Status"]) for change in _changes(receiver))

    assert told == sorted(
        [
            ([("PROCESSING", 50), ("PROCESSING", 0)], "PROCESSING"),
            ([("SUCCESS", 100), ("PROCESSING", 0)], "PROCESSING"),
            ([("SUCCESS", 100), ("PROCESSING", 50)], "PROCESSING"),
            ([("SUCCESS", 100), ("SUCCESS", 100)], "FINISH"),
        ]
    )


def test_nothing_is_told_when_the_signature_asks_for_that(account: Account, receiver: HttpPeer) -> None:
    """The flow runs all the same, as DescribeTaskDetail shows."""
    account.upload(procedure="Two", task_notify_mode="None")
    wait_until(lambda: bool(receiver.received))
    task_id = json.loads(receiver.received[0].body)["FileUploadEvent"]["ProcedureTaskId"]

    def status() -> str:
        answer = account.api().call_json("DescribeTaskDetail", {"TaskId": task_id})
        return str(answer["Response"]["Status"])

    wait_until(lambda: status() == "FINISH")

    assert _changes(receiver) == []


def test_finished_flow_can_have_failed_subtasks(account: Account, receiver: HttpPeer) -> None:
    """The flow finishes, the subtask fails without an output, and the next one succeeds."""
    account.upload(procedure="Broken")
    wait_until(lambda: bool(_changes(receiver)))
    [change] = _changes(receiver)
    transcode = change["MediaProcessResultSet"][0]["TranscodeTask"]

    assert change["Status"] == "FINISH"
    assert _statuses(change) == [("FAIL", 0), ("SUCCESS", 100)]
    assert (transcode["ErrCodeExt"], transcode["ErrCode"]) == ("InternalError", 70000)
    assert "Output" not in transcode


def test_unknown_procedure_is_accepted_and_starts_nothing(account: Account, receiver: HttpPeer) -> None:
    """What VOD does then is not documented; the upload itself is not lost."""
    account.upload(procedure="Nonexistent")
    wait_until(lambda: bool(receiver.received))

    assert json.loads(receiver.received[0].body)["FileUploadEvent"]["ProcedureTaskId"] == ""


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg and ffprobe")
def test_real_video_is_measured_and_gets_a_real_cover(
    account: Account, receiver: HttpPeer, pytestconfig: pytest.Config
) -> None:
    """With ffmpeg installed the event has duration and streams, and the cover is a frame of the video."""
    content = (pytestconfig.rootpath / MEDIA).read_bytes()
    account.upload(content, procedure="Two")
    wait_until(lambda: bool(_changes(receiver)))
    meta = json.loads(receiver.received[0].body)["FileUploadEvent"]["MetaData"]
    cover = _changes(receiver)[0]["MediaProcessResultSet"][1]["CoverBySnapshotTask"]["Output"]["CoverUrl"]

    assert meta["Size"] == len(content)
    assert meta["Duration"] > 0
    assert meta["VideoStreamSet"][0]["Width"] == meta["Width"] > 0
    assert requests.get(cover, timeout=10).content.startswith(b"\xff\xd8")
    assert (
        account.api().call_json("SearchMedia", {})["Response"]["MediaInfoSet"][0]["BasicInfo"]["CoverUrl"]
        == cover
    )


def test_streaming_output_can_be_fetched(account: Account, receiver: HttpPeer) -> None:
    """Whatever the package is called, the address answers with the media."""
    account.upload(b"frames", procedure="Streaming")
    wait_until(lambda: bool(_changes(receiver)))
    [item] = _changes(receiver)[0]["MediaProcessResultSet"]

    assert (
        requests.get(item["AdaptiveDynamicStreamingTask"]["Output"]["Url"], timeout=10).content == b"frames"
    )


@pytest.mark.parametrize(
    ("extension", "category"), [("mp3", "Audio"), ("png", "Image"), ("mkv", "Video"), ("xyz", "Video")]
)
def test_machine_without_ffmpeg_does_its_best(
    account: Account, receiver: HttpPeer, monkeypatch: pytest.MonkeyPatch, extension: str, category: str
) -> None:
    """Size and container are always known; the cover is then a single grey pixel."""
    monkeypatch.setenv("PATH", "")
    applied = account.apply(3, signature=account.signature(procedure="Two"), videoType=extension)
    account.storage(applied).put_object(applied.bucket, b"abc", applied.key)
    account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
    wait_until(lambda: bool(_changes(receiver)))
    upload = json.loads(receiver.received[0].body)["FileUploadEvent"]
    cover = _changes(receiver)[0]["MediaProcessResultSet"][1]["CoverBySnapshotTask"]["Output"]["CoverUrl"]

    assert upload["MetaData"] == {"Size": 3, "Container": extension}
    assert upload["MediaBasicInfo"]["Category"] == category
    assert requests.get(cover, timeout=10).headers["Content-Type"] == "image/png"
