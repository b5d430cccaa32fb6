"""What building and deploying use of the machine: an interpreter, wheels, a CLI, a settings file."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from functools import partial
from pathlib import Path

import pytest

from local.deploy import __main__ as deploy_command
from local.deploy.checks import cautions
from local.deploy.deployment import CREDENTIALS, deploy, deploying_cli
from local.deploy.stage_variables import parse_env_file, stage_variables
from local.package import interpreter
from local.package.build import Package
from local.package.contents import MissingToolError, PackageError
from local.package.measure import measure
from local.package.wheels import Pin, fetch, files_in, kept_in, read_lock
from local.repository import REPOSITORY
from tests.waiting import wait_until

ENV_FILE = """\
# a comment
PLAIN=value
 SPACED =  a b\x20\x20
EMPTY=
COMMENTED=value # not a comment
DOUBLE="two\\nlines"
SINGLE='one\\nline'
RAW=-----BEGIN\\nKEY-----
JSON={"default": {"ttlSeconds": 600}}
QUOTED_INSIDE="a"b
HALF="a
TWICE=first
TWICE=second
export EXPORTED=1
EQUALS=a=b==
#OFF=1
no pair
CRLF=x\r
ONE='
"""
READ_BY_DOTENV = {
    "PLAIN": "value",
    "SPACED": "a b",
    "EMPTY": "",
    "COMMENTED": "value # not a comment",
    "DOUBLE": "two\nlines",
    "SINGLE": "one\\nline",
    "RAW": "-----BEGIN\\nKEY-----",
    "JSON": '{"default": {"ttlSeconds": 600}}',
    "QUOTED_INSIDE": '"a"b',
    "HALF": '"a',
    "TWICE": "second",
    "EQUALS": "a=b==",
    "CRLF": "x",
    "ONE": "'",
}
"""The result of dotenv 8.6.0, the library of the CLI: `require("dotenv").parse(text)` under Node."""


def program(folder: Path, name: str, source: str) -> Path:
    """Write an executable."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{source}\n")
    path.chmod(0o755)
    return path


def test_settings_file_is_read_as_the_cli_reads_it() -> None:
    """Quotes, blanks, line breaks and what looks like a comment mean what they mean to dotenv."""
    assert parse_env_file(ENV_FILE) == READ_BY_DOTENV


def test_own_file_of_a_stage_goes_first_and_the_environment_before_it(tmp_path: Path) -> None:
    """The CLI reads one file, and does not override variables that are set."""
    (tmp_path / ".env").write_text("REDIS_URL=common\nSTAGE=common\n")
    (tmp_path / ".env.prod").write_text("REDIS_URL=prod\nJWT_ISSUER=prod\n")

    assert stage_variables(tmp_path, "prod", {"JWT_ISSUER": ""}) == {"REDIS_URL": "prod", "JWT_ISSUER": ""}
    assert stage_variables(tmp_path, "dev", {}) == {"REDIS_URL": "common", "STAGE": "common"}
    assert stage_variables(tmp_path / "one" / "two", "dev", {}) == {"REDIS_URL": "common", "STAGE": "common"}
    assert stage_variables(tmp_path / "one" / "two" / "three", "dev", {}) == {}


def test_settings_file_that_is_no_text_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A byte order mark, as an editor on Windows writes it, is no part of the first name."""
    monkeypatch.setattr(deploy_command, "cautions", partial(cautions, repository=tmp_path))
    (tmp_path / ".env").write_bytes("\ufeffREDIS_URL=common\n".encode())
    (tmp_path / ".env.prod").write_bytes("REDIS_URL=caf\u00e9\n".encode("latin-1"))

    assert stage_variables(tmp_path, "dev", {}) == {"REDIS_URL": "common"}
    assert deploy_command.main(["check", "--stage", "prod"]) == 1
    assert capsys.readouterr().err == f"{tmp_path}/.env.prod is not UTF-8.\n"


def test_wrong_use_of_the_deployment_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and nothing is looked at."""
    codes = []
    for words in (["check", "--stage", "\udcff"], ["deploy", "--plan"], ["ship"]):
        with pytest.raises(SystemExit) as ended:
            deploy_command.main(words)
        codes.append(ended.value.code)
    told = capsys.readouterr().err.splitlines()

    assert codes == [2, 2, 2]
    assert [sentence.partition(":")[0] for sentence in told] == [
        "argument --stage",
        "--plan and --json need --via api",
        "argument what",
    ]


def test_machine_without_python_310_is_told_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing but 3.10 makes the bytecode, not even a program of that name that is none."""
    program(tmp_path, "python3.10", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(interpreter.CHOICE, raising=False)
    monkeypatch.setattr(sys, "_base_executable", str(tmp_path / "none"), raising=False)
    interpreter.runtime_python.cache_clear()
    try:
        with pytest.raises(MissingToolError, match=r"uv python install 3.10\), or name it with PYTHON_3_10="):
            interpreter.runtime_python()
    finally:
        interpreter.runtime_python.cache_clear()


@pytest.mark.usefixtures("needs_runtime_python")
def test_python_310_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A choice goes before what is found, and what is behind it is taken."""
    known = interpreter.runtime_python()
    chosen = program(tmp_path, "mine", f'touch "{tmp_path}/asked"; exec "{known}" "$@"')
    monkeypatch.setenv(interpreter.CHOICE, str(chosen))
    interpreter.runtime_python.cache_clear()
    try:
        assert interpreter.runtime_python() == known
        assert (tmp_path / "asked").exists()
    finally:
        interpreter.runtime_python.cache_clear()


