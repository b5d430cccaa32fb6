"""`python -m local conformance` as a team runs it, with a simulator in VOD's place."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.__main__ import main
from local.conformance import conformance_command
from local.conformance.questions import QUESTIONS
from local.conformance.uploads import uploaded
from tests.local.conformance.conftest import SUB_APP_ID
from tests.local.simulator.account import SECRET_ID, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject
    from tests.local.conformance.conftest import Peer

    Run = Callable[..., tuple[int, str, str]]

REFUSED = "VOD refuses the keys or VOD_SUB_APP_ID: 200"
SETTINGS = {"VOD_SECRET_ID": SECRET_ID, "VOD_SECRET_KEY": SECRET_KEY, "VOD_SUB_APP_ID": str(SUB_APP_ID)}


@pytest.fixture
def run(peer: Peer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command with the simulator's keys in the environment: arguments -> code, output, error."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    for name in ("TENCENTCLOUD_SECRETID", "VOD_API_URL", "VOD_CALLBACK_SIGN_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run_it(*arguments: str, endpoint: str = peer.served.url) -> tuple[int, str, str]:
        where = ("--vod-endpoint", endpoint) if endpoint else ()
        try:
            code = main(["conformance", *where, *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return (code, *capsys.readouterr())

    return run_it


def test_same_answers_are_exit_code_0(run: Run) -> None:
    """What was asked has the same answers; the plan comes first, on standard error."""
    code, output, error = run("--yes", "--only", "signature-expired", "--only", "upload-web-cos")

    assert code == 0
    assert output.splitlines() == [
        "same       signature-expired",
        "same       upload-web-cos",
        "",
        "2 same, 0 different, 0 not asked, 0 failed.",
        "Deleted 1 media.",
    ]
    assert error.splitlines() == [
        "Asks 2 of 2 questions.",
        "Files that are stored, and deleted at the end: 1, each of 11 KiB.",
    ]


def test_difference_is_exit_code_1(run: Run, peer: Peer) -> None:
    """The report names the fact, both answers, and what they settle."""
    address = f"{peer.served.url}/local/simulator/faults"
    requests.put(address, json={"switches": {"repeatedApply": "accept"}}, timeout=10).raise_for_status()
    code, output, _ = run("--only", "one-time-repeated")

    assert code == 1
    assert output.splitlines()[:3] == [
        "different  one-time-repeated (switch repeatedApply)",
        "             for the same file: VOD 200 0, the simulator 200 10011",
        "             with its session key: VOD 200 0, the simulator 200 10011",
    ]


def test_nothing_that_costs_is_asked_without_consent(run: Run, peer: Peer) -> None:
    """Without --yes nothing is stored or set, and each question that would has the option it needs."""
    before = peer.served.counters().get("ModifyEventConfig", 0)
    _, output, error = run()
    lines = [line for line in output.splitlines() if line.startswith("not asked")]
    costly = [question for question in QUESTIONS if not question.cost.is_free]

    assert len(lines) == len(costly) + 2
    assert f"Not asked without --yes: {len(costly)}." in error
    assert "not asked  signature-temporary: no temporary key is in the environment" in output
    assert "not asked  credential-expired: it waits too long (--wait)" in lines
    assert peer.served.query("SELECT count(*) FROM media")[0][0] == 0
    assert peer.served.counters().get("ModifyEventConfig", 0) == before


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("pull-upload", "the event configuration may not be changed (--set-events)"),
        ("task-of-upload", "no procedure was given (--procedure)"),
    ],
)
def test_what_is_not_asked_has_its_reason(run: Run, question: str, reason: str) -> None:
    """It names the option that would allow it, and is no difference."""
    code, output, _ = run("--yes", "--only", question)

    assert code == 0
    assert output.splitlines()[0] == f"not asked  {question}: {reason}"


def test_push_needs_a_url(run: Run) -> None:
    """Events are pushed to an address that only the user can have."""
    _, output, _ = run("--yes", "--set-events", "--only", "push-upload")

    assert output.startswith("not asked  push-upload: no push URL was given (--push-url)\n")


def test_events_are_received_where_the_user_leads_them(run: Run, peer: Peer) -> None:
    """The push URL is configured with a path that nobody can guess, and received on the port."""
    port = _free_port()
    arguments = ("--push-url", f"http://127.0.0.1:{port}", "--push-port", str(port))
    code, output, _ = run("--yes", "--set-events", "--only", "push-sign", *arguments)
    configuration = requests.get(f"{peer.served.url}/local/simulator/config", timeout=10).json()

    assert (code, output.splitlines()[0]) == (0, "same       push-sign")
    assert (configuration["callback_url"], configuration["sign_key"]) == ("", "")


def test_document_and_fixtures_have_the_answers(run: Run, tmp_path: Path) -> None:
    """--json prints one document, --record writes a file for each question that was asked."""
    wanted = ("--only", "apply-reply", "--only", "upload-form")
    code, output, _ = run("--json", "--record", str(tmp_path / "answers"), *wanted)
    document: dict[str, Any] = json.loads(output)
    fixture = json.loads((tmp_path / "answers" / "apply-reply.json").read_text("utf-8"))

    assert code == 0
    assert document["counts"] == {"same": 1, "different": 0, "not asked": 1, "failed": 0}
    assert [entry["verdict"] for entry in document["questions"]] == ["same", "not asked"]
    assert [file.name for file in (tmp_path / "answers").iterdir()] == ["apply-reply.json"]
    assert fixture["answer"] == fixture["simulated"] == document["questions"][0]["answer"]
    certificate = fixture["exchanges"][0]["reply"]["members"]["data"]["tempCertificate"]
    assert certificate["token"].startswith("<secret ")


def test_address_of_a_simulator_may_come_from_the_settings(
    run: Run, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where VOD_API_URL is not VOD's own, as in the local stack's settings, all hosts are there."""
    monkeypatch.setenv("VOD_API_URL", peer.served.url)
    code, output, _ = run("--only", "prepare-reply", endpoint="")

    assert (code, output.splitlines()[0]) == (0, "same       prepare-reply")


