"""Commands used wrongly, or on a system that refuses: one sentence, the right exit code, no traceback."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.__main__ import COMMANDS, SCRIPT, main
from local.repository import REPOSITORY, project_field
from tests.shared.loopback_peer import refused_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.stack.stack import Stack

SAMPLE = "tests/samples/media/tiny.mp4"


@dataclass(frozen=True)
class BadUse:
    """Words of a command, its exit code, and how the sentence begins; `{file}` is a file of the test."""

    words: str
    code: int
    sentence: str
    variables: Mapping[str, str] = field(default_factory=dict)


TABLE = [
    BadUse("serv", 2, "There is no command 'serv'."),
    BadUse("serve --port 70000", 2, "argument --port: '70000' is no port from 0 to 65535: see "),
    BadUse("serve --port -1", 2, "argument --port: '-1' is no port"),
    BadUse("serve --port {taken} --tls-port 0 --folder {folder}", 1, "Port {taken} is taken"),
    BadUse("serve --port 0 --tls-port 0 --folder {file}", 1, "{file}: "),
    BadUse("serve --port 0 --tls-port 0 --folder {damaged}", 1, "{damaged}/demo-secrets.json is damaged: "),
    BadUse("serve --port 0 --tls-port 0 --folder {no-ca}", 1, "{no-ca}/ca.pem is damaged: "),
    BadUse("serve --policies {deep}", 2, "{deep} is not JSON."),
    BadUse("serve --port 0 --tls-port 0 --folder /proc/none", 1, "/proc/none: "),
    BadUse("serve", 2, "These settings are missing or invalid. REDIS_URL: ", {"REDIS_URL": "valkey"}),
    BadUse("serve --forward-to localhost", 2, "--forward-to must be an http or https URL, as in"),
    BadUse("upload {file}.mp4", 1, "There is no file {file}.mp4"),
    BadUse(f"upload {SAMPLE} --url {{nobody}}", 1, "The local stack at {nobody} does not answer"),
    BadUse(f"upload {SAMPLE} --url ftp://x", 2, "ftp://x is no plain HTTP address"),
    BadUse(f"upload {SAMPLE} --folder {{folder}}", 2, "No local stack runs in {folder}"),
    BadUse(f"upload {SAMPLE} --url http://a..b", 1, "The local stack at http://a..b does not answer"),
    BadUse(f"upload {SAMPLE} --url http://h:port", 2, "http://h:port is no plain HTTP address"),
    BadUse(f"upload {SAMPLE}", 2, "http://h:port is no plain HTTP address", {"LOCAL_URL": "http://h:port"}),
    BadUse("serve --forward-to http://h:99999", 2, "--forward-to is not a URL, as in"),
    BadUse("trigger FileDeleted --url http://h:port", 2, "http://h:port is no plain HTTP address"),
    BadUse("trigger FileDeleted --url http://a..b", 2, "No local stack answers at http://a..b"),
    BadUse("trigger FileDeleted --url http://%00", 2, "No local stack answers at http://%00"),
    BadUse("trigger FileDeleted --url {nobody}", 2, "No local stack answers at {nobody}"),
    BadUse("trigger FileDeleted --folder {folder}", 2, "No local stack runs in {folder}"),
    BadUse("trigger FileDeleted --folder a --url b", 2, "argument --url: not allowed with argument --folder"),
    BadUse("events list --folder {folder}", 2, "Name the store with REDIS_URL, or a local stack."),
    BadUse("events list", 1, "The store", {"REDIS_URL": "redis://127.0.0.1:9/0"}),
    BadUse("deny list --url {nobody}", 2, "Name the store with REDIS_URL, or a local stack."),
    BadUse("listen --forward-to x --folder {folder}", 2, "Name the store with REDIS_URL, or a local stack."),
    BadUse("webhook-secret --folder {folder}", 2, "No local stack runs in {folder}"),
    BadUse("doctor --url {nobody}", 2, "No local stack answers at {nobody}"),
    BadUse(
        "doctor --folder {folder} --env-file x", 2, "argument --env-file: not allowed with argument --folder"
    ),
    BadUse("inspect", 2, "the following arguments are required"),
    BadUse("inspect x --url {nobody}", 2, "No local stack answers at {nobody}"),
    BadUse("inspect x --url a --folder b", 2, "argument --folder: not allowed with argument --url"),
    BadUse("policy --policies {folder}/none.json", 2, "{folder}/none.json"),
    BadUse("policy --url {nobody}", 2, "No local stack answers at {nobody}"),
    BadUse("policy --folder {folder}", 2, "No local stack runs in {folder}"),
    BadUse("policy --stage prod --url {nobody}", 2, "argument --url: not allowed with argument --stage"),
    BadUse("token explain x --url {nobody}", 2, "No local stack answers at {nobody}"),
    BadUse("token explain x --folder {folder}", 2, "No local stack runs in {folder}"),
    BadUse("trigger upload.completed --url {nobody}", 2, "No local stack answers at {nobody}"),
    BadUse("trigger upload.completed --upload x", 2, "upload.completed is a scenario"),
    BadUse("capacity --instances none", 2, "argument --instances: 'none' is no whole number from 1 to"),
    BadUse("capacity --store-ms none", 2, "argument --store-ms: 'none' is no number from"),
    BadUse("trigger FileDeleted --wait soon", 2, "argument --wait: 'soon' is no number from 0 to 3600"),
    BadUse("erase --user al\udcffice", 2, "argument --user: 'al\\udcffice' is not UTF-8: see "),
    BadUse("inspect \udcff", 2, "argument SIGNATURE: '\\udcff' is not UTF-8: see "),
    BadUse("erase --user=", 2, "argument --user: is empty: see "),
    BadUse("deny add --policy=", 2, "argument --policy: is empty: see "),
    BadUse("completion csh", 2, "argument shell: invalid choice: 'csh'"),
]


def typed_options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the options of a command, and of its actions, that are numbers, times or addresses."""
    for action in parser._actions:  # noqa: SLF001  # argparse has no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # as above
            for of_action in action.choices.values():
                yield from typed_options(of_action)
        elif action.type not in (None, str, Path):
            yield action


