"""One event around a real store: the steps that may happen to it, and every transition they make.

Each method of the store that runs a script is followed by a look at what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial, wraps
from typing import TYPE_CHECKING, Any

import redis

from local.operator.event_store import OperatorStore
from shared.domain.app_event import PULL, PUSH
from shared.domain.event_status import EventStatus, status_of
from shared.domain.ingested_event import Source
from shared.store.connection import StoreScope
from shared.store.endpoint import RANK_STEP
from shared.store.parked import FAILURES_BEFORE_PARKING
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.shared.service import STAGE, Clock, Service, new_lease, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, new_session, notification_of, uploaded
from tests.shared.vod_records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.flows.deliver_events import Deliverer
    from shared.flows.delivery_run import DeliveryRun
    from shared.flows.endpoint_runs import EndpointRuns

    Step = Callable[["WatchedEvent"], None]

SCRIPTS = ("journal", "settle", "take", "finish_attempt", "count_failure")
"""The methods of the store that run a script about an event."""
TOKEN, FOREIGN = token_of(new_session()), "of the console"
EVENTS = {
    "of an upload": uploaded(TOKEN),
    "of an upload, its seal broken": uploaded(TOKEN[:-3] + "AAA"),
    "made without us": uploaded(FOREIGN, file_id=OTHER_FILE_ID),
}
TAKES, REFUSES, IS_GONE = Reply(204), Reply(500), Reply(410)
CONFIRMS = Records({FILE_ID: TOKEN, OTHER_FILE_ID: FOREIGN})
CONTRADICTS = Records({FILE_ID: "another", OTHER_FILE_ID: "another"})
IS_AWAY = Records(failing={"media_info"})


@dataclass(frozen=True)
class Snapshot:
    """All that is kept, the statuses that follow from it, and the time."""

    now: float
    dumps: Mapping[Any, Any]
    statuses: Mapping[str, EventStatus]


NOTHING_KEPT = Snapshot(Clock().now, {}, {})


@dataclass
class WatchedEvent:
    """The event, and what was seen of its versions.

    `transitions` are from one status, None: not journaled, to another.
    """

    url: str
    app: HttpPeer
    event: dict[str, object] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    transitions: set[tuple[EventStatus | None, EventStatus]] = field(default_factory=set)
    _last: Mapping[str, EventStatus] = field(default_factory=dict)
    _services: dict[tuple[bool, str], Service] = field(default_factory=dict)

    @cached_property
    def client(self) -> redis.Redis:
        """See all keys."""
        return redis.Redis.from_url(self.url)

    def deliverer(self, vod: Records = CONFIRMS, *, has_webhook: bool, read_back: str = "on") -> Deliverer:
        """Create what one invocation works with."""
        return self.delivery_run(vod, has_webhook=has_webhook, read_back=read_back).deliverer

    def delivery_run(
        self, vod: Records = CONFIRMS, *, has_webhook: bool, read_back: str = "on"
    ) -> DeliveryRun | EndpointRuns:
        """Create what one run of a timer works with."""
        if (has_webhook, read_back) not in self._services:
            url = self.app.url if has_webhook else "off"
            changes = {"APP_WEBHOOK_URL": url, "READ_BACK": read_back}
            service = Service(self.url, changes, self.clock, self.clock.move)
            for name in SCRIPTS:
                setattr(service.store, name, self._watched(getattr(service.store, name)))
            self._services[has_webhook, read_back] = service
        return self._services[has_webhook, read_back].delivery_run(read_back=vod)

    def look(self) -> None:
        """Note the transition, if there was one."""
        seen = self.statuses()
        steps = {(self._last.get(key), status) for key, status in seen.items()}
        self.transitions |= {step for step in steps if step[0] is not step[1]}
        self._last = seen

    def statuses(self) -> dict[str, EventStatus]:
        """Derive the status of each version from what is kept."""
        records, due = self._kept()
        return {key: status_of(record, is_due=key in due) for key, record in records.items()}

    def due_at(self) -> int | None:
        """Read when a version is due next."""
        _, due = self._kept()
        return min(due.values(), default=None)

    def situation(self) -> tuple[object, ...]:
        """Return what distinguishes this situation from others with other transitions."""
        names = ("status", "verdict", "delivery", "verified")
        records, due = self._kept()
        # A first version to which another was added is a record of its own, whose steps are known.
        last = max(records, key=lambda key: records[key].get("name", ""), default="")
        record = records.get(last, {})
        return (len(records), *map(record.get, names), last in due)

    def save(self) -> Snapshot:
        """Remember the situation."""
        # Without the pace of the endpoint, which differs each time.
        keys = [key for key in self.client.scan_iter(count=1000) if b":pace:" not in key]
        with self.client.pipeline(transaction=False) as calls:
            for key in keys:
                calls.dump(key)
            dumps = calls.execute()
        return Snapshot(self.clock(), dict(zip(keys, dumps, strict=True)), self.statuses())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a situation."""
        self.clock.now = snapshot.now
        with self.client.pipeline(transaction=False) as calls:
            calls.flushall()
            for key, dump in snapshot.dumps.items():
                calls.restore(key, 0, dump)
            calls.execute()
        self._last = snapshot.statuses

    def _kept(self) -> tuple[dict[str, dict[str, str]], dict[str, int]]:
        """Read the records of events, and when each is due, in two round trips."""
        keys = list(self.client.scan_iter(count=1000))
        records = [key for key in keys if b":event:" in key or b":poison:" in key]
        indexes = [key for key in keys if key.endswith(b":due")]
        with self.client.pipeline(transaction=False) as calls:
            for key in records:
                calls.hgetall(key)
            for key in indexes:
                calls.zrange(key, 0, -1, withscores=True)
            replies: list[Any] = calls.execute()
        texts = [
            {name.decode(): text.decode() for name, text in record.items()}
            for record in replies[: len(records)]
        ]
        due = {key.decode(): int(at) % RANK_STEP for index in replies[len(records) :] for key, at in index}
        return dict(zip(map(bytes.decode, records), texts, strict=True)), due

    def _watched(self, run: Callable[..., object]) -> Callable[..., object]:
        @wraps(run)
        def run_and_look(*arguments: object, **options: object) -> object:
            reply = run(*arguments, **options)
            self.look()
            return reply

        return run_and_look