def test_questions_are_listed(run: Run) -> None:
    """--list asks nothing."""
    code, output, error = run("--list")

    assert (code, error) == (0, "")
    assert [line.split()[0] for line in output.splitlines()[1:]] == [question.id for question in QUESTIONS]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--only", "no-such"), "There is no question 'no-such': --list names them."),
        (("--push-url", "ftp://a"), "--push-url is an http or https URL."),
        (
            ("--vod-endpoint", "http://127.0.0.1:9"),
            "VOD does not answer: POST",
        ),
        (("--record", __file__), "cannot be created: File exists."),
        (("--env-file", "no-such-file"), "no-such-file cannot be read"),
        (("--wait", "soon"), "is no whole number from 0 to 86400"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence about what to change, before anything is asked."""
    code, output, error = run(*arguments)

    assert (code, output) == (2, "")
    assert sentence in error


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "VOD_SECRET_KEY",
            "another-key",
            f"{REFUSED} AuthFailure.SignatureFailure.",
        ),
        (
            "VOD_SUB_APP_ID",
            "7",
            f"{REFUSED} InvalidParameterValue.SubAppId.",
        ),
        ("VOD_SUB_APP_ID", "seven", "VOD_SUB_APP_ID"),
        ("VOD_SECRET_ID", "", "VOD_SECRET_KEY"),
    ],
)
def test_wrong_settings_are_exit_code_2(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    """Keys that VOD refuses are told once, and not by every question."""
    monkeypatch.setenv(name, value)
    code, _, error = run()

    assert code == 2
    assert sentence in error
    assert SECRET_KEY not in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_deletes_what_it_stored(
    run: Run, peer: Peer, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """What exists when the signal comes is deleted, and the command ends as interrupted."""

    def interrupted(vod: Subject) -> Answer:
        uploaded(vod)
        signal.raise_signal(number)
        return {}

    question = replace(QUESTIONS[0], ask=interrupted)
    monkeypatch.setattr(conformance_command, "QUESTIONS", (question, *QUESTIONS[1:]))
    code, output, error = run("--yes")

    assert (code, output) == (130, "")
    assert "Deleted 1 media." in error
    assert peer.served.query("SELECT count(*) FROM media")[0][0] == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def _free_port() -> int:
    from local.stack.servers import bound_socket  # noqa: PLC0415  # for one test

    with bound_socket(0) as taken:
        return int(taken.getsockname()[1])