@pytest.fixture(autouse=True)
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name neither a store nor a stack in the environment."""
    for name in ("REDIS_URL", "LOCAL_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command as a process, to its end."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]  # noqa: S603  # our own words
        [sys.executable, "-m", "local", *words],
        **{"capture_output": True, "text": True, "cwd": REPOSITORY, **options},
        check=False,
        timeout=60,
    )


def call(words: list[str], capture: pytest.CaptureFixture[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in this process; a `serve` that starts is none of these, because it takes the signals."""
    if words[0] == "serve" and "--folder" in words:
        return run(*words)
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(str(ended.code))
    return subprocess.CompletedProcess(words, code, *capture.readouterr())


@pytest.mark.parametrize("use", TABLE, ids=lambda use: use.words)
def test_bad_use_is_one_sentence(
    use: BadUse,
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On standard error, and nothing on standard output."""
    for name, value in use.variables.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "file"
    file.touch()
    for folder in ("empty", "damaged"):
        (tmp_path / folder).mkdir()
    (tmp_path / "damaged/demo-secrets.json").write_text('{"JWT_SEC')
    (tmp_path / "no-ca").mkdir()
    for name in ("ca.pem", "ca-key.pem"):
        (tmp_path / "no-ca" / name).write_text("-----BEGIN")
    (tmp_path / "deep").write_text("[" * 100_000)
    names = {name: str(tmp_path / name) for name in ("damaged", "no-ca", "deep")}
    names |= {"taken": stack.url.rpartition(":")[2], "file": str(file), "folder": str(tmp_path / "empty")}
    names["nobody"] = f"http://127.0.0.1:{refused_port()}"
    words = [word.format(**names) for word in use.words.split()]
    ended = call(words, capsys)

    assert (ended.returncode, ended.stdout) == (use.code, "")
    assert ended.stderr.startswith(use.sentence.format(**names))
    assert "Traceback" not in ended.stderr
    assert ended.stderr.partition("\n\n")[0].rstrip().count("\n") == 0


def endings(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a command with its parser, or each of its actions with their own."""
    actions = [it for it in parser._actions if isinstance(it, argparse._SubParsersAction)]  # noqa: SLF001  # as above
    if not actions:
        yield words, parser
    for name, nested in actions[0].choices.items() if actions else ():
        yield from endings(nested, f"{words} {name}")


def test_every_command_can_answer_in_json() -> None:
    """All but the one that runs until Ctrl-C and the one that prints a script."""
    without = set()
    for name, (module, _) in COMMANDS.items():
        parser = argparse.ArgumentParser()
        importlib.import_module(module).add_arguments(parser)
        without |= {words for words, it in endings(parser, name) if "--json" not in it.format_usage()}

    assert without == {"serve", "completion"}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_number_is_refused_in_pythons_words(name: str) -> None:
    """Each option's own sentence says what is taken; without one the name of a function would be shown."""
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[name][0]).add_arguments(parser)
    for option in typed_options(parser):
        assert callable(option.type)
        for text in ("x", "", "nan", "1e999", "9" * 5000, "-1", "\u0663"):
            with contextlib.suppress(argparse.ArgumentTypeError):
                option.type(text)