def test_lock_is_read_with_its_versions_and_digests() -> None:
    """Names as pip compares them; markers and comments are no part of a pin."""
    text = (
        "# made by make lock\n"
        "Async_Timeout==5.0.1 ; python_full_version < '3.11.3' \\\n"
        f"    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n    # via redis\n"
        f"pyjwt[crypto]==2.15.1 \\\n    --hash=sha256:{'c' * 64}\n"
    )

    assert read_lock(text) == {
        "async-timeout": Pin("5.0.1", frozenset({"a" * 64, "b" * 64})),
        "pyjwt": Pin("2.15.1", frozenset({"c" * 64})),
    }
    assert len(read_lock((REPOSITORY / "requirements.txt").read_text())) > 10


def test_library_that_the_lock_does_not_pin_stops_the_build(tmp_path: Path) -> None:
    """Nothing is deployed that was not locked."""
    with pytest.raises(PackageError, match="does not pin redis: run make lock"):
        fetch({"redis"}, {}, tmp_path)


def test_kept_wheel_that_was_changed_is_refused(tmp_path: Path) -> None:
    """A wheel on disk is known by its digest each time, not only when it came."""
    wheel = tmp_path / "sample-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("sample.py", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    wanted = f"sample==1.0 --hash=sha256:{digest}\n"
    kept = kept_in(tmp_path / "store", wanted)
    kept.mkdir(parents=True)
    shutil.copy(wheel, kept)
    lock = {"sample": Pin("1.0", frozenset({digest}))}
    assert files_in(fetch({"sample"}, lock, tmp_path / "store")["sample"]) == {"sample.py": b""}
    (kept / wheel.name).write_bytes(wheel.read_bytes() + b" ")

    with pytest.raises(PackageError, match="is not what was locked"):
        fetch({"sample"}, lock, tmp_path / "store")


def test_wheel_that_no_index_has_is_told_in_pips_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason for a missing package is pip's own."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lock = {"no-such-library": Pin("1.0", frozenset({"a" * 64}))}

    with pytest.raises(MissingToolError, match=r"cannot get the locked wheels\. ERROR: .*no-such-library"):
        fetch({"no-such-library"}, lock, tmp_path / "store")


@pytest.mark.usefixtures("needs_runtime_python")
def test_cold_start_is_measured_with_nothing_but_the_package(tmp_path: Path) -> None:
    """Modules that the function's file brings in are counted, and the time is a time."""
    (tmp_path / "sample.py").write_text("import decimal\n")
    start = measure(Package("sample", tmp_path, tmp_path / "none.zip"))

    assert start is not None
    assert start.modules >= 2
    assert 0 < start.seconds < 10


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("Framework Core: 3.40.0", "serverless 3.40.0 no longer deploys to Tencent Cloud"),
        ("Serverless Framework 4.4.18", "serverless 4.4.18 no longer deploys to Tencent Cloud"),
        ("", "does not tell its version"),
    ],
)
def test_cli_that_would_do_nothing_is_refused(tmp_path: Path, said: str, sentence: str) -> None:
    """Serverless 3 exits with 0 and deploys nothing, so it is refused."""
    program(tmp_path, "serverless", f"echo '{said}'")

    with pytest.raises(PackageError, match=sentence):
        deploying_cli({"PATH": f"{tmp_path}:{os.defpath}"})


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_deployment_without_credentials_is_refused(tmp_path: Path, missing: str) -> None:
    """The CLI would show a code to scan, and a pipeline would wait for ever."""
    program(tmp_path, "scf", "exit 0")
    environment = {"PATH": str(tmp_path), **dict.fromkeys(CREDENTIALS, "set"), missing: ""}

    with pytest.raises(PackageError, match=f"No value has {missing}: "):
        deploy("dev", environment)


def test_machine_without_a_cli_is_told_which_to_install(tmp_path: Path) -> None:
    """The message holds the command that installs one, and the way that needs none."""
    with pytest.raises(PackageError, match=r"npm install --global serverless@2\.72\.4, .* VIA=api"):
        deploying_cli({"PATH": str(tmp_path)})


def test_cli_that_does_not_end_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    """A host that accepts a connection and never answers would hold a pipeline for ever."""
    child = tmp_path / "child"
    program(tmp_path, "scf", f"sleep 600 & echo $! > {child}; wait")
    environment = {"PATH": f"{tmp_path}:{os.defpath}", **dict.fromkeys(CREDENTIALS, "set")}

    with pytest.raises(PackageError, match=r"did not end in 1 s and was stopped.* STAGE=dev VIA=api"):
        deploy("dev", environment, seconds=1)
    if started := child.read_text().strip() if child.exists() else "":  # else it was stopped even before
        status = Path(f"/proc/{started}/stat")
        wait_until(lambda: not status.exists() or status.read_text().split()[2] == "Z")


def test_exit_code_of_the_cli_is_the_result(tmp_path: Path) -> None:
    """A CLI that failed has said why."""
    program(tmp_path, "scf", "exit 7")

    assert deploy("dev", {"PATH": f"{tmp_path}:{os.defpath}", **dict.fromkeys(CREDENTIALS, "set")}) == 7


def test_cli_that_deploys_to_tencent_is_taken(tmp_path: Path) -> None:
    """`scf` is preferred; `serverless` up to version 2 is accepted."""
    serverless = program(tmp_path, "serverless", "echo 'Framework Core: 2.72.4'")
    assert deploying_cli({"PATH": f"{tmp_path}:{os.defpath}"}) == str(serverless)
    scf = program(tmp_path, "scf", "exit 0")

    assert deploying_cli({"PATH": f"{tmp_path}:{os.defpath}"}) == str(scf)
