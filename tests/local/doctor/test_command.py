"""`python -m local doctor` as operators and CI use it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests

from local.__main__ import main
from local.package.runtime import PYTHON
from local.stack.demo_settings import user_token
from tests.local.doctor.patient import assert_secretless
from tests.shared.loopback_peer import RawPeer, refused_port, say_nothing

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.stack import Stack
    from tests.local.doctor.patient import Patient

RUNS_ON_SCFS_PYTHON = sys.version_info[:2] == PYTHON


def test_running_stack_is_healthy_in_every_respect(patient: Patient, examined: tuple[Stack, Path]) -> None:
    """On the local stack every check is made, and every one is ok."""
    token = user_token(patient.stack.environment, user="alice", ttl_seconds=600)
    words = ["--folder", str(examined[1]), "--probe", "--mode", "push", "--token", token]
    outcome = patient.run(dict(patient.stack.environment), *words)

    assert (outcome.code, outcome.told.splitlines()) == (0, [])
    assert {level: outcome.at(level) for level in ("warning", "fault", "skipped")} == {
        "warning": [] if RUNS_ON_SCFS_PYTHON else ["Python"],
        "fault": [],
        "skipped": [],
    }
    assert len(outcome.checks) >= 45


def test_without_probe_nothing_is_sent_and_it_is_said(patient: Patient) -> None:
    """Checks that leave traces run only with --probe."""
    heard = len(_heard(patient))
    outcome = patient.examine()

    assert outcome.at("skipped") == ["token", "event taken in", "test event"]
    assert len(_heard(patient)) == heard


def test_text_says_what_the_document_says(
    patient: Patient, examined: tuple[Stack, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """People read the same findings as programs, with the advice below each."""
    words = ["doctor", "--folder", str(examined[1]), "--mode", "pull"]
    code = main(words)
    text = capsys.readouterr().out
    document = patient.run(dict(patient.stack.environment), *words[1:]).document

    assert code == 1
    assert "  fault    mode: PUSH, and PULL is wanted\n           -> Set Mode to PULL: --fix does it." in text
    assert text.endswith("1 fault, 3 not looked at.\n") or not RUNS_ON_SCFS_PYTHON
    assert [f["check"] for f in document["checks"] if f"{f['level']:<9}{f['check']}:" not in text] == []
    assert (document["healthy"], document["counts"]["fault"]) == (False, 1)
    assert all(line.isprintable() and len(line) <= 110 for line in text.splitlines())
    assert_secretless(text, dict(patient.stack.environment))


def test_environment_is_examined_where_it_holds_settings(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file or a folder, the variables of the process count."""
    for name, value in patient.environment(JWT_SECRETS="short").items():
        monkeypatch.setenv(name, value)
    outcome = patient.run(patient.environment(JWT_SECRETS="short"))

    assert outcome.at("fault") == ["upload_signature", "upload_status"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"REDIS_URL=a\nwhat is this\n", "line 2: NAME=value is expected."),
        (b"\xff\xfe\x00", "is not UTF-8."),
    ],
)
def test_unreadable_file_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, sentence: str
) -> None:
    """A file that cannot be read ends with 2 and a sentence that shows none of it."""
    file = tmp_path / ".env"
    if content is not None:
        file.write_bytes(content)
    code = main(["doctor", "--env-file", str(file)])
    captured = capsys.readouterr()

    assert (code, captured.out) == (2, "")
    assert captured.err.endswith(f"{sentence}\n")
    assert "what is" not in captured.err


def test_nothing_to_examine_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], patient: Patient
) -> None:
    """With no settings in the environment and no stack that runs, one is told to name a deployment."""
    monkeypatch.chdir(tmp_path)
    for name in patient.stack.environment:
        monkeypatch.delenv(name, raising=False)

    assert main(["doctor"]) == 2
    assert "--env-file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("--callback-url", ""),
        ("--callback-url", "ftp://host/path"),
        ("--callback-url", "https://"),
        ("--callback-url", "http://[broken"),
        ("--signature-url", "https://host/path?query"),
        ("--status-url", "host"),
    ],
)
def test_url_that_is_none_is_wrong_usage(
    patient: Patient, examined: tuple[Stack, Path], capsys: pytest.CaptureFixture[str], option: str, url: str
) -> None:
    """What cannot be the address of a function is refused before anything is asked."""
    assert main(["doctor", "--folder", str(examined[1]), option, url]) == 2
    assert capsys.readouterr().out == ""
    assert patient.event_configuration().upload_complete == "ON"


def test_quoted_values_and_comments_are_read_as_the_deployment_reads_them(
    patient: Patient, tmp_path: Path
) -> None:
    """A .env may quote its values and have comments and empty lines."""
    file = tmp_path / "quoted.env"
    environment = patient.environment()
    lines = [f"export {name} = '{value}'" for name, value in environment.items()]
    file.write_text("\n".join(["# a comment", "", *lines]))

    assert patient.run(environment, "--env-file", str(file)).at("fault") == []


def test_against_dead_services_it_ends_and_names_each(patient: Patient) -> None:
    """With everything silent, each service is named: no call waits without a limit."""
    with ExitStack() as peers:
        store, port = (peers.enter_context(RawPeer(say_nothing)).port for _ in range(2))
        silent = f"http://127.0.0.1:{port}"
        outcome = patient.examine(
            "--probe",
            "--callback-url",
            f"{silent}/vod-callback",
            REDIS_URL=f"redis://:some-password@127.0.0.1:{store}/0",
            VOD_API_URL=silent,
            APP_WEBHOOK_URL=f"{silent}/hook",
        )

    assert outcome.code == 1
    assert outcome.at("fault") == ["reachable", "credentials", "callback URL", "test event"]
    assert {"round trip", "backlog", "clock", "rights", "storage regions"} <= set(outcome.at("skipped"))


def test_refused_connections_are_named_as_well(patient: Patient) -> None:
    """With nobody listening, the same services are named."""
    refused = f"http://127.0.0.1:{refused_port()}"
    outcome = patient.examine(
        "--probe",
        "--callback-url",
        f"{refused}/vod-callback",
        REDIS_URL=f"redis://127.0.0.1:{refused_port()}/0",
        VOD_API_URL=refused,
        APP_WEBHOOK_URL=f"{refused}/hook",
    )

    assert outcome.at("fault") == ["reachable", "credentials", "callback URL", "test event"]


def _heard(patient: Patient) -> list[object]:
    return list(requests.get(f"{patient.stack.url}/local/events", timeout=10).json())
