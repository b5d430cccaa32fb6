"""The app is down for a day, or for four: nothing is lost, and deliveries resume at a limited rate (R8)."""

from __future__ import annotations

import json
import os
import random
import time
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from local.__main__ import main
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


class FailingApp(HttpPeer):
    """The app's endpoint: while it is down it closes connections, or a balancer answers in its place.

    `attempts` are the moved times of all requests by webhook-id, `taken` those of the accepted ones.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(self._take)
        self.clock, self.down = clock, True
        self.attempts: defaultdict[str, list[float]] = defaultdict(list)
        self.taken: list[tuple[str, float]] = []

    def _take(self, request: Received) -> Reply:
        webhook_id = request.headers["webhook-id"]
        self.attempts[webhook_id].append(self.clock())
        if not self.down:
            self.taken.append((webhook_id, self.clock()))
            return Reply(204)
        if len(self.received) % 3 == 0:
            raise ConnectionAbortedError("the process behind the port is gone")
        return Reply(502 + len(self.received) % 2)


@pytest.fixture
def app() -> Iterator[FailingApp]:
    """Run an app that is down, with a clock that starts at the real time, which the commands use."""
    with FailingApp(Clock(int(time.time()))) as app:
        yield app


@pytest.fixture
def service(valkey_url: str, app: FailingApp) -> Service:
    """Return a deployment whose timer waits by the moved clock, with repeatable jitter."""
    draw = random.Random(SEED).random  # noqa: S311  # to be repeatable is the point
    return Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, app.clock, app.clock.move, draw)


def test_day_without_the_app_costs_no_event(service: Service, app: FailingApp) -> None:
    """Events that come while the app is down are tried by the schedule, and taken once when it is back."""
    began = app.clock()
    pass_time(service, app.clock, until=began + HOUR / 2)
    burst = [receive(service, number, PULL) for number in range(BURST)]
    steady: list[str] = []
    for number in range(STEADY):
        pass_time(service, app.clock, until=began + HOUR + number * DAY * 0.95 / STEADY)
        steady.append(receive(service, BURST + number, (PUSH, PULL)[number % 2]))
    pass_time(service, app.clock, until=began + DAY)
    assert not app.taken
    app.down, returned = False, app.clock()
    pass_time(service, app.clock, until=began + 4 * DAY)

    assert_taken_once_each(service, app, burst + steady)
    for webhook_id in steady:
        assert_on_schedule(app.attempts[webhook_id], slack=2)
    for webhook_id in burst:
        assert_on_schedule(app.attempts[webhook_id], slack=BURST_TURNS_SECONDS)
    # The first attempt after the return comes with the next one due: never later than the table's step.
    longest = max(DELAYS_SECONDS[:8]) * (1 + JITTER_SHARE)
    assert all(returned <= at < returned + longest for _, at in app.taken)


def test_four_days_without_the_app_end_in_a_command(
    service: Service, app: FailingApp, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the last attempt events are dead; one command makes them due, and they keep their ids."""

    def retry_dead() -> int:
        with patch.dict(os.environ, {"REDIS_URL": service.redis_url, "STAGE": STAGE}):
            assert main(["events", "retry", "--state", "dead", "--json", "--yes"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["dryRun"], report["refused"]) == (False, [])
        return len(report["events"])

    webhook_ids = [receive(service, number, PULL) for number in range(BURST)]
    pass_time(service, app.clock, until=app.clock() + 4 * DAY)

    assert {record["delivery"] for record in journal_records(service.redis_url)} == {"dead"}
    assert len(members(service.redis_url, "dead")) == BURST
    for webhook_id in webhook_ids:
        assert len(app.attempts[webhook_id]) == len(DELAYS_SECONDS)
        assert_on_schedule(app.attempts[webhook_id], slack=BURST_TURNS_SECONDS)

    app.down = False
    assert retry_dead() == BURST
    pass_time(service, app.clock, until=app.clock() + HOUR)

    assert_taken_once_each(service, app, webhook_ids)
    assert members(service.redis_url, "dead") == {}
    assert retry_dead() == 0


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


def assert_taken_once_each(service: Service, app: FailingApp, webhook_ids: list[str]) -> None:
    """Assert that each event was delivered once and none is due, and that no second had more than ten."""
    assert sorted(webhook_id for webhook_id, _ in app.taken) == sorted(webhook_ids)
    assert {record["delivery"] for record in journal_records(service.redis_url)} == {"delivered"}
    assert members(service.redis_url, "due") == {}
    instants = [at for _, at in app.taken]
    assert all(after - before > 0.999 for before, after in zip(instants, instants[PER_SECOND:], strict=False))
