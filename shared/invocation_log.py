"""What is recorded of an invocation for the log: its subject, and the time spent in calls to others.

SCF gives an instance one request at a time (doc 583/11637); the local stack runs several in threads, so each
has a record of its own. `shared.runtime.invocation` writes it.
"""

from __future__ import annotations

import _thread
import time
from contextvars import ContextVar
from typing import Literal

Callee = Literal["store", "vodApi", "webhook"]
"""The service that an invocation calls."""


class InvocationRecord:
    """One invocation: `event` is its result in dotted words, `about` are fields for the log.

    `passed_on` are the headers by which a request to the app belongs to this invocation.
    """

    def __init__(self) -> None:
        self.event = ""
        self.about: dict[str, object] = {}
        self.passed_on: dict[str, str] = {}
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}
        self._adding = _thread.allocate_lock()

    def add_call(self, callee: Callee, seconds: float) -> None:
        """Count one call of any thread, whatever its result."""
        with self._adding:
            self._seconds[callee] = self._seconds.get(callee, 0.0) + seconds
            self._calls[callee] = self._calls.get(callee, 0) + 1

    def figures(self) -> dict[str, object]:
        """Return the durations in milliseconds, such as `durations_store`, and the numbers of calls."""
        seconds = {"total": time.perf_counter() - self._started, **self._seconds}
        durations = {f"durations_{name}": round(it * 1000, 1) for name, it in seconds.items()}
        return {**durations, **{f"calls_{name}": number for name, number in self._calls.items()}}


_current: ContextVar[InvocationRecord | None] = ContextVar("invocation", default=None)


class recorded:  # noqa: N801 -- used as a function is
    """Record the invocation made inside the block."""

    def __enter__(self) -> InvocationRecord:
        """Start a record and make it the current one."""
        record = InvocationRecord()
        self._before = _current.set(record)
        return record

    def __exit__(self, *_error: object) -> None:
        """Restore the record that was current before."""
        _current.reset(self._before)


def note(event: str = "", **about: object) -> None:
    """Add fields, and the result in dotted words, to the record of this invocation.

    Everything noted is logged: ids, states and figures only.
    """
    if (record := _current.get()) is not None:
        record.event = event or record.event
        record.about |= about


def passed_on() -> dict[str, str]:
    """Return the headers that a request to the app gets from this invocation; none outside of one."""
    record = _current.get()
    return record.passed_on if record else {}


class timed:  # noqa: N801 -- used as a function is
    """Count the block as one call of another service; outside an invocation nothing is counted."""

    def __init__(self, callee: Callee) -> None:
        self._callee = callee

    def __enter__(self) -> None:
        """Start the timer."""
        self._started = time.perf_counter()

    def __exit__(self, *_error: object) -> None:
        """Stop the timer and count the call."""
        if (record := _current.get()) is not None:
            record.add_call(self._callee, time.perf_counter() - self._started)
