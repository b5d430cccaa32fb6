"""The declarations of the questions, and the page that lists them."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import re
from typing import TYPE_CHECKING

import pytest

from local.conformance import conformance_command
from local.conformance.account import Permissions
from local.conformance.questions import QUESTIONS
from local.conformance.uploads import CLIP
from local.repository import REPOSITORY
from local.simulator import SimulatorSettings
from local.simulator.configuration import Configuration
from local.simulator.switches import POSITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.conformance.examination import Answered
    from local.conformance.question import Question

PAGE = (REPOSITORY / "docs" / "conformance.md").read_text("utf-8")
NO_ACTION = "RedoTask"
"""Asked for to see whether VOD has it."""


def test_questions_have_names_of_their_own() -> None:
    """A name stands for one question; it is the name of its fixture too."""
    names = [question.id for question in QUESTIONS]

    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)] == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_question_settles_something_that_the_simulator_has(question: Question) -> None:
    """What the answer is about is a switch, a setting, or a part of the simulator that exists."""
    fields = {
        "switch": set(POSITIONS),
        "setting": {field.name for field in dataclasses.fields(SimulatorSettings)},
        "configuration": {field.name for field in dataclasses.fields(Configuration)},
    }
    for concern in question.concerns.split(", "):
        kind, _, name = concern.partition(" ")
        if kind in fields:
            assert name in fields[kind]
        elif kind.endswith(".py"):
            path = f"local.simulator.{kind.removesuffix('.py').replace('/', '.')}"
            module = importlib.import_module(path)
            assert not name or name in vars(module)
        else:
            module_name, _, attribute = concern.partition(".")
            part: object = importlib.import_module(f"local.simulator.{module_name}")
            for one in attribute.split("."):
                part = getattr(part, one)


def test_page_lists_the_questions() -> None:
    """Each with what it costs, what it asks and what it settles, in the order in which they are asked."""
    table = PAGE.partition("\n## The questions\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]

    assert rows == [
        (f"`{one.id}`", one.cost.words(), one.asks, f"{one.concerns}; {one.source}") for one in QUESTIONS
    ]
    assert f"the {len(QUESTIONS)} questions" in PAGE


def test_page_has_every_option() -> None:
    """What the page says of options is about those that there are."""
    parser = argparse.ArgumentParser(add_help=False)
    conformance_command.add_arguments(parser)
    options = {option for action in parser._actions for option in action.option_strings}  # noqa: SLF001  # argparse has no other list

    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) == options


def test_page_counts_what_a_run_stores() -> None:
    """Files, processed files, waits, and what is asked without an option."""
    costs = [question.cost for question in QUESTIONS if question.cost.seconds <= Permissions().wait]
    files, flows = sum(cost.uploads for cost in costs), sum(cost.processing for cost in costs)
    free = sum(cost.is_free for cost in costs)

    assert f"{files} files of {round(len(CLIP) / 1024)} KiB" in PAGE
    assert f"{flows} of them are processed" in PAGE
    assert f"add up to {sum(cost.seconds for cost in costs)} seconds" in PAGE
    assert f"| (none) | the questions that store nothing and set nothing: {free} of them |" in PAGE


def test_page_names_every_right_that_a_run_needs(reference: Mapping[str, Answered]) -> None:
    """Whoever makes a key for a run knows which actions to allow."""
    called = {
        str(exchange["request"]["action"])
        for answered in reference.values()
        for exchange in answered.exchanges
    }
    [named] = re.findall(r"^The key needs (.+)\.$", PAGE, re.MULTILINE)

    assert set(re.findall(r"`vod:(\w+)`", named)) == called - {"", NO_ACTION}
