"""The fault dial of the running stack: injected faults, and what the app receives."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.__main__ import main
from local.repository import REPOSITORY
from local.simulator import Switches
from local.stack.fault_options import add_fault_arguments, faults_of, switches_of
from local.stack.stack import Stack
from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.upload.client import StoredUpload


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start one stack for all of these tests, because they disable its app's endpoint."""
    with Stack(folder=tmp_path_factory.mktemp("dialled"), timer_seconds=0.5) as running:
        yield running


@pytest.fixture
def dialled(served: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Return the stack, and reset its dial afterwards."""
    # The commands below are to find this stack, and no other store.
    monkeypatch.delenv("REDIS_URL", raising=False)
    yield served
    _dial(served)


def test_dial_shows_what_is_in_force_and_how_often_it_struck(dialled: Stack) -> None:
    """GET /local/faults tells rules, seed and strikes."""
    _dial(dialled, {"action": "SearchMedia", "kind": "refuse"}, seed=7)
    before = _faults(dialled)
    _call_api(dialled, "SearchMedia")

    rule = {"action": "SearchMedia", "kind": "refuse", "times": 1, "code": "InternalError"}
    switches = Switches().as_json()
    assert before == {"seed": 7, "faults": [{**rule, "struck": 0}], "switches": switches}
    assert _faults(dialled) == {"seed": 7, "faults": [{**rule, "struck": 1}], "switches": switches}


def test_switches_turn_beside_the_rules(dialled: Stack) -> None:
    """A PUT that names only switches leaves the rules, and one that names only rules the switches."""
    _dial(dialled, {"action": "AbortMultipartUpload", "kind": "drop"})
    turned = requests.put(
        f"{dialled.url}/local/faults", json={"switches": {"context": "commit"}}, timeout=10
    ).json()
    _dial(dialled)
    later = _faults(dialled)
    wrong = requests.put(
        f"{dialled.url}/local/faults", json={"switches": {"context": "x"}, "faults": [1]}, timeout=10
    )
    dialled.simulator.switches.turn({"context": "apply"})

    assert (len(turned["faults"]), turned["switches"]["context"]) == (1, "commit")
    assert (later["faults"], later["switches"]["context"]) == ([], "commit")
    assert wrong.json()["detail"] == "switches: context is apply or commit, not 'x'."


def test_switches_of_the_command_line_override_those_of_the_file(tmp_path: Path) -> None:
    """`--faults FILE` may have switches beside its rules; `--switch` is the last word."""
    file = tmp_path / "dial.json"
    file.write_text(json.dumps({"switches": {"repeatedApply": "accept", "coverChange": "event"}}))
    parser = argparse.ArgumentParser()
    add_fault_arguments(parser)
    arguments = parser.parse_args(["--faults", str(file), "--switch", "coverChange=silent"])

    assert faults_of(arguments) == ([], None)
    assert switches_of(arguments) == Switches(repeated_apply="accept", cover_change="silent")


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "The body is not JSON."),
        (b"[]", 400, "The body is not a JSON object."),
        (b'{"faults": 1}', 400, "faults: a list of at most 100 rules is expected."),
        (b'{"faults": [{"action": "Push", "kind": "drop", "times": 0}]}', 400, "faults[0]: times: 0 is no"),
        (b"\xff", 400, "the body is not UTF-8"),
        (b"[" * 70_000, 413, "The body may have at most"),
    ],
)
def test_wrong_rules_change_nothing(dialled: Stack, body: bytes, status: int, sentence: str) -> None:
    """A refusal says in a sentence what is wrong, and the rules in force stay."""
    _dial(dialled, {"action": "AbortMultipartUpload", "kind": "drop"})
    answer = requests.put(f"{dialled.url}/local/faults", data=body, timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["detail"].startswith(sentence)
    assert len(_faults(dialled)["faults"]) == 1


@pytest.mark.parametrize("kind", ["duplicate", "drop-reply", "error", "slow", "delay"])
def test_app_hears_once_of_a_push_that_went_wrong(dialled: Stack, kind: str) -> None:
    """Doubled, answered in vain, lost once, dripping or late: the receiver gets one event."""
    seconds = {"seconds": 0.3} if kind in {"slow", "delay"} else {}
    _dial(dialled, {"action": "Push", "kind": kind, **seconds})
    name = _emit(dialled)
    _received(dialled, name)
    # By the time a later event is there, a second one of the first would be as well.
    _received(dialled, _emit(dialled))

    assert [event["repeat"] for event in _found(dialled, name)] == [False]
    assert [rule["struck"] for rule in _faults(dialled)["faults"]] == [1]


def test_corrupt_push_reaches_no_app(dialled: Stack) -> None:
    """What the callback function cannot read it refuses, and nothing of it goes on."""
    _dial(dialled, {"action": "Push", "kind": "corrupt"})
    name = _emit(dialled)
    _received(dialled, _emit(dialled))

    assert _found(dialled, name) == []


def test_reordered_pushes_arrive_in_the_other_order(dialled: Stack) -> None:
    """The app has the later event before the earlier one."""
    _dial(dialled, {"action": "Push", "kind": "reorder"})
    names = [_emit(dialled) for _ in range(2)]
    first, second = (_received(dialled, name)["receivedAt"] for name in names)

    assert second < first


def test_upload_survives_faults_on_its_way(dialled: Stack, small_media: Path) -> None:
    """A storage that stumbles, a doubled push and a slow answer: one event about the file."""
    _dial(
        dialled,
        {"action": "PutObject", "kind": "error", "status": 503},
        {"action": "InitiateMultipartUpload", "kind": "error", "status": 503},
        {"action": "CommitUploadUGC", "kind": "slow", "seconds": 0.2},
        {"action": "Push", "kind": "duplicate"},
    )
    stored = _upload(dialled, small_media)
    _received(dialled, stored.upload_id)
    # By the time a later event is there, a second copy would be, too.
    _received(dialled, _emit(dialled))

    assert [stored.file_id] == [
        event["body"]["data"]["fileId"] for event in _found(dialled, stored.upload_id)
    ]


def test_event_waits_for_a_vod_that_does_not_answer(dialled: Stack, small_media: Path) -> None:
    """While the read-back fails the event is held; then the app has it, verified."""
    _dial(dialled, {"action": "DescribeMediaInfos", "kind": "error"})
    stored = _upload(dialled, small_media)
    event = _received(dialled, stored.upload_id)

    assert event["body"]["data"]["verified"] is True
    assert [rule["struck"] for rule in _faults(dialled)["faults"]] == [1]


def test_doubled_hand_out_of_the_pull_queue_is_one_event(dialled: Stack) -> None:
    """What PullEvents gives twice the app hears of once."""
    _configure(dialled, mode="PULL")
    try:
        _dial(
            dialled,
            {"action": "PullEvents", "kind": "duplicate"},
            {"action": "ConfirmEvents", "kind": "slow"},
        )
        name = _emit(dialled)
        _received(dialled, name)
        _received(dialled, _emit(dialled))
    finally:
        _configure(dialled, mode="PUSH")

    assert len(_found(dialled, name)) == 1


def test_event_refused_twice_is_delivered_at_the_third_attempt(
    dialled: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """The app that failed gets the same event under the same webhook-id."""
    _dial(dialled, {"action": "Receiver", "kind": "error", "status": 500, "times": 2})
    event_id = _kept_event(dialled, _emit(dialled), capsys)
    for struck in (1, 2):
        _wait_for_strikes(dialled, struck)
        wait_until(lambda: _shown(dialled, event_id, capsys)["problem"] == "HTTP 500")
        assert _events(dialled, "retry", event_id, "--yes") == 0
    wait_until(lambda: _by_webhook_id(dialled, event_id) != [])

    assert [event["repeat"] for event in _by_webhook_id(dialled, event_id)] == [False]


def test_gone_app_is_left_alone(dialled: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """After a 410 the endpoint is disabled, which `events endpoint` shows, until somebody enables it."""
    _dial(dialled, {"action": "Receiver", "kind": "error", "status": 410})
    event_id = _kept_event(dialled, _emit(dialled), capsys)
    wait_until(lambda: _endpoint(dialled, capsys)["disabledSince"] is not None)
    _endpoint(dialled, capsys, "--enable")
    _events(dialled, "retry", event_id, "--yes")
    wait_until(lambda: _by_webhook_id(dialled, event_id) != [])

    assert _endpoint(dialled, capsys)["disabledSince"] is None


def test_busy_app_is_asked_again_when_it_wishes(dialled: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """A 429 with Retry-After puts the next attempt off by that long."""
    _dial(dialled, {"action": "Receiver", "kind": "error", "status": 429, "retryAfter": 7200})
    event_id = _kept_event(dialled, _emit(dialled), capsys)
    wait_until(lambda: _shown(dialled, event_id, capsys)["problem"] == "HTTP 429")
    due = _shown(dialled, event_id, capsys)["nextAttempt"]

    assert time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 7000)) < due


def test_redirect_is_not_followed(dialled: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """An app that sends us elsewhere has not taken the event."""
    _dial(dialled, {"action": "Receiver", "kind": "redirect", "status": 307})
    event_id = _kept_event(dialled, _emit(dialled), capsys)
    wait_until(lambda: _shown(dialled, event_id, capsys)["problem"] == "HTTP 307")

    assert _by_webhook_id(dialled, event_id) == []


@pytest.mark.parametrize(("kind", "repeats"), [("drop", [False]), ("drop-reply", [False, True])])
def test_app_that_does_not_answer_is_tried_again(
    dialled: Stack, capsys: pytest.CaptureFixture[str], kind: str, repeats: list[bool]
) -> None:
    """It may then have the event twice, under one webhook-id."""
    _dial(dialled, {"action": "Receiver", "kind": kind})
    event_id = _kept_event(dialled, _emit(dialled), capsys)
    wait_until(lambda: "no answer" in (_shown(dialled, event_id, capsys)["problem"] or ""))
    _events(dialled, "retry", event_id, "--yes")
    wait_until(lambda: len(_by_webhook_id(dialled, event_id)) == len(repeats))

    assert repeats == [event["repeat"] for event in _by_webhook_id(dialled, event_id)]


def test_slow_app_gets_its_event_at_the_first_attempt(dialled: Stack) -> None:
    """Within the time of an attempt, slowness is no failure."""
    _dial(dialled, {"action": "Receiver", "kind": "slow", "seconds": 0.5})
    event = _received(dialled, _emit(dialled))

    assert event["repeat"] is False


def test_run_with_a_seed_can_be_repeated(dialled: Stack) -> None:
    """The same pushes are lost, and no others."""
    runs = [_delivered_of_twelve(dialled, seed=7) for _ in range(2)]

    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 2


def test_command_line_sets_the_dial(tmp_path: Path) -> None:
    """A file and single rules add up, and --seed wins over the file's."""
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"seed": 1, "faults": [{"action": "PutObject", "kind": "expire"}]}))
    rules = [
        "--faults",
        str(file),
        "--fault",
        "Push:duplicate:0.2",
        "--fault",
        "Receiver:500:2",
        "--seed",
        "7",
    ]
    with _serving(tmp_path / "stack", *rules) as (url, banner):
        dial = requests.get(f"{url}/local/faults", timeout=10).json()

    assert dial["seed"] == 7
    assert [(rule["action"], rule["kind"]) for rule in dial["faults"]] == [
        ("PutObject", "expire"),
        ("Push", "duplicate"),
        ("Receiver", "error"),
    ]
    assert "Faults: 3 on purpose, the seed is 7." in banner


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fault", "Push:explode"], 'Push has no kind "explode"'),
        (["--switch", "context"], "switches: context is apply or commit, not ''."),
        (["--faults", "no such file"], "no such file cannot be read: No such file or directory."),
        (["--faults", "README.md"], "README.md: The body is not JSON."),
    ],
)
def test_wrong_rule_on_the_command_line_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """Nothing is started with a rule that makes no sense."""
    code = main(["serve", "--port", "0", "--tls-port", "0", *arguments])
    complaint = capsys.readouterr().err

    assert code == 2
    assert re.search(sentence, complaint)
    assert complaint.count("\n") == 1


