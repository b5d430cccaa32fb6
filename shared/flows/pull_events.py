"""The reliable callback: pull events, journal them, and confirm exactly those journaled.

VOD returns an event again 30 s after the pull unless it was confirmed, so a failure here loses nothing, and
overlapping runs only see duplicates.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared.domain.app_event import PULL
from shared.domain.ingested_event import Source
from shared.errors import StoreUnavailableError
from shared.vod.lenient_json import as_text
from shared.vod.notification import notification_from_pull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from shared.domain.event_status import IngestOutcome
    from shared.flows.ingest_event import Ingester, PreparedEvent

    Item: TypeAlias = dict[str, object]

PULL_SECONDS = 10.0
"""The client's time-out: the API holds a pull for up to 5 s (doc 266/34183)."""
CONFIRM_SECONDS = 5.0
HANDLE_SECONDS = 30.0 - CONFIRM_SECONDS
"""A handle lives for 30 s (doc 266/34184); what is left of it must be enough for the confirmation."""


_PARKED = ("failed", "parked", "parkedInPart")


class EventQueue(Protocol):
    """The calls of the VOD API that pulling needs."""

    def pull_events(self, *, timeout_seconds: float) -> tuple[dict[str, object], ...]:
        """Pull up to 16 events from the queue."""

    def confirm_events(self, event_handles: Sequence[str], *, timeout_seconds: float) -> None:
        """Remove events from the queue for good."""


class Pulling(NamedTuple):
    """One run of the reliable callback; `deadline` is the Unix second at which it must end."""

    ingester: Ingester
    queue: EventQueue
    clock: Callable[[], float]
    new_lease: Callable[[], str]
    deadline: float

    def run(self) -> dict[str, int]:
        """Pull until the queue is empty or the time is up; return counts of events.

        `emptied` is 1 if the queue was empty at the end, so there is no backlog.

        Raises:
            StoreUnavailableError: after confirming what was journaled before.
            VodApiError: the API refused, or did not answer in time.

        """
        figures = {"pulled": 0, "confirmed": 0, "parked": 0, "failed": 0, "emptied": 0}
        while self.deadline - self.clock() > PULL_SECONDS + CONFIRM_SECONDS:
            pulled_at = self.clock()
            items = self.queue.pull_events(timeout_seconds=PULL_SECONDS)
            figures["pulled"] += len(items)
            if not items:
                figures["emptied"] = 1
                break
            self._ingest_all(items, pulled_at, figures)
        return figures

    def _ingest_all(self, items: Sequence[Item], pulled_at: float, figures: dict[str, int]) -> None:
        handles: list[str] = []
        unavailable: StoreUnavailableError | None = None
        try:
            for item, result in self._journaled(items):
                if isinstance(result, StoreUnavailableError):
                    unavailable = result
                    continue
                figure = self._parked(item, result) if isinstance(result, Exception) else "journaled"
                figures[figure] = figures.get(figure, 0) + 1
                handle = as_text(item.get("EventHandle"))
                if figure != "failed" and handle:
                    handles.append(handle)
        finally:
            if handles and self.clock() - pulled_at < HANDLE_SECONDS:
                self.queue.confirm_events(handles, timeout_seconds=CONFIRM_SECONDS)
                figures["confirmed"] += len(handles)
        if unavailable is not None:
            raise unavailable

    def _journaled(self, items: Sequence[Item]) -> Iterator[tuple[Item, IngestOutcome | Exception]]:
        """Journal a batch together; yield what each event met, first those that failed by themselves."""
        prepared: list[tuple[Item, PreparedEvent]] = []
        for item in items:
            event = self._prepared(item)
            if isinstance(event, Exception):
                yield item, event
            else:
                prepared.append((item, event))
        results = self.ingester.ingest_all([event for _, event in prepared])
        yield from zip([item for item, _ in prepared], results, strict=True)

    def _prepared(self, item: Item) -> PreparedEvent | Exception:
        try:
            source = Source(PULL, int(self.clock()), lease=self.new_lease())
            return self.ingester.prepare(notification_from_pull(item), source)
        except Exception as error:  # noqa: BLE001 -- whatever one event meets must not hold up the others
            return error

    def _parked(self, item: Item, error: Exception) -> str:
        """Count the failure of an event, which parks it in the end; return the figure it counts for."""
        raw = json.dumps({**item, "EventHandle": ""}, sort_keys=True, default=str)
        budget = self.ingester.settings.parked_bytes
        store, problem = self.ingester.store, type(error).__name__
        return _PARKED[store.count_failure(raw, problem=problem, now=int(self.clock()), budget=budget)]
