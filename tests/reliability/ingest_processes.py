"""Several processes of many threads that ingest copies of events, all at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from shared.domain.ingested_event import Source
from shared.errors import StoreUnavailableError
from tests.reliability.event_copies import notification_in, week
from tests.shared.service import Service, new_lease

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCESSES, THREADS = 2, 32


def flood(count: int, seed: int, redis_url: str, changes: Mapping[str, str]) -> Counter[str]:
    """Ingest every copy of `week(count, seed=seed)`; count how they ended, and what was `sent again`."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        share = partial(_share, count, seed, redis_url, changes)
        return sum(pool.map(share, range(PROCESSES)), Counter[str]())


def _share(count: int, seed: int, redis_url: str, changes: Mapping[str, str], process: int) -> Counter[str]:
    """Ingest every `PROCESSES`-th copy, with all the threads of one process."""
    made, ingester = week(count, seed=seed), Service(redis_url, changes).ingester

    def ingest(thread: int) -> Counter[str]:
        statuses: Counter[str] = Counter()
        copies = made.copies[process::PROCESSES][thread::THREADS]
        for number, (event, origin, received_at) in enumerate(copies):
            notification = notification_in(event, origin, number)
            source = Source(origin, received_at, lease=new_lease())
            outcome = "sent again"
            while outcome == "sent again":
                # VOD sends or lends again what was not answered.
                try:
                    outcome = ingester.ingest(notification, source).journaled.outcome
                except StoreUnavailableError:
                    outcome = "sent again"
                statuses[outcome] += 1
        return statuses

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(ingest, range(THREADS)), Counter[str]())
