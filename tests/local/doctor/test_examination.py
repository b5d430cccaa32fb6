"""Checks are independent: whatever one of them does, the others run and are reported."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from local.doctor.examination import examine
from local.doctor.findings import Check, CheckSkippedError, Group, Level, ok
from shared.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.doctor.findings import Finding


def test_check_that_fails_hides_neither_what_it_found_nor_the_others() -> None:
    """Each failure is one finding, and a bug is called one without its message."""

    def found_then_failed() -> Iterator[Finding]:
        yield ok("first", "seen")
        raise RuntimeError("redis://:password@somewhere")

    def unavailable() -> Iterator[Finding]:
        raise StoreUnavailableError("The store did not answer.")

    def impossible() -> Iterator[Finding]:
        raise CheckSkippedError("for a reason")

    checks = (Check("a", found_then_failed), Check("b", unavailable), Check("c", impossible), _sound("d"))
    report = examine((Group("broken", checks), Group("sound", (_sound("e"),))))

    assert [(finding.check, finding.level.value) for finding in report.findings["broken"]] == [
        ("first", "ok"),
        ("a", "fault"),
        ("b", "fault"),
        ("c", "skipped"),
        ("d", "ok"),
    ]
    assert "RuntimeError" in report.text()
    assert "password" not in report.text()
    assert report.findings["sound"] == [ok("e", "fine")]


def test_check_that_never_ends_is_a_fault_at_the_deadline() -> None:
    """What hangs is left behind; what it found before is told."""
    release = threading.Event()

    def hang() -> Iterator[Finding]:
        yield ok("first", "seen")
        release.wait(30)

    try:
        report = examine(
            (Group("slow", (Check("hang", hang), _sound("after"))), Group("fast", (_sound("b"),))),
            deadline_seconds=0.2,
        )
    finally:
        release.set()

    assert [finding.check for finding in report.findings["slow"]][:2] == ["first", "time"]
    assert (report.healthy, report.count(Level.FAULT)) == (False, 1)
    assert [finding.check for finding in report.findings["fast"]] == ["b"]


def test_words_of_others_cannot_move_the_cursor() -> None:
    """Control characters in a service's answer are escaped."""
    group = Group("odd", (Check("odd", lambda: [ok("odd", "\x1b[2J\u202e\n")]),))
    text = examine((group,)).text()

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J" in text


def _sound(name: str) -> Check:
    return Check(name, lambda: [ok(name, "fine")])
