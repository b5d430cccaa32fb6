"""docs/limits.md: every capability is shown by a test, or has its reason."""

from __future__ import annotations

import re

import pytest

from local.repository import REPOSITORY
from tests.test_security_items import sentence_of

PAGE = (REPOSITORY / "docs" / "limits.md").read_text("utf-8")
CAPABILITIES = [f"F{number:02}" for number in range(1, 80)]
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| F\d", line)]
DONE = {row[0]: row[2].strip("`") for row in ROWS if row[2].startswith("`")}


def test_every_capability_is_counted_once() -> None:
    """There are 79; none is forgotten, and none is told twice."""
    assert sorted(row[0] for row in ROWS) == CAPABILITIES
    assert [len(row) for row in ROWS] == [3] * len(CAPABILITIES)


@pytest.mark.parametrize("number", DONE)
def test_what_is_done_names_a_test_that_exists(number: str) -> None:
    """A test that is renamed is renamed there."""
    assert sentence_of(DONE[number])


def test_what_is_not_done_has_its_reason() -> None:
    """The first words say whether there is a part of it, and a sentence or more why there is no more."""
    reasons = {row[0]: row[2] for row in ROWS if row[0] not in DONE}

    assert {
        number for number, reason in reasons.items() if not re.match(r"(In part|Not done): .{40}", reason)
    } == set()