def _dial(stack: Stack, *rules: dict[str, Any], seed: int | None = None) -> None:
    body = {"faults": list(rules), **({} if seed is None else {"seed": seed})}
    requests.put(f"{stack.url}/local/faults", data=json.dumps(body), timeout=10).raise_for_status()


def _faults(stack: Stack) -> dict[str, Any]:
    faults: dict[str, Any] = requests.get(f"{stack.url}/local/faults", timeout=10).json()
    return faults


def _configure(stack: Stack, **changes: str) -> None:
    requests.put(f"{stack.url}/local/simulator/config", json=changes, timeout=10).raise_for_status()


def _call_api(stack: Stack, action: str) -> None:
    requests.post(f"{stack.url}/", headers={"X-TC-Action": action}, json={}, timeout=10).raise_for_status()


def _emit(stack: Stack) -> str:
    """Raise an event that is about none of our uploads, and return a name to find it by."""
    name = uuid.uuid4().hex
    event = json.dumps({"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": [name]}})
    requests.post(f"{stack.url}/local/simulator/emit", data=event, timeout=10).raise_for_status()
    return name


def _upload(stack: Stack, file: Path) -> StoredUpload:
    with contextlib.closing(UploadClient(stack.url)) as client:
        return client.upload(UploadOrder(file=file, user="dial"), lambda _part, _size: None)


