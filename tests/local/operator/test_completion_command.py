"""`vodup completion`: what bash and fish offer after the printed script was read."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from local.__main__ import COMMANDS, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the script for bash."""
    assert main(["completion", "bash"]) == 0
    return capsys.readouterr().out


def offered(script: str, *words: str) -> list[str]:
    """Return what bash offers for the last word, which is being typed."""
    typed = " ".join(f"'{word}'" for word in words)
    asked = f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _vodup; echo ${{COMPREPLY[@]}}"
    bash = ["/bin/bash", "--norc", "-c", f"{script}\n{asked}"]
    return subprocess.run(bash, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603  # our own


def test_first_word_is_a_command(script: str) -> None:
    """All of them, or those that begin as typed."""
    assert offered(script, "vodup", "") == [*COMMANDS]
    assert offered(script, "vodup", "tr") == ["trigger"]


def test_further_words_are_options_and_actions(script: str) -> None:
    """Those of an action too; where nothing is offered, the shell completes file names."""
    assert offered(script, "vodup", "trigger", "--ev") == ["--every"]
    assert offered(script, "vodup", "token", "e") == ["explain"]
    assert {"list", "show", "retry"} < set(offered(script, "vodup", "events", ""))
    assert offered(script, "vodup", "events", "list", "--sta") == ["--stage", "--state"]
    assert offered(script, "vodup", "upload", "film") == []


def test_zsh_runs_the_same_script(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    """After it has loaded what bash's scripts need."""
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out == f"autoload -Uz bashcompinit && bashcompinit\n{script}"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("typed", "words"),
    [("tr", ["trigger"]), ("trigger --ev", ["--every"]), ("token e", ["explain"]), ("events s", ["show"])],
)
def test_fish_offers_the_same_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, typed: str, words: list[str]
) -> None:
    """Commands, then options and actions, from the same table, beside the files of the folder."""
    assert main(["completion", "fish"]) == 0
    fish = ["fish", "--no-config", "-c", f"{capsys.readouterr().out}\ncomplete -C 'vodup {typed}'"]
    printed = subprocess.run(fish, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603  # our own

    assert printed.stdout.split() == words


def test_fish_has_a_line_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    """One for the commands themselves, then one for the words of each."""
    assert main(["completion", "fish"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()

    assert head.endswith(f"-a '{' '.join(COMMANDS)}'")
    assert [line.split("'")[1] for line in lines] == [
        f"__fish_seen_subcommand_from {name}" for name in COMMANDS
    ]
