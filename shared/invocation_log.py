"""What is known of an invocation when it ends: what it was about, and how long it waited for others.

SCF gives an instance one request at a time (doc 583/11637); on a developer's machine several run
beside each other in threads, so each has a record of its own. Writing it down is left to
`shared.runtime.invocation`.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Literal

Callee = Literal["store", "vodApi", "webhook"]
"""Whom an invocation waits for."""


class InvocationRecord:
    """One invocation: `event` says in dotted words what came of it, `about` which things it was about."""

    def __init__(self) -> None:
        self.event = ""
        self.about: dict[str, object] = {}
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}

    def add_call(self, callee: Callee, seconds: float) -> None:
        """Count one call, however it ended."""
        self._seconds[callee] = self._seconds.get(callee, 0.0) + seconds
        self._calls[callee] = self._calls.get(callee, 0) + 1

    def figures(self) -> dict[str, object]:
        """Tell how long it took, in milliseconds, of this how long each callee took, and how many calls."""
        seconds = {"total": time.perf_counter() - self._started, **self._seconds}
        durations = {name: round(duration * 1000, 1) for name, duration in seconds.items()}
        return {"durations": durations, "calls": dict(self._calls)}


_current: ContextVar[InvocationRecord | None] = ContextVar("invocation", default=None)


class recorded:  # noqa: N801 -- used as a function is
    """Keep a record of what is done inside the block."""

    def __enter__(self) -> InvocationRecord:
        """Begin."""
        record = InvocationRecord()
        self._before = _current.set(record)
        return record

    def __exit__(self, *_error: object) -> None:
        """Let the record before it, if there is one, be the current one again."""
        _current.reset(self._before)


def note(event: str = "", **about: object) -> None:
    """Add to the record of this invocation what it is about, and in dotted words what came of it.

    Ids, states and figures alone: what is noted is logged.
    """
    if (record := _current.get()) is not None:
        record.event = event or record.event
        record.about |= about


class timed:  # noqa: N801 -- used as a function is
    """Count the block as one call of somebody else; nothing is counted outside an invocation."""

    def __init__(self, callee: Callee) -> None:
        self._callee = callee

    def __enter__(self) -> None:
        """Look at the clock."""
        self._started = time.perf_counter()

    def __exit__(self, *_error: object) -> None:
        """Look again, and count."""
        if (record := _current.get()) is not None:
            record.add_call(self._callee, time.perf_counter() - self._started)
