"""`vodup completion`: what bash offers after the printed script was read."""

from __future__ import annotations

import subprocess

import pytest

from local.__main__ import COMMANDS, main


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
