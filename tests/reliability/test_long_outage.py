"""The app is down for a day, or for four: nothing is lost, and deliveries resume at a limited rate (R8)."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY
from shared.domain.app_event import PULL, PUSH
from shared.domain.event_status import EventStatus
from shared.domain.ingested_event import Source
from shared.domain.retry_schedule import DELAYS_SECONDS
from tests.reliability.kept_records import journal_records, members
from tests.shared.loopback_peer import HttpPeer, Received, Reply
from tests.shared.service import STAGE, Clock, Service, new_lease, token_of
from tests.shared.uploads import FILE_ID, new_session, notification_of, uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.reliability

HOUR, DAY = 3600, 86_400
SEED = 20_261_122
RUN_SECONDS = 58
JITTER_SHARE = 0.2
BURST, BURST_TURNS_SECONDS = 100, 10 + 2
"""Number of events in the first hour, and how long they take at ten a second."""
STEADY = 120
"""Number of events that come one by one, until shortly before the app is back."""
PER_SECOND = 10


@dataclass
class Outage:
    """The app's endpoint: while it is down it closes connections, or a balancer answers in its place.

    `attempts` are all requests, `taken` the accepted ones: webhook-id and moved time.
    """

    clock: Clock
    down: bool = True
    attempts: list[tuple[str, float]] = field(default_factory=list)
    taken: list[tuple[str, float]] = field(default_factory=list)

    def answer(self, request: Received) -> Reply:
        """Accept one webhook, or fail."""
        seen = request.headers["webhook-id"], self.clock()
        self.attempts.append(seen)
        if not self.down:
            self.taken.append(seen)
            return Reply(204)
        if len(self.attempts) % 3 == 0:
            raise ConnectionAbortedError("the process behind the port is gone")
        return Reply(502 + len(self.attempts) % 2)

    def attempts_of(self, webhook_id: str) -> list[float]:
        """Return when an event was tried."""
        return [at for seen, at in self.attempts if seen == webhook_id]


@pytest.fixture
def outage() -> Outage:
    """Return an app that is down, with a clock that starts at the real time, which the commands use."""
    return Outage(Clock(int(time.time())))


@pytest.fixture
def service(valkey_url: str, outage: Outage) -> Iterator[Service]:
    """Return a deployment whose timer waits by the moved clock, with repeatable jitter."""
    draw = random.Random(SEED).random  # noqa: S311  # to be repeatable is the point
    with HttpPeer(outage.answer) as app:
        yield Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, outage.clock, outage.clock.move, draw)


def test_day_without_the_app_costs_no_event(service: Service, outage: Outage) -> None:
    """Events that come while the app is down are tried by the schedule, and taken once when it is back."""
    began, clock = outage.clock(), outage.clock
    pass_time(service, clock, until=began + HOUR / 2)
    burst = {receive(service, number, PULL) for number in range(BURST)}
    steady: set[str] = set()
    for number in range(STEADY):
        pass_time(service, clock, until=began + HOUR + number * DAY * 0.95 / STEADY)
        steady.add(receive(service, BURST + number, (PUSH, PULL)[number % 2]))
    pass_time(service, clock, until=began + DAY)
    assert not outage.taken
    outage.down = False
    returned = clock()
    pass_time(service, clock, until=began + 4 * DAY)

    assert sorted(webhook_id for webhook_id, _ in outage.taken) == sorted(burst | steady)
    assert len(outage.taken) == BURST + STEADY
    assert {record["delivery"] for record in journal_records(service.redis_url)} == {"delivered"}
    assert members(service.redis_url, "due") == {}
    assert_within_send_slots([at for _, at in outage.taken])
    assert returned <= min(at for _, at in outage.taken)
    for webhook_id in steady:
        assert_on_schedule(outage.attempts_of(webhook_id), slack=2)
    for webhook_id in burst:
        assert_on_schedule(outage.attempts_of(webhook_id), slack=BURST_TURNS_SECONDS)
    # The first attempt after the return comes with the next one due: never later than the table's step.
    assert max(at for _, at in outage.taken) < returned + max(DELAYS_SECONDS[:8]) * (1 + JITTER_SHARE)


def test_four_days_without_the_app_end_in_a_command(service: Service, outage: Outage) -> None:
    """After the last attempt events are dead; one command makes them due, and they keep their ids."""
    began, clock = outage.clock(), outage.clock
    webhook_ids = {receive(service, number, PULL) for number in range(BURST)}
    pass_time(service, clock, until=began + 4 * DAY)

    assert {record["delivery"] for record in journal_records(service.redis_url)} == {"dead"}
    assert len(members(service.redis_url, "dead")) == BURST
    assert members(service.redis_url, "due") == {}
    for webhook_id in webhook_ids:
        attempts = outage.attempts_of(webhook_id)
        assert len(attempts) == len(DELAYS_SECONDS)
        assert_on_schedule(attempts, slack=BURST_TURNS_SECONDS)

    outage.down = False
    assert retry_dead(service, "--yes") == {"dryRun": False, "count": BURST}
    pass_time(service, clock, until=clock() + HOUR)

    assert sorted(webhook_id for webhook_id, _ in outage.taken) == sorted(webhook_ids)
    assert members(service.redis_url, "dead") == {}
    assert_within_send_slots([at for _, at in outage.taken])
    assert retry_dead(service, "--yes") == {"dryRun": False, "count": 0}


def receive(service: Service, number: int, origin: str) -> str:
    """Ingest the event of an upload, a pushed one with its first attempt; return its webhook-id."""
    session = new_session(f"user-{number}", issued_at=int(service.clock()))
    event = notification_of(uploaded(token_of(session), file_id=f"{FILE_ID}{number}"))
    deliverer = service.delivery_run(seconds=3)
    ingested = deliverer.ingester.ingest(event, Source(origin, int(service.clock()), lease=new_lease()))
    if origin == PUSH:
        assert deliverer.deliver(ingested) in (EventStatus.DUE, EventStatus.DELIVERED)
    return ingested.event.event_id


def pass_time(service: Service, clock: Clock, *, until: float) -> None:
    """Let time pass; the timer fires whenever something is due, so only jitter and send slots delay it."""
    while (due_at := min(members(service.redis_url, "due").values(), default=until)) < until:
        clock.now = max(clock.now, due_at)
        service.delivery_run(seconds=RUN_SECONDS).run()
    clock.now = max(clock.now, until)


def assert_on_schedule(attempts: list[float], *, slack: float) -> None:
    """Assert that each attempt came after its delay, and at most the jitter and `slack` later."""
    for delay, (before, after) in zip(DELAYS_SECONDS[1:], pairwise(attempts), strict=False):
        assert delay - 1 <= after - before <= delay * (1 + JITTER_SHARE) + slack, (delay, after - before)


def assert_within_send_slots(instants: list[float]) -> None:
    """Assert that no second had more than ten attempts."""
    assert all(after - before > 0.999 for before, after in zip(instants, instants[PER_SECOND:], strict=False))


def retry_dead(service: Service, *options: str) -> dict[str, object]:
    """Run the operators' command in a process of its own; return its report."""
    command = [sys.executable, "-m", "local", "events", "retry", "--state", "dead", "--json", *options]
    environment = {**os.environ, "REDIS_URL": service.redis_url, "STAGE": STAGE}
    ended = subprocess.run(  # noqa: S603  # fixed words
        command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    report = json.loads(ended.stdout)
    assert report["refused"] == []
    return {"dryRun": report["dryRun"], "count": len(report["events"])}