def ingest(origin: str, watched: WatchedEvent, *, has_webhook: bool, read_back: str = "on") -> None:
    """Let the event come, for the first time or as a copy."""
    ingester = watched.deliverer(has_webhook=has_webhook, read_back=read_back).ingester
    source = Source(origin, int(watched.clock()), lease=new_lease())
    ingester.ingest(notification_of(watched.event), source)


def ingest_and_deliver(vod: Records, watched: WatchedEvent, *, has_webhook: bool) -> None:
    """Push the event, and have its function make the first attempt."""
    deliverer = watched.deliverer(vod, has_webhook=has_webhook)
    source = Source(PUSH, int(watched.clock()), lease=new_lease())
    deliverer.deliver(deliverer.ingester.ingest(notification_of(watched.event), source))


def run_timer(vod: Records, reply: Reply, watched: WatchedEvent, *, has_webhook: bool = True) -> None:
    """Fire the timer when the event is next due."""
    watched.app.answer = lambda _request: reply
    watched.clock.now = max(watched.clock(), watched.due_at() or 0)
    watched.delivery_run(vod, has_webhook=has_webhook).run()


def give_up(watched: WatchedEvent) -> None:
    """Fire the timer while nobody answers, until the last attempt has been made."""
    # An endpoint that has failed for days before would be paused, and its events wait without end.
    for key in watched.client.scan_iter("*:endpoint:*"):
        watched.client.delete(key)
    while watched.due_at() is not None:
        run_timer(IS_AWAY, REFUSES, watched)


def retry(watched: WatchedEvent) -> None:
    """Have an operator try the event again."""
    operators = OperatorStore(watched.url, StoreScope(STAGE, 604_800))
    for key in watched.client.scan_iter("*:event:*"):
        (kept,) = operators.with_id("evt_" + key.decode().rpartition(":")[-1], limit=1)
        operators.revive(kept.at, now=int(watched.clock()))
    watched.look()


def park(watched: WatchedEvent) -> None:
    """Fail to read the event as often as it takes."""
    store = watched.deliverer(has_webhook=True).ingester.store
    for _ in range(FAILURES_BEFORE_PARKING):
        store.count_failure("poison", problem="ValueError", now=int(watched.clock()), budget=10**6)


STEPS: tuple[Step, ...] = (
    *(partial(ingest, origin, has_webhook=has) for origin in (PUSH, PULL) for has in (True, False)),
    *(partial(ingest, PUSH, has_webhook=has, read_back="off") for has in (True, False)),
    partial(ingest_and_deliver, CONTRADICTS, has_webhook=False),
    *(
        partial(run_timer, vod, TAKES, has_webhook=has)
        for vod in (CONFIRMS, CONTRADICTS)
        for has in (True, False)
    ),
    *(partial(run_timer, CONFIRMS, reply) for reply in (REFUSES, IS_GONE)),
    give_up,
    retry,
)
"""All that can happen to an event that can be read."""
