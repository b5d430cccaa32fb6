"""`python -m local trigger`: any event of VOD on demand, and what the app receives of it."""

from __future__ import annotations

import argparse
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.operator import sample_events, trigger_command
from local.operator.trigger_event import change
from local.stack.stack import Stack
from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.upload.client import StoredUpload

NEVER_ISSUED = "01JD0000000000000000000000"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start one stack for all of these tests."""
    with Stack(folder=tmp_path_factory.mktemp("triggered"), timer_seconds=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def uploaded(served: Stack, small_media: Path) -> StoredUpload:
    """Upload a file of alice's whose push is lost, so that the app has not received its event."""
    dial = f"{served.url}/local/faults"
    requests.put(dial, json={"faults": [{"action": "Push", "kind": "drop"}]}, timeout=10).raise_for_status()
    with contextlib.closing(UploadClient(served.url)) as client:
        order = UploadOrder(file=small_media, user="alice", context="lesson 3")
        stored = client.upload(order, lambda _part, _size: None)
    wait_until(lambda: not served.simulator.faults.present, "the push to be lost")
    return stored


def test_list_names_every_sample(capsys: pytest.CaptureFixture[str]) -> None:
    """The names are the event types VOD has, a line each."""
    code = _main("--list")
    names = capsys.readouterr().out.splitlines()

    assert code == 0
    assert {"NewFileUpload", "ProcedureStateChanged", "FileDeleted", "RemoveWatermark"} < set(names)
    assert names == sorted(file.stem for file in sample_events.SAMPLES.iterdir())


