"""Every command that a document shows can be typed: it parses, and a test runs it or it is marked here."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from local.__main__ import COMMANDS
from local.repository import REPOSITORY
from tests.test_repository import make_targets
from tests.test_security_items import sentence_of

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = re.compile(r"^ *```(?:console|sh)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
_WHOLE_PAGES = {
    "docs/deployment.md": "deploy/test_guides.py::test_deployment_guide_does_what_it_prints",
    "docs/your-app.md": "browser/test_your_app.py::test_receiver_hears_of_an_upload_from_the_page",
    "docs/operations.md": "deploy/test_guides.py::test_operations_page_does_what_it_prints",
}
"""Pages whose console blocks a test types, one after the other."""
_RUN_BY = {
    r"make demo": "local/stack/test_serve_command.py::test_banner_shows_the_address_and_no_secret",
    r"\S*python -m local upload \S+ --context": (
        "local/upload/test_upload_command.py::test_text_output_says_what_was_stored"
    ),
    r"cp \.env\.example \.env\.prod": _WHOLE_PAGES["docs/deployment.md"],
    r"make (package|check-deploy|deploy)\b": _WHOLE_PAGES["docs/deployment.md"],
    r"python -m local capacity$": "local/operator/test_capacity.py::test_page_shows_what_the_command_prints",
    r"python -m local capacity --": "local/operator/test_capacity.py::test_options_replace_assumptions",
    r"UPLOAD_POLICIES=.* python -m local policy$": (
        "clients/test_clients_page.py::test_dry_run_warns_as_shown"
    ),
    r"python -m local serve --proxy": "clients/test_clients_page.py::test_proxy_is_tried_as_shown",
    r"curl -s --proxy": "clients/test_clients_page.py::test_proxy_is_tried_as_shown",
    r"python -m local conformance": (
        "local/conformance/test_conformance_command.py::test_same_answers_are_exit_code_0"
    ),
    r"python -m local events (list|retry) --state due": _WHOLE_PAGES["docs/operations.md"],
    r"python -m local policy --policies": (
        "local/operator/test_policy_command.py::test_cases_of_the_settings_page_are_as_it_says"
    ),
    r"curl -X PUT localhost:8000/local/faults": (
        "local/stack/test_fault_dial.py::test_switches_turn_beside_the_rules"
    ),
}
"""The beginning of a command of the other pages -> the test that runs it, or what it runs."""
_NOT_RUN = {
    r"make (test|test-fast|check)\b": "they run the tests",
    r"make (bench|soak)\b": "they take minutes on an idle machine",
    r"git (tag|push|checkout)\b": "they need a repository that others see",
    r"uv python install|mv layer/|\(cd layer": "they fetch a Python of a hundred megabytes",
}
"""The beginning of a command that no test runs -> why."""


def shown_commands() -> list[tuple[str, str]]:
    """Return (document, command) for each line of a console or shell block that is typed."""
    found = []
    for page in sorted(_PAGES):
        for block in _BLOCK.findall(page.read_text("utf-8")):
            prompts = re.findall(r"^ *\$ (.*)$", block, re.MULTILINE)
            lines = prompts or [line.strip() for line in block.splitlines() if line.strip()]
            found += [(_name(page), re.sub(r" +# .*$", "", line)) for line in lines]
    return found


def _name(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize(("page", "command"), [*dict.fromkeys(shown_commands())])
def test_shown_command_is_run_by_a_test_or_marked(page: str, command: str) -> None:
    """A command that nobody runs goes out of date unseen."""
    if page in _WHOLE_PAGES and not any(re.match(each, command) for each in _NOT_RUN):
        test = _WHOLE_PAGES[page]
        assert sentence_of(test) is not None, test
        return
    tests = [test for beginning, test in _RUN_BY.items() if re.match(beginning, command)]
    reasons = [reason for beginning, reason in _NOT_RUN.items() if re.match(beginning, command)]

    assert tests or reasons, command
    assert [test for test in tests if sentence_of(test) is None] == []


@pytest.mark.parametrize(
    ("page", "command"), [*dict.fromkeys((p, c) for p, c in shown_commands() if "-m local " in c)]
)
def test_shown_command_of_ours_parses(page: str, command: str) -> None:
    """Its options exist, and their values are ones that it takes."""
    words = shlex.split(command.partition("-m local ")[2].partition(" < ")[0].rstrip(")"))
    assert words[0] in COMMANDS, page
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[words[0]][0]).add_arguments(parser)

    parser.parse_args([word for word in words[1:] if word != "--help"])


@pytest.mark.parametrize("page", sorted(_PAGES), ids=lambda page: page.name)
def test_shown_target_exists(page: Path) -> None:
    """Every `make` word of a document is one of the Makefile's."""
    text = page.read_text("utf-8")
    shown = set(re.findall(r"(?:`|^\s*(?:\$ )?)make ([a-z][a-z-]*)", text, re.MULTILINE))

    assert shown - make_targets() == set()


def test_marks_are_needed() -> None:
    """A mark or a mapping that no command has any more is deleted."""
    commands = [command for _, command in shown_commands()]
    unused = [
        beginning
        for beginning in (*_RUN_BY, *_NOT_RUN)
        if not any(re.match(beginning, command) for command in commands)
    ]

    assert unused == []
