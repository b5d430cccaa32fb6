"""VOD's queue and our journal with injected failures: some calls are lost, and some only their answers.

Both are the real ones, recorded at the same time: what is pulled, journaled and confirmed is noted, and the
queue's own promises are checked as it happens.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.simulator.pull_queue import BATCH
from shared.errors import StoreUnavailableError, VodApiError
from shared.store.journal import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from random import Random

    from local.simulator.pull_queue import PullQueue
    from shared.domain.journal import EventEntry, Journaled
    from shared.store.connection import StoreScope
    from tests.shared.service import Clock

HANDLE_LIFE_SECONDS = 30
CALL_SECONDS, JOURNAL_SECONDS = 0.2, 0.01
FROZEN_SECONDS = (5.0, 45.0)
"""How long the platform may freeze an instance: often until its handles have expired."""


@dataclass
class Trouble:
    """When a call fails: a share of them, half before and half after they were done."""

    choose: Random
    clock: Clock
    share: float
    frozen_share: float
    injected: int = 0
    frozen: int = 0

    def freeze(self) -> None:
        """Freeze an instance, with the configured probability."""
        if self.choose.random() < self.frozen_share:
            self.frozen += 1
            self.clock.move(self.choose.uniform(*FROZEN_SECONDS))

    @contextmanager
    def around(self, call: str, failure: Callable[[str], Exception], *, seconds: float) -> Iterator[None]:
        """Let one call take its time, and perhaps fail before or after it was done."""
        draw = self.choose.random()
        self.clock.move(seconds)
        if draw < self.share / 2:
            self.injected += 1
            raise failure(f"{call} got lost.")
        yield
        if draw < self.share:
            self.injected += 1
            raise failure(f"The answer to {call} got lost.")


@dataclass
class Notes:
    """What was recorded, each event by its subject: the file, or the type if there is none."""

    journaled: set[str] = field(default_factory=set)
    parked: set[str] = field(default_factory=set)
    confirmed: list[str] = field(default_factory=list)
    most_pulled: int = 0
    pulled_again: int = 0


class WatchedStore(Store):
    """A store whose journal fails now and then; every success is recorded."""

    def __init__(self, redis_url: str, scope: StoreScope, *, trouble: Trouble, notes: Notes) -> None:
        super().__init__(redis_url, scope)
        self._trouble, self._notes = trouble, notes

    def journal(
        self, entry: EventEntry, *, endpoint: str, now: int, next_attempt_at: int | None
    ) -> Journaled:
        """Journal, or fail."""
        self._trouble.freeze()
        with self._trouble.around("the journal", StoreUnavailableError, seconds=JOURNAL_SECONDS):
            journaled = super().journal(entry, endpoint=endpoint, now=now, next_attempt_at=next_attempt_at)
        self._notes.journaled.add(subject_of(json.loads(dict(entry.fields)["raw"])))
        return journaled

    def count_failure(self, raw: str, *, problem: str, now: int) -> bool:
        """Count a failed ingestion of an event."""
        parked = super().count_failure(raw, problem=problem, now=now)
        if parked:
            self._notes.parked.add(subject_of(json.loads(raw)))
        return parked


@dataclass
class WatchedQueue:
    """The queue as `Pulling` uses it; a premature or late confirmation fails the test."""

    queue: PullQueue
    application: int
    trouble: Trouble
    notes: Notes
    clock: Clock
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _lent: dict[str, tuple[str, float]] = field(default_factory=dict)

    def pull_events(self, *, timeout_seconds: float) -> tuple[dict[str, object], ...]:
        """Pull, or fail; without an answer the events are lent all the same."""
        assert timeout_seconds
        with self.trouble.around("PullEvents", VodApiError, seconds=CALL_SECONDS):
            items = self._loop.run_until_complete(self.queue.pull(application=self.application))
        self.notes.most_pulled = max(self.notes.most_pulled, len(items))
        for item in items:
            self.notes.pulled_again += subject_of(item) in self.notes.journaled
            self._lent[str(item["EventHandle"])] = subject_of(item), self.clock()
        return tuple(items)

    def confirm_events(self, event_handles: Sequence[str], *, timeout_seconds: float) -> None:
        """Confirm, or fail; only journaled or parked events may be confirmed, before their handles expire."""
        assert timeout_seconds
        assert 1 <= len(event_handles) <= BATCH
        for handle in event_handles:
            subject, lent_at = self._lent[handle]
            assert subject in self.notes.journaled | self.notes.parked, "confirmed before it was journaled"
            assert self.clock() - lent_at + timeout_seconds <= HANDLE_LIFE_SECONDS, "its handle is over"
        with self.trouble.around("ConfirmEvents", VodApiError, seconds=CALL_SECONDS):
            assert self.queue.confirm(event_handles)
        self.notes.confirmed += [self._lent[handle][0] for handle in event_handles]

    def close(self) -> None:
        """Close the event loop."""
        self._loop.close()


def subject_of(event: Mapping[str, object]) -> str:
    """Return what identifies an event among all others of the test."""
    upload = event.get("FileUploadEvent")
    return str(upload["FileId"]) if isinstance(upload, dict) else str(event["EventType"])