def test_full_disk_is_one_sentence() -> None:
    """Output that cannot be written is a failure, and not a success with a complaint at the end."""
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        ended = run("trigger", "--list", capture_output=False, stdout=full, stderr=subprocess.PIPE)

    assert (ended.returncode, ended.stderr) == (1, "No space left on device.\n")


def test_closed_pipe_is_silent() -> None:
    """Whoever reads with `head` has seen enough."""
    reader, writer = os.pipe()
    os.close(reader)
    with contextlib.closing(os.fdopen(writer, "wb", closefd=False)):
        ended = run("trigger", "--list", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize(
    ("words", "closed", "code"),
    [
        ("trigger --list", ">&-", 0),
        ("trigger --list", ">&- 2>&-", 0),
        ("token explain - --json", "<&-", 1),
        ("events replay - --json", "<&-", 0),
    ],
)
def test_closed_stream_is_an_empty_one(stack: Stack, words: str, closed: str, code: int) -> None:
    """As a daemon starts commands; no traceback comes of it."""
    command = f"{sys.executable} -m local {words} {closed}"
    ended = subprocess.run(  # noqa: S602  # our own words, and no other way to close them
        command,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "LOCAL_URL": stack.url},
    )

    assert (ended.returncode, ended.stderr) == (code, "")


def test_python_without_the_libraries_is_one_sentence() -> None:
    """A system's own Python is told which to use."""
    without = "import sys; sys.modules['requests'] = None; from local.__main__ import main; sys.exit(main())"
    ended = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", without, "upload", SAMPLE],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )

    assert ended.returncode == 1
    assert ended.stderr == "This Python has no requests: use .venv/bin/python, which `make demo` sets up.\n"


@pytest.mark.parametrize("option", ["--url", "--folder"])
def test_every_command_finds_a_stack_by_its_address_and_by_its_folder(
    stack: Stack, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same two options lead to the same stack."""
    named = [option, stack.url if option == "--url" else str(stack.ca_file.parent)]
    commands = (
        "webhook-secret",
        "events list --json",
        "deny list",
        "trigger FileDeleted",
        f"upload {SAMPLE}",
        "policy",
    )
    ended = [call([*command.split(), *named], capsys) for command in commands]

    assert [it.stderr for it in ended if it.returncode] == []
    assert ended[0].stdout.strip() == stack.environment["APP_WEBHOOK_SECRETS"]


def test_editable_installation_gives_the_command(tmp_path: Path) -> None:
    """After `pip install -e .` nobody types `python -m`."""
    copy = tmp_path / "clone"
    copy.mkdir()
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    shutil.copy(REPOSITORY / "LICENSE", copy)
    for name in ("local", "shared", "functions"):
        (copy / name).symlink_to(REPOSITORY / name)
    packages = tmp_path / "packages"
    build = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", build, str(tmp_path)], cwd=copy, check=True, capture_output=True
    )
    [wheel] = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, packages, "zip")
    [entry_points] = packages.glob("*.dist-info/entry_points.txt")

    assert f"{SCRIPT} = local.__main__:main" in entry_points.read_text("utf-8")
    ended = subprocess.run(  # noqa: S603  # our own words
        [
            sys.executable,
            "-c",
            f"import sys; sys.argv[0] = '{SCRIPT}'; from local.__main__ import main; main()",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.startswith(f"Usage: {SCRIPT} COMMAND")


def test_version_is_the_projects() -> None:
    """`--version` prints name and version, and nothing else."""
    assert run("--version").stdout == f"vod-upload-functions {project_field('version')}\n"
