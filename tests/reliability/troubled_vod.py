"""VOD's queue and our journal with injected failures: some calls are lost, and some only their answers.

Both are the real ones, recorded at the same time: what is pulled, journaled and confirmed is noted, and the
queue's own promises are checked as it happens.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.simulator.pull_queue import BATCH
from shared.domain.ingested_event import unpacked
from shared.errors import StoreUnavailableError, VodApiError
from shared.store.journal import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from random import Random

    from local.simulator.pull_queue import PullQueue
    from shared.domain.journal import EventEntry, Journaled
    from tests.shared.service import Clock

HANDLE_LIFE_SECONDS = 30
CALL_SECONDS, JOURNAL_SECONDS = 0.2, 0.01
FROZEN_SECONDS = (5.0, 45.0)
"""How long the platform may freeze an instance: often until its handles have expired."""


@dataclass
class Trouble:
    """When a call fails: a share of them, half before and half after they were done.

    `journaled` and `parked` are the subjects of events: the file, or the type if there is none.
    """

    choose: Random
    clock: Clock
    share: float
    frozen_share: float
    injected: int = 0
    frozen: int = 0
    journaled: set[str] = field(default_factory=set)
    parked: set[str] = field(default_factory=set)

    def freeze(self) -> None:
        """Freeze an instance, with the configured probability."""
        if self.choose.random() < self.frozen_share:
            self.frozen += 1
            self.clock.move(self.choose.uniform(*FROZEN_SECONDS))

    @contextmanager
    def around(self, call: str, failure: Callable[[str], Exception], *, seconds: float) -> Iterator[None]:
        """Let one call take its time, and perhaps fail before or after it was done."""
        draw = self.choose.random()
        self.injected += draw < self.share
        self.clock.move(seconds)
        if draw < self.share / 2:
            raise failure(f"{call} got lost.")
        yield
        if draw < self.share:
            raise failure(f"The answer to {call} got lost.")


class WatchedStore(Store):
    """A store whose journal fails now and then; every success is recorded."""

    trouble: Trouble

    def journal(self, entry: EventEntry, **options: Any) -> Journaled:  # noqa: ANN401  # as the base has them
        """Journal, or fail."""
        self.trouble.freeze()
        with self.trouble.around("the journal", StoreUnavailableError, seconds=JOURNAL_SECONDS):
            journaled = super().journal(entry, **options)
        raw: Any = dict(entry.fields)["raw"]
        text = unpacked(raw.decode("utf-8", "surrogateescape"))[0]
        self.trouble.journaled.add(subject_of(json.loads(text)))
        return journaled

    def count_failure(self, raw: str, **options: Any) -> int:  # noqa: ANN401  # as the base has them
        """Count a failed ingestion of an event."""
        parked = super().count_failure(raw, **options)
        self.trouble.parked |= {subject_of(json.loads(raw))} if parked else set()
        return parked


@dataclass
class WatchedQueue:
    """The queue as `Pulling` uses it; a premature or late confirmation fails the test."""

    queue: PullQueue
    trouble: Trouble
    _lent: dict[str, tuple[str, float]] = field(default_factory=dict)

    def pull_events(self, *, timeout_seconds: float) -> tuple[dict[str, object], ...]:
        """Pull, or fail; without an answer the events are lent all the same."""
        assert timeout_seconds
        with self.trouble.around("PullEvents", VodApiError, seconds=CALL_SECONDS):
            items = asyncio.run(self.queue.pull(application=1))
        self._lent |= {str(item["EventHandle"]): (subject_of(item), self.trouble.clock()) for item in items}
        return tuple(items)

    def confirm_events(self, event_handles: Sequence[str], *, timeout_seconds: float) -> None:
        """Confirm, or fail; only journaled or parked events may be confirmed, before their handles expire."""
        assert 1 <= len(event_handles) <= BATCH
        for subject, lent_at in map(self._lent.__getitem__, event_handles):
            assert subject in self.trouble.journaled | self.trouble.parked, (
                "confirmed before it was journaled"
            )
            assert self.trouble.clock() - lent_at + timeout_seconds <= HANDLE_LIFE_SECONDS, (
                "its handle is over"
            )
        with self.trouble.around("ConfirmEvents", VodApiError, seconds=CALL_SECONDS):
            assert self.queue.confirm(event_handles)


def subject_of(event: Mapping[str, object]) -> str:
    """Return what identifies an event among all others of the test."""
    upload = event.get("FileUploadEvent")
    return str(upload["FileId"]) if isinstance(upload, dict) else str(event["EventType"])
