"""Several loops on one queue, each a process that is killed at any of its calls: none lost, none doubled."""

from __future__ import annotations

import itertools
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from local.simulator.faults import Fault
from tests.reliability.crash_points import CrashPoint
from tests.reliability.lives import BETWEEN_LIVES_SECONDS
from tests.reliability.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.crash_points import Side
    from tests.reliability.service import Service
    from tests.reliability.worker import Life

pytestmark = pytest.mark.reliability

EVENTS, LOOPS, ROUNDS = 400, 3, 4
CALL_SECONDS = 0.05
CALLS = ("VodApi.pull_events", "Store.journal_all", "VodApi.confirm_events")
SIDES: tuple[Side, ...] = ("before", "after")
DEATHS = tuple(
    CrashPoint(call, side, passing, signal.SIGKILL)
    for passing, call, side in itertools.product((1, 2), CALLS, SIDES)
)


@pytest.fixture
def loops(service: Service) -> Iterator[list[Worker]]:
    """Prepare the processes of the loops; each call of VOD's takes its time."""
    slow = [
        Fault(f"{call}Events", "slow", probability=1.0, seconds=CALL_SECONDS) for call in ("Pull", "Confirm")
    ]
    service.account.simulator.faults.set(slow)
    log_file = service.clock.file.with_name("loops.log")
    with ExitStack() as parts:
        others = [
            parts.enter_context(Worker(service.environment, clock_file=service.clock.file, log_file=log_file))
            for _ in range(LOOPS - 1)
        ]
        yield [service.worker, *others]
    service.account.simulator.faults.set([])


def pull_at_once(loops: list[Worker], deaths: Iterator[CrashPoint | None]) -> list[Life]:
    """Run every loop once, all at the same time, each until its death or its end."""

    def live(number: int, worker: Worker, death: CrashPoint | None) -> Life:
        shard: dict[str, Any] = {"Type": "Shard", "Shard": number, "Shards": LOOPS}
        return worker.live([("reliable_notification", shard)], point=death, APP_WEBHOOK_URL="off")

    with ThreadPoolExecutor(LOOPS) as pool:
        return list(pool.map(live, range(LOOPS), loops, itertools.islice(deaths, LOOPS)))


def test_loops_that_are_killed_lose_and_double_nothing(service: Service, loops: list[Worker]) -> None:
    """What a killed loop had pulled comes again after its handle's 30 s, and is journaled once."""
    uploads = service.finished_uploads(EVENTS)
    service.account.emit(*(upload.event for upload in uploads))
    deaths = itertools.cycle(DEATHS)

    killed = 0
    for _ in range(ROUNDS):
        killed += sum(life.was_killed for life in pull_at_once(loops, deaths))
        service.clock.advance(BETWEEN_LIVES_SECONDS)
    lives = pull_at_once(loops, itertools.repeat(None))

    assert killed == LOOPS * ROUNDS
    journaled = [life.results[0]["pulled"]["journaled"] for life in lives]
    assert min(journaled) > 0
    assert service.library.queue_length() == 0
    records = service.records("event")
    assert len(records) == len({record["name"] for record in records}) == EVENTS
    assert {record["upload_id"] for record in records} == {upload.upload_id for upload in uploads}