def _found(stack: Stack, name: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = requests.get(f"{stack.url}/local/events", timeout=10).json()
    return [event for event in events if name in json.dumps(event["body"])]


def _received(stack: Stack, name: str) -> dict[str, Any]:
    wait_until(lambda: _found(stack, name) != [])
    return _found(stack, name)[0]


def _by_webhook_id(stack: Stack, event_id: str) -> list[dict[str, Any]]:
    events = requests.get(f"{stack.url}/local/events", timeout=10).json()
    return [event for event in events if event["headers"]["webhook-id"] == event_id]


def _delivered_of_twelve(stack: Stack, *, seed: int) -> list[bool]:
    """Raise twelve events, of which about half are dropped; return for each whether the app has it."""
    _dial(stack, {"action": "Push", "kind": "drop", "probability": 0.5}, seed=seed)
    before = _pushes_and_strikes(stack)
    names = [_emit(stack) for _ in range(12)]
    wait_until(lambda: _pushes_and_strikes(stack) == before + 12)
    delivered = 12 - int(_faults(stack)["faults"][0]["struck"])
    wait_until(lambda: sum(bool(_found(stack, name)) for name in names) == delivered)
    return [bool(_found(stack, name)) for name in names]


def _pushes_and_strikes(stack: Stack) -> int:
    return stack.simulator.counters.get("Push", 0) + int(_faults(stack)["faults"][0]["struck"])


def _events(stack: Stack, *arguments: str) -> int:
    return main(["events", arguments[0], "--folder", str(stack.ca_file.parent), *arguments[1:]])


def _answer(stack: Stack, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:  # noqa: ANN401  # JSON
    capsys.readouterr()
    assert _events(stack, *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def _endpoint(stack: Stack, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    answer: dict[str, Any] = _answer(stack, capsys, "endpoint", *options)
    return answer


def _shown(stack: Stack, event_id: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = _answer(stack, capsys, "show", event_id)
    return answer


def _kept_event(stack: Stack, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Wait until the journal has an event, and return its id."""
    found: list[str] = []

    def is_kept() -> bool:
        listed = _answer(stack, capsys, "list", "--limit", "5")
        found[:] = [entry["id"] for entry in listed if name in json.dumps(_shown(stack, entry["id"], capsys))]
        return bool(found)

    wait_until(is_kept)
    return found[0]


def _wait_for_strikes(stack: Stack, count: int) -> None:
    wait_until(lambda: _faults(stack)["faults"][0]["struck"] == count)


@contextlib.contextmanager
def _serving(folder: Path, *options: str) -> Iterator[tuple[str, str]]:
    """Start the command; yield the address and the text of its banner."""
    command = [
        sys.executable,
        "-m",
        "local",
        "serve",
        "--port",
        "0",
        "--tls-port",
        "0",
        "--folder",
        str(folder),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    with subprocess.Popen(  # noqa: S603  # our own words
        [*command, *options], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            banner = ""
            for line in process.stdout:
                banner += line
                if "Ctrl-C" in line:
                    break
            address = re.search(r"http://127\.0\.0\.1:\d+", banner)
            assert address is not None
            yield address.group(), banner
        finally:
            process.terminate()