def test_lost_upload_event_is_sent_after_all(
    served: Stack, uploaded: StoredUpload, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --upload the event is about the real file, so it is verified and delivered as genuine."""
    outcome = _outcome(capsys, served, "NewFileUpload", "--upload", uploaded.upload_id)
    content = outcome["event"]["data"]

    assert outcome["event"]["type"] == "upload.completed"
    assert (content["fileId"], content["mediaUrl"]) == (uploaded.file_id, uploaded.media_url)
    assert (content["uploadId"], content["uploader"], content["context"]) == (
        uploaded.upload_id,
        "alice",
        "lesson 3",
    )
    assert content["verified"] is True


def test_end_of_a_task_flow_can_be_had_in_any_way(
    served: Stack, uploaded: StoredUpload, capsys: pytest.CaptureFixture[str]
) -> None:
    """--set makes a subtask fail that did not."""
    path = "ProcedureStateChangeEvent.MediaProcessResultSet.0.TranscodeTask.Status"
    outcome = _outcome(
        capsys, served, "ProcedureStateChanged", "--upload", uploaded.upload_id, "--set", f"{path}=FAIL"
    )
    content = outcome["event"]["data"]

    assert outcome["event"]["type"] == "procedure.finished"
    assert (content["uploadId"], content["fileId"]) == (uploaded.upload_id, uploaded.file_id)
    assert content["procedure"]["subtasks"][0]["status"] == "FAIL"
    assert content["procedure"]["succeeded"] is False


@pytest.mark.parametrize("name", ["FileDeleted", "RemoveWatermark", "NewFileUpload", "WechatPublishComplete"])
def test_each_trigger_is_an_event_of_its_own(
    served: Stack, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A sample can be sent again and again, because its ids are new each time."""
    outcomes = [_outcome(capsys, served, name) for _ in range(2)]

    assert {outcome["event"]["type"] for outcome in outcomes} == {f"vod.{name}"}
    assert outcomes[0]["eventId"] != outcomes[1]["eventId"]


def test_text_for_people_shows_the_apps_event(served: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json one reads a sentence, and the event."""
    code = _main("FileDeleted", "--folder", str(served.ca_file.parent))
    text = capsys.readouterr().out

    assert code == 0
    assert text.startswith("VOD has sent FileDeleted, and the app has heard of it:\n{")
    assert json.loads(text.partition("\n")[2])["type"] == "vod.FileDeleted"


def test_scenario_shows_the_event_and_names_what_was_withheld(
    served: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """A replay needs a first file, of which the app does not hear."""
    code = _main("upload.replayed", "--user", "bob", "--folder", str(served.ca_file.parent))
    first, _, text = capsys.readouterr().out.partition("\n")
    event, _, last = text.partition("\n}\n")

    assert (code, first) == (0, "The app has heard of upload.replayed, and has answered 204:")
    assert json.loads(f"{event}\n}}")["data"]["uploader"] == "bob"
    assert last.startswith("Withheld from the app, which --every does not do: upload.completed (evt_")


def test_scenario_as_json_has_the_event(served: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """One document, with the event, the app's answer and what was withheld."""
    outcome = _outcome(capsys, served, "upload.expired", "--context", "lesson 5")

    assert (outcome["event"]["type"], outcome["event"]["data"]["context"]) == ("upload.expired", "lesson 5")
    assert (outcome["answered"], outcome["withheld"]) == (204, [])


def test_pulled_event_follows_as_well(served: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """In pull mode the queue is the way, and it proves by itself that VOD sent the event."""
    config = f"{served.url}/local/simulator/config"
    requests.put(config, json={"mode": "PULL"}, timeout=10).raise_for_status()
    try:
        outcome = _outcome(capsys, served, "NewFileUpload", "--user", "bob", "--context", "lesson 4")
    finally:
        requests.put(config, json={"mode": "PUSH"}, timeout=10).raise_for_status()
    content = outcome["event"]["data"]

    assert (content["uploader"], content["context"]) == ("bob", "lesson 4")


def test_invented_file_is_held_and_the_reason_said(served: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """A token of a new upload does not help a file that VOD does not know."""
    code = _main("NewFileUpload", "--user", "carol", "--wait", "1", "--folder", str(served.ca_file.parent))
    output = capsys.readouterr()

    assert (code, output.out) == (1, "")
    assert "the app has heard nothing: it is held until VOD says whose file it is" in output.err
    assert output.err.count("\n") == 1


def test_file_of_another_upload_is_quarantined_and_the_reason_said(
    served: Stack, uploaded: StoredUpload, capsys: pytest.CaptureFixture[str]
) -> None:
    """A genuine token beside somebody else's file is what a forger would send."""
    stolen = f"ProcedureStateChangeEvent.FileId={json.dumps(uploaded.file_id)}"
    outcome = _outcome(capsys, served, "ProcedureStateChanged", "--user", "eve", "--set", stolen, code=1)

    assert outcome["why"].startswith("it is quarantined, because VOD keeps another token with that file")


def test_upload_without_a_file_is_found_by_its_owner(
    served: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its token is genuine too: the read-back says what is missing."""
    token = requests.get(f"{served.url}/local/token?user=dave", timeout=10).text
    issued = requests.post(
        f"{served.url}/signature", json={}, headers={"Authorization": f"Bearer {token}"}, timeout=10
    ).json()
    upload = ("--upload", issued["uploadId"])
    known = _outcome(
        capsys, served, "ProcedureStateChanged", *upload, "--user", "dave", "--wait", "1", code=1
    )
    unknown = _main("ProcedureStateChanged", *upload, "--folder", str(served.ca_file.parent))

    assert known["why"].startswith("it is held until VOD says whose file it is")
    assert unknown == 1
    assert capsys.readouterr().err == (
        f"alice has no upload {issued['uploadId']}: name its owner with --user.\n"
    )


def test_same_event_again_is_told_as_known(
    served: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file's event is sent as it is, so that a duplicate can be seen to stay without effect."""
    file = tmp_path / "event.json"
    file.write_text(
        '{"EventType": "MediaCastStatusChanged", "MediaCastStatusChangedEvent": {"CastId": "once"}}'
    )
    first = _outcome(capsys, served, "--file", str(file))
    again = _outcome(capsys, served, "MediaCastStatusChanged", "--file", str(file), code=1)

    assert first["event"]["raw"]["MediaCastStatusChangedEvent"] == {"CastId": "once"}
    assert (again["event"], again["eventId"]) == (None, first["eventId"])
    assert "the journal had it already" in again["why"]


def test_event_that_a_fault_swallows_is_told(served: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """The command reports that a fault has struck the event."""
    dial = f"{served.url}/local/faults"
    requests.put(dial, json={"faults": [{"action": "Push", "kind": "drop"}]}, timeout=10).raise_for_status()
    outcome = _outcome(capsys, served, "FileDeleted", "--wait", "0.5", code=1)

    assert "it has not reached the journal" in outcome["why"]


def test_event_that_the_app_refuses_is_told(served: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """What the app answered is said."""
    dial = f"{served.url}/local/faults"
    rules = json.dumps({"faults": [{"action": "Receiver", "kind": "error", "status": 500}]})
    requests.put(dial, data=rules, timeout=10).raise_for_status()
    outcome = _outcome(capsys, served, "FileDeleted", "--wait", "1", code=1)

    assert "the app has not taken it yet (HTTP 500)" in outcome["why"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name an event type, or a --file: --list shows the types."),
        (["Nonsense"], "There is no sample of 'Nonsense': --list shows all names."),
        (["../legacy/FileDeleted"], "There is no sample of '../legacy/FileDeleted'"),
        (["FileDeleted", "--user", "bob"], "FileDeleted carries no context"),
        (["NewFileUpload", "--context", "x"], "--context is for a new upload"),
        (["NewFileUpload", "--upload", "x"], "--upload: an uploadId has 26 letters and digits."),
        (["FileDeleted", "--every"], "--every is for a scenario: upload.completed, upload.replayed"),
        (["upload.expired", "--set", "a=1"], "upload.expired is a scenario: only --user, --context"),
        (["FileDeleted", "--set", "EventType"], "'EventType' is not path=value."),
        (
            ["FileDeleted", "--set", "FileDeleteEvent.FileIdSet.7=1"],
            "The event has no FileDeleteEvent.FileIdSet.7.",
        ),
        (["FileDeleted", "--set", "A.B=1"], "The event has no A."),
        (["--file", "no such file"], "no such file cannot be read: No such file or directory."),
        (["--file", "README.md"], "README.md: The body is not JSON."),
        (["FileDeleted", "--file", "tests/samples/vod/v3/NewFileUpload.json"], "is of type NewFileUpload."),
    ],
)
def test_wrong_wish_is_one_sentence(
    served: Stack, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """An invalid option is reported in a sentence, and nothing is sent."""
    before = _sent(served)
    code = _main(*arguments, "--folder", str(served.ca_file.parent))
    output = capsys.readouterr()

    assert (code, output.out) == (2, "")
    assert sentence in output.err
    assert output.err.count("\n") == 1
    assert before == _sent(served)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["NewFileUpload", "--upload", NEVER_ISSUED], f"alice has no upload {NEVER_ISSUED}"),
        (["NewFileUpload", "--upload", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"], "alice has no upload 7ZZZ"),
        (["NewFileUpload", "--user", "Not A Name"], "No token is made for this"),
        (["upload.completed", "--user", "Not A Name"], "No token is made for this"),
        (["FileDeleted", "--set", "FileDeleteEvent.FileIdSet=1e400"], "JSON"),
    ],
)
def test_what_the_stack_refuses_is_one_sentence(
    served: Stack, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """The stack's own words reach the developer."""
    code = _main(*arguments, "--folder", str(served.ca_file.parent))
    output = capsys.readouterr()

    assert (code, output.out) == (1, "")
    assert sentence in output.err
    assert output.err.count("\n") == 1


def test_without_a_stack_one_is_told_to_start_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder named is one where nothing runs."""
    code = _main("FileDeleted", "--folder", str(tmp_path))

    assert code == 2
    assert capsys.readouterr().err.startswith(f"No local stack runs in {tmp_path}: ")


def test_without_samples_one_is_told_where_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installation without the repository's tests says what it misses."""
    monkeypatch.setattr(sample_events, "SAMPLES", tmp_path)
    code = _main("--list")

    assert code == 2
    assert capsys.readouterr().err.startswith(f"There are no samples in {tmp_path}: ")


@pytest.mark.parametrize(
    ("wish", "value"),
    [
        ("A.B.1=true", True),
        ("A.B.1=two words", "two words"),
        ("A.B.1=NaN", "NaN"),
        ("A.B.1=a=b", "a=b"),
        ("A.B.1=", ""),
    ],
)
def test_value_is_json_or_else_a_text(wish: str, value: object) -> None:
    """Only the first equals sign counts, and what is no JSON needs no quotes."""
    event: dict[str, Any] = {"A": {"B": [0, 1]}}
    change(event, wish)

    assert event == {"A": {"B": [0, value]}}


def _sent(served: Stack) -> dict[str, int]:
    """Return VOD's counters of sends and uploads; the stack's timers change the others."""
    counters = served.simulator.counters
    return {
        name: count
        for name, count in counters.items()
        if name.startswith(("Apply", "Commit", "Event", "Push"))
    }


def _main(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    trigger_command.add_arguments(parser)
    return trigger_command.main(parser.parse_args(arguments))


def _outcome(
    capsys: pytest.CaptureFixture[str], stack: Stack, *arguments: str, code: int = 0
) -> dict[str, Any]:
    capsys.readouterr()
    actual = _main(*arguments, "--folder", str(stack.ca_file.parent), "--json")
    output = capsys.readouterr()
    assert (actual, output.err) == (code, "")
    outcome: dict[str, Any] = json.loads(output.out)
    return outcome
