"""Several processes of many threads that ingest copies of events, all at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from shared.domain.ingested_event import Source
from shared.errors import StoreUnavailableError
from tests.reliability.event_copies import notification_in, week
from tests.shared.service import Service, new_lease

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.flows.ingest_event import Ingester
    from shared.vod.notification_types import EventNotification
    from tests.reliability.event_copies import Copy, Week


@dataclass(frozen=True)
class Flood:
    """The events of `week(count, seed=seed)`, and the number of processes and threads that ingest them."""

    count: int
    seed: int
    processes: int
    threads: int

    def run(self, redis_url: str, changes: Mapping[str, str]) -> Counter[str]:
        """Ingest everything; return how many copies ended in which status, and `sent again`."""
        context = get_context("spawn")
        with ProcessPoolExecutor(self.processes, mp_context=context) as pool:
            shares = [pool.submit(_share, self, share, redis_url, changes) for share in range(self.processes)]
            return sum((share.result() for share in shares), Counter[str]())


def _share(flood: Flood, share: int, redis_url: str, changes: Mapping[str, str]) -> Counter[str]:
    """Ingest every `processes`-th copy, with all the threads of one process."""
    made, ingester = week(flood.count, seed=flood.seed), Service(redis_url, changes).ingester
    copies = made.copies[share :: flood.processes]
    with ThreadPoolExecutor(flood.threads) as pool:
        parts = [
            pool.submit(_ingest, ingester, made, copies[thread :: flood.threads])
            for thread in range(flood.threads)
        ]
        return sum((part.result() for part in parts), Counter[str]())


def _ingest(ingester: Ingester, made: Week, copies: Sequence[Copy]) -> Counter[str]:
    statuses: Counter[str] = Counter()
    events = made.events
    for number, copy in enumerate(copies):
        notification = notification_in(events[copy.event], copy.origin, number)
        source = Source(copy.origin, copy.received_at, lease=new_lease())
        statuses[_journal(ingester, notification, source, statuses)] += 1
    return statuses


def _journal(
    ingester: Ingester, notification: EventNotification, source: Source, statuses: Counter[str]
) -> str:
    """Ingest one copy, repeatedly until it is answered, as VOD sends or lends it again."""
    try:
        return ingester.ingest(notification, source).journaled.outcome
    except StoreUnavailableError:
        statuses["sent again"] += 1
        return _journal(ingester, notification, source, statuses)
