"""Runs of the timer that delivers: once, in time, by the schedule, and to an app that is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis

from local.operator.event_store import OperatorStore
from shared.domain.event_status import IngestOutcome
from shared.domain.ingested_event import Source
from shared.domain.retry_schedule import DELAYS_SECONDS
from shared.errors import StoreUnavailableError
from shared.flows.deliver_events import DISABLED_SECONDS
from shared.flows.delivery_run import LEASE_SECONDS, LEAST_SECONDS
from shared.store.connection import StoreScope
from shared.store.endpoint import PAUSED_SECONDS
from shared.store.journal import Store
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Received, Reply, relay_to
from tests.shared.service import STAGE, Service, client_of, token_of
from tests.shared.uploads import FILE_ID, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.ingested_event import IngestedEvent
    from tests.shared.flows.world import World

TAKES = Reply(204)


def receive(service: Service, count: int = 1) -> list[IngestedEvent]:
    """Ingest the events of so many uploads, each of a user of its own."""
    sessions = [new_session(f"user-{number}") for number in range(count)]
    return [
        service.ingest(uploaded(token_of(session), file_id=f"{FILE_ID}{number}"))
        for number, session in enumerate(sessions)
    ]


def push(world: World) -> IngestedEvent:
    """Have VOD keep a file, and ingest its pushed event."""
    token = token_of(new_session())
    world.keep(token)
    return world.ingest(uploaded(token), "push")


def ids_of(ingested_events: list[IngestedEvent]) -> list[str]:
    """Return the ids that the app should receive, sorted."""
    return sorted(ingested.event.event_id for ingested in ingested_events)


def ids_at(app: HttpPeer) -> list[str]:
    """Return the ids that the app has received, sorted."""
    return sorted(request.headers["webhook-id"] for request in app.received)


def answer_once(app: HttpPeer, answer: Callable[[], Reply]) -> None:
    """Have the app answer one request so, and take every other."""

    def first(_request: Received) -> Reply:
        app.answer = lambda _request: TAKES
        return answer()

    app.answer = first


def test_due_events_are_delivered_once(world: World) -> None:
    """A run delivers everything that is due, in any partition, and leaves nothing to do."""
    ingested_events = receive(world, 25)

    assert world.run() == {"delivered": 25}
    assert world.run() == {}
    assert ids_at(world.app) == ids_of(ingested_events)
    assert {world.record(ingested)["delivery"] for ingested in ingested_events} == {"delivered"}


def test_run_ends_in_time_and_leaves_the_rest(world: World) -> None:
    """What the time does not suffice for stays due, and the next round delivers it."""
    slow = world.with_settings(DELIVERY_RATE="10")
    ingested_events = receive(slow, 15)

    # Two at once, and then one each tenth of a second, in the half second before there is too little time.
    assert slow.run(seconds=LEAST_SECONDS + 0.55) == {"delivered": 7, "leftForNextRound": 1}
    assert world.due() == 8
    assert world.run(seconds=LEAST_SECONDS - 0.1) == {"leftForNextRound": 1}
    assert world.run() == {"delivered": 8}
    assert ids_at(world.app) == ids_of(ingested_events)


def test_event_that_somebody_else_took_meanwhile_is_passed_over(world: World) -> None:
    """An event that another run has taken since it was listed is skipped."""
    one_by_one = world.with_settings(DELIVERY_CONCURRENCY="1")
    ingested_events = receive(world, 2)
    others: list[dict[str, int]] = []

    def run_meanwhile() -> Reply:
        others.append(world.run())
        return TAKES

    answer_once(world.app, run_meanwhile)

    assert one_by_one.run() == {"delivered": 1}
    assert others == [{"delivered": 1}]
    assert ids_at(world.app) == ids_of(ingested_events)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("raw", text) for text in ("", "{", "x", "xx")),
        *(("verdict", "splendid"), ("attempts", "many"), ("upload_id", "~ULID")),
    ],
)
def test_record_that_cannot_be_read_is_buried(world: World, name: str, text: str) -> None:
    """A broken record is a dead letter with its reason, until its event comes again; others are delivered."""
    ingested_events = receive(world, 3)
    with redis.Redis.from_url(world.redis_url) as client:
        at = world.store.key_of(ingested_events[0].entry)
        if name == "raw":
            client.set(at.body, text)
        else:
            client.hset(at.key, name, text)

    assert world.run() == {"dead": 1, "delivered": 2}

    with client_of(world.redis_url) as client:
        record = client.hgetall(at.key)
    assert record["delivery"] == "dead"
    assert record["problem"].startswith("unreadable record (")
    assert ids_at(world.app) == ids_of(ingested_events[1:])
    assert world.due(after=10**6) == 0
    source = Source("pull", int(world.clock()), lease="lease")
    assert world.ingester.ingest(ingested_events[0].event.notification, source).deliverable
    assert world.run() == {"delivered": 1}


def test_record_that_was_written_half_is_asked_about(world: World) -> None:
    """An earlier release could fail between its writes: without a status the event is held."""
    [ingested] = receive(world)
    with redis.Redis.from_url(world.redis_url) as client:
        client.hdel(world.store.key_of(ingested.entry).key, "status", "sequence")

    assert world.recall_due().journaled.outcome is IngestOutcome.HELD


def test_burial_by_a_late_worker_is_void(world: World) -> None:
    """A worker whose lease has ended cannot mark an event dead."""
    [ingested] = receive(world)
    at = world.store.key_of(ingested.entry)
    with redis.Redis.from_url(world.redis_url) as client:
        client.set(at.body, "{")

    def start_late(call: Callable[[], None]) -> None:
        now = int(world.clock()) + LEASE_SECONDS
        world.store.take([at], endpoint="", now=now, lease="other", lease_ends_at=now + 9)
        call()

    assert world.delivery_run(start=start_late).run() == {"lost": 1}
    assert world.record(ingested)["delivery"] == "due"
    assert world.record(ingested)["lease"] == "other"


def test_late_worker_changes_nothing(world: World) -> None:
    """R4: a worker wakes after its lease, when another has delivered; its own failure counts for nothing."""
    [ingested] = receive(world)

    def stand_still() -> Reply:
        assert world.run(after=LEASE_SECONDS) == {"delivered": 1}
        return Reply(500)

    answer_once(world.app, stand_still)

    assert world.run(seconds=120) == {"lost": 1}
    assert (world.record(ingested)["delivery"], world.record(ingested)["attempts"]) == ("delivered", "1")
    assert world.due(after=10**6) == 0


@pytest.mark.parametrize("jitter", [0.0, 0.37])
def test_app_that_never_takes_an_event_gets_ten_attempts(world: World, jitter: float) -> None:
    """Each attempt comes at its time and not before, under one id, freshly signed; then the event is dead."""
    world.app.answer = lambda _request: Reply(500)
    patient = replace(world, jitter=lambda: jitter)
    [ingested] = receive(patient)

    for number, delay in enumerate(DELAYS_SECONDS, 1):
        wanted = round(delay * (1 + 0.2 * jitter))
        if wanted:
            assert patient.run(after=wanted - 1) == {}
            world.clock.move(1)
        assert patient.run() == {"retrying" if number < 10 else "dead": 1}

    record = patient.record(ingested)
    assert (record["delivery"], record["attempts"], record["problem"]) == ("dead", "10", "HTTP 500")
    assert patient.due(after=10**7) == 0
    sent = [request.headers for request in world.app.received]
    assert {headers["webhook-id"] for headers in sent} == {ingested.event.event_id}
    for name in ("webhook-timestamp", "webhook-signature"):
        assert len({headers[name] for headers in sent}) == 10


@pytest.mark.parametrize(("wish", "delay"), [("3600", 3600), ("2", 5)])
def test_retry_after_is_honoured(world: World, wish: str, delay: int) -> None:
    """The app can ask for more time, and cannot hurry us (F45)."""
    receive(world)
    answer_once(world.app, lambda: Reply(503, headers={"Retry-After": wish}))
    world.run()

    assert world.run(after=delay - 1) == {}
    assert world.run(after=1) == {"delivered": 1}


def test_app_that_says_gone_is_left_alone_until_it_is_enabled(world: World) -> None:
    """After a 410 nothing is sent; events stay due without being counted, and go out once enabled.

    A new address in the settings is an endpoint of its own.
    """
    app = world.app
    answer_once(app, lambda: Reply(410))
    ingested_events = [world.ingest(uploaded(token_of(new_session())))]
    assert world.run() == {"retrying": 1}
    ingested_events += [world.ingest(uploaded(token_of(new_session()), file_id=f"{FILE_ID}7"))]
    for _ in range(3):
        assert set(world.run()) <= {"retrying"}
        world.clock.move(DISABLED_SECONDS)
    assert len(app.received) == 1
    assert [world.record(ingested)["attempts"] for ingested in ingested_events] == ["1", "0"]
    assert world.record(ingested_events[1])["problem"] == "endpoint disabled"

    moved = world.with_settings(APP_WEBHOOK_URL=f"{app.url}/v2")
    elsewhere = moved.ingest(uploaded("console", file_id=f"{FILE_ID}8"))
    assert moved.deliverer().deliver(elsewhere) == "delivered"
    assert app.received[-1].path == "/v2"

    operator = OperatorStore(world.redis_url, StoreScope(STAGE, 604_800))
    assert operator.enable_endpoint(app.url)

    assert world.run() == {"delivered": 2}
    assert ids_at(app) == sorted(ids_of([*ingested_events, elsewhere]) + ids_of(ingested_events[:1]))
    assert operator.endpoint_health(app.url).failing_since is None


def test_endpoint_that_failed_for_five_days_is_paused_and_costs_no_attempts(world: World) -> None:
    """One event an hour is a probe, which is no attempt; the first that is taken ends the pause (F46)."""
    world.app.answer = lambda _request: Reply(503)
    first = world.ingest(uploaded(token_of(new_session())))
    world.run()
    world.clock.move(PAUSED_SECONDS + 1)
    second = world.ingest(uploaded(token_of(new_session()), file_id=f"{FILE_ID}7"))
    sent = len(world.app.received)

    for hour in range(1, 30):
        assert world.run() == {"retrying": 2}
        assert len(world.app.received) == sent + hour
        world.clock.move(DISABLED_SECONDS)
    assert [world.record(it)["attempts"] for it in (first, second)] == ["1", "0"]
    assert {world.record(it)["problem"] for it in (first, second)} == {"HTTP 503", "endpoint paused"}

    world.app.answer = lambda _request: TAKES
    assert world.run() == {"delivered": 1, "retrying": 1}
    assert world.run(after=DISABLED_SECONDS) == {"delivered": 1}
    assert set(ids_at(world.app)) == set(ids_of([first, second]))


def test_endpoint_that_fails_for_a_minute_is_left_to_the_timer(world: World) -> None:
    """The function that ingests an event verifies it and does not try it; the timer does so at once."""
    world.app.answer = lambda _request: Reply(503)
    world.ingest(uploaded(token_of(new_session())))
    world.run()
    world.clock.move(61)
    world.app.answer = lambda _request: TAKES
    token = token_of(new_session())
    world.keep(token, file_id=f"{FILE_ID}7")

    assert world.deliver(uploaded(token, file_id=f"{FILE_ID}7")) == "due"
    assert len(world.app.received) == 1
    assert world.due() == 2
    assert world.run() == {"delivered": 2}
    assert world.deliver(uploaded("console", file_id=f"{FILE_ID}8"), "pull") == "delivered"


def test_webhook_that_was_switched_off_leaves_nothing_due(world: World) -> None:
    """Events that were due are kept, and no run takes them again; a held one is verified all the same."""
    off = world.with_settings(APP_WEBHOOK_URL="off")
    [ingested] = receive(world)
    held = push(off)

    assert off.run(after=LEASE_SECONDS) == {"kept": 2}
    assert off.due(after=10**6) == 0
    assert [off.record(each)["delivery"] for each in (ingested, held)] == ["kept", "kept"]
    assert off.record(held)["status"] == "verified"
    assert world.received == []


def test_store_outage_in_a_run_costs_a_repeat_and_no_event(world: World) -> None:
    """If the outcome cannot be recorded, the event is sent again under the same id."""
    ingested_events = receive(world, 3)
    upstream = urlsplit(world.redis_url)
    with RawPeer(relay_to(int(upstream.port or 0))) as relay:

        def cut_the_store_off() -> Reply:
            relay.__exit__()
            return TAKES

        answer_once(world.app, cut_the_store_off)
        behind = replace(
            world.with_settings(DELIVERY_CONCURRENCY="1"),
            redis_url=f"redis://:{upstream.password}@{HOST}:{relay.port}/0",
        )
        with pytest.raises(StoreUnavailableError):
            behind.run()

    assert len(world.received) == 1
    assert world.run() == {"delivered": 2}
    assert world.run(after=LEASE_SECONDS) == {"delivered": 1}
    assert sorted(set(ids_at(world.app))) == ids_of(ingested_events)
    assert len(world.received) == 4


def test_held_event_is_verified_when_vod_answers_again(world: World) -> None:
    """Nothing unverified goes out: the timer asks VOD again by the schedule, and then delivers."""
    ingested = push(world)
    world.vod.failing = {"media_info"}

    assert world.run(after=10) == {"held": 1}
    assert (world.received, world.due()) == ([], 0)

    world.vod.failing = set()
    assert world.run(after=5) == {"delivered": 1}
    content = world.received[0]["data"]
    assert (content["verified"], content["verdict"], content["sequence"]) == (True, "attributed", 1)
    assert world.record(ingested)["status"] == "verified"


def test_event_that_can_never_be_verified_ends_as_a_dead_letter(world: World) -> None:
    """VOD's API down for days: the event is asked about ten times, and is kept for people to see."""
    ingested = push(world)
    world.vod.failing = {"media_info"}

    endings = [world.run(after=delay) for delay in (10, *DELAYS_SECONDS[1:])]

    assert endings == [{"held": 1}] * 9 + [{"dead": 1}]
    assert world.received == []
    assert world.record(ingested)["problem"].startswith("media_info failed")
    assert world.due(after=10**6) == 0


def test_failure_of_the_store_leaves_the_event_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the store fails after the journal, nothing is raised: the lease ends, and the timer tries."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise StoreUnavailableError("The store did not answer.")

    ingested = world.ingest(uploaded(token_of(new_session())))
    held = world.ingest(uploaded(token_of(new_session())), "push")
    with monkeypatch.context() as failing:
        failing.setattr(Store, "finish_attempt", fail)
        run = world.deliverer(read_back=world.vod)
        assert (run.deliver(ingested), run.deliver(held)) == ("due", "held")

    world.clock.move(10)
    assert world.due() == 2
