"""Kill a worker at one place again and again, while VOD and the timers do their part."""

from __future__ import annotations

import itertools
import signal
from typing import TYPE_CHECKING, Any

from tests.reliability.crash_points import CrashPoint
from tests.reliability.service import SENDS_PER_EVENT, push_of, timer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.reliability.crash_points import Side
    from tests.reliability.service import Service

BETWEEN_LIVES_SECONDS = 60
"""Longer than every lease, and than the 30 s of a pulled event's handle."""
MOST_LIVES = 100
ONCE_FOR_MANY, OFTEN = (1, 1, 1, 1, 2, 2), (1, 1, *itertools.repeat(50, MOST_LIVES))
EVERY_20TH = (1, 1, *itertools.repeat(20, MOST_LIVES))
"""At which passing of a call a life ends: of one that events share, that is made often, and of any other."""


class Lives:
    """The lives of one worker, which end alternately right before and right after one call."""

    def __init__(
        self, service: Service, call: str, *, passings: Sequence[int] = EVERY_20TH, **settings: str
    ) -> None:
        """End the lives at these passings of the call, one after the other."""
        self._service, self._settings = service, settings
        sides: Iterator[Side] = itertools.cycle(("before", "after"))
        at = zip(sides, passings, strict=False)
        self._points = (CrashPoint(call, side, passing, signal.SIGKILL) for side, passing in at)
        self.begun = self.killed = 0

    def push(self, events: Sequence[Mapping[str, object]]) -> None:
        """Push events one after the other; one without an answer is pushed again, as VOD does."""
        waiting, sends = list(events), 0
        while waiting:
            sends += 1
            answers = self._live([push_of(event) for event in waiting])
            assert [answer["statusCode"] for answer in answers] == [200] * len(answers)
            assert sends <= SENDS_PER_EVENT
            sends = 1 if answers else sends
            del waiting[: len(answers)]

    def pull(self) -> None:
        """Fire the pulling timer until VOD's queue is empty and no event is due."""
        library, service = self._service.library, self._service
        self._fire("reliable_notification", lambda: not library.queue_length() + service.waiting("due"))

    def deliver(self, *endpoints: str) -> None:
        """Fire the delivery timer until no event is due, and no copy for these endpoints."""
        indexes = ("due", *(f"due:{name}" for name in endpoints))
        self._fire("event_delivery", lambda: not any(map(self._service.waiting, indexes)))

    def reconcile(self, *, after: float, until: Callable[[], bool]) -> None:
        """Fire the delivery timer, which reconciles too, after some seconds and until a condition is met."""
        self._service.clock.advance(after)
        self._fire("event_delivery", until)

    def _fire(self, timer: str, until: Callable[[], bool]) -> None:
        while not until():
            assert self.begun < MOST_LIVES
            assert not any("error" in figures for figures in self._live([timer_of(timer)]))

    def _live(self, invocations: Sequence[tuple[str, object]]) -> tuple[Any, ...]:
        self.begun += 1
        life = self._service.worker.live(invocations, point=next(self._points, None), **self._settings)
        self.killed += life.was_killed
        self._service.clock.advance(BETWEEN_LIVES_SECONDS)
        return life.results
