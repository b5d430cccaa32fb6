from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis

from local.operator.event_store import OperatorStore
from local.simulator.faults import Fault
from shared.domain.retry_schedule import DELAYS_SECONDS
from shared.errors import StoreUnavailableError
from shared.flows.deliver_events import DISABLED_SECONDS, LEASE_SECONDS, LEAST_SECONDS
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Received, Reply, refused_port, relay_to
from tests.shared.service import STAGE, Clock, Service, token_of
from tests.shared.uploads import FILE_ID, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.ingested_event import IngestedEvent
    from tests.local.simulator.account import Account

TAKES = Reply(204)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that moves only when somebody waits by it."""
    return Clock()


@pytest.fixture
def service(valkey_url: str, app: HttpPeer, clock: Clock) -> Service:
    """Return a deployment with an empty store, whose runs wait by the clock."""
    return Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, clock, clock.move)


def receive(service: Service, count: int = 1, *, user: str = "") -> list[IngestedEvent]:
    """Ingest the events of so many uploads, each of a user of its own if none is named."""
    sessions = [new_session(user or f"user-{number}") for number in range(count)]
    return [
        service.ingest(uploaded(token_of(session), file_id=f"{FILE_ID}{number}"))
        for number, session in enumerate(sessions)
    ]


def ids_of(ingested_events: list[IngestedEvent]) -> list[str]:
    """Return the ids that the app should receive, sorted."""
    return sorted(ingested.event.event_id for ingested in ingested_events)


def ids_at(app: HttpPeer) -> list[str]:
    """Return the ids that the app has received, sorted."""
    return sorted(request.headers["webhook-id"] for request in app.received)


def answering(*replies: Reply) -> Callable[[Received], Reply]:
    """Answer each request with the next reply, and then always with the last."""
    left = list(replies)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


def test_due_events_are_delivered_once(service: Service, app: HttpPeer) -> None:
    """A run delivers everything that is due, in any partition, and leaves nothing to do."""
    ingested_events = receive(service, 25)

    assert service.delivery_run().run() == {"delivered": 25}
    assert service.delivery_run().run() == {}
    assert ids_at(app) == ids_of(ingested_events)
    assert {service.record(ingested)["delivery"] for ingested in ingested_events} == {"delivered"}


def test_run_ends_in_time_and_leaves_the_rest(service: Service, app: HttpPeer) -> None:
    """What the time does not suffice for stays due, and the next round delivers it."""
    ingested_events = receive(service, 15)

    figures = service.delivery_run(seconds=LEAST_SECONDS + 0.55).run()

    # At ten a second six; a few more where the store's own clock, which is the real one, has gone on.
    left = 15 - figures["delivered"]
    assert figures["leftForNextRound"] == 1
    assert 0 < left <= 9
    assert service.due() == left
    assert service.delivery_run(seconds=LEAST_SECONDS - 0.1).run() == {"leftForNextRound": 1}
    assert service.delivery_run().run() == {"delivered": left}
    assert ids_at(app) == ids_of(ingested_events)


def test_overlapping_runs_share_the_send_slots_and_the_events(valkey_url: str, app: HttpPeer) -> None:
    """Two concurrent runs in real time: no event is sent twice, and still only ten per second."""
    service = Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, time.time)
    ingested_events = receive(service, 16)
    seen_at: list[float] = []

    def note(_request: Received) -> Reply:
        seen_at.append(time.time())
        return TAKES

    app.answer = note
    started = time.time()
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(service.delivery_run().run) for _ in range(2)]
        figures = [each.result() for each in runs]

    assert sum(figure["delivered"] for figure in figures) == 16
    assert ids_at(app) == ids_of(ingested_events)
    # However busy this machine is, the nth event cannot be there before its send slot.
    assert all(at - started > 0.1 * number - 0.002 for number, at in enumerate(sorted(seen_at)))


def test_event_that_somebody_else_took_meanwhile_is_passed_over(service: Service, app: HttpPeer) -> None:
    """An event that another run has taken since it was listed is skipped."""
    ingested_events = receive(service, 2)
    others: list[dict[str, int]] = []

    def run_meanwhile(_request: Received) -> Reply:
        app.answer = lambda _request: TAKES
        others.append(service.delivery_run().run())
        return TAKES

    app.answer = run_meanwhile

    assert service.delivery_run().run() == {"delivered": 1}
    assert others == [{"delivered": 1}]
    assert ids_at(app) == ids_of(ingested_events)


@pytest.mark.parametrize(
    ("name", "text"),
    [("raw", None), ("raw", "{"), ("verdict", "splendid"), ("attempts", "many"), ("upload_id", "ULID")],
)
def test_record_that_cannot_be_read_is_buried(
    service: Service, app: HttpPeer, name: str, text: str | None
) -> None:
    """A broken record becomes a dead letter with its reason, and the events after it are delivered."""
    ingested_events = receive(service, 3)
    with redis.Redis.from_url(service.redis_url) as client:
        key = service.store.key_of(ingested_events[0].entry).key
        client.hdel(key, name) if text is None else client.hset(key, name, text)

    assert service.delivery_run().run() == {"dead": 1, "delivered": 2}

    record = service.record(ingested_events[0])
    assert record["delivery"] == "dead"
    assert record["problem"].startswith("unreadable record (")
    assert ids_at(app) == ids_of(ingested_events[1:])
    assert service.due(after=10**6) == 0


def test_burial_by_a_late_worker_is_void(valkey_url: str, app: HttpPeer) -> None:
    """A worker whose lease has ended cannot mark an event dead."""
    clock, readings = Clock(), iter(range(1000))
    service = Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, clock, clock.move)
    [ingested] = receive(service)
    at = service.store.key_of(ingested.entry)
    with redis.Redis.from_url(valkey_url) as client:
        client.hset(at.key, "raw", "{")

    def clock_of_the_late_one() -> float:
        # Deadline, list, time left, send slot, take: before the sixth reading another run took the event.
        if next(readings) == 5:
            clock.move(LEASE_SECONDS)
            service.store.take(
                at, endpoint="", now=int(clock()), lease="other", lease_ends_at=int(clock()) + 9
            )
        return clock()

    late = Service(valkey_url, {"APP_WEBHOOK_URL": app.url}, clock_of_the_late_one, clock.move)

    assert late.delivery_run().run() == {"lost": 1}
    assert service.record(ingested)["delivery"] == "due"
    assert service.record(ingested)["lease"] == "other"


def test_late_worker_changes_nothing(service: Service, app: HttpPeer, clock: Clock) -> None:
    """R4: a worker wakes after its lease, when another has delivered; its own failure counts for nothing."""
    [ingested] = receive(service)
    others: list[dict[str, int]] = []

    def stand_still(_request: Received) -> Reply:
        app.answer = lambda _request: TAKES
        clock.move(LEASE_SECONDS)
        others.append(service.delivery_run().run())
        return Reply(500)

    app.answer = stand_still

    assert service.delivery_run(seconds=120).run() == {"lost": 1}
    assert others == [{"delivered": 1}]
    assert (service.record(ingested)["delivery"], service.record(ingested)["attempts"]) == ("delivered", "1")
    assert service.due(after=10**6) == 0


@pytest.mark.parametrize("jitter", [0.0, 0.37])
def test_app_that_never_takes_an_event_gets_ten_attempts(
    service: Service, app: HttpPeer, clock: Clock, jitter: float
) -> None:
    """Each attempt comes at its time and not before, under one id, freshly signed; then the event is dead."""
    app.answer = lambda _request: Reply(500)
    patient = Service(service.redis_url, service.changes, clock, clock.move, lambda: jitter)
    [ingested] = receive(patient)

    for number, delay in enumerate(DELAYS_SECONDS, 1):
        wanted = round(delay * (1 + 0.2 * jitter))
        if wanted:
            clock.move(wanted - 1)
            assert patient.delivery_run().run() == {}
            clock.move(1)
        assert patient.delivery_run().run() == {"retrying" if number < 10 else "dead": 1}

    record = patient.record(ingested)
    assert (record["delivery"], record["attempts"], record["problem"]) == ("dead", "10", "HTTP 500")
    assert patient.due(after=10**7) == 0
    assert {request.headers["webhook-id"] for request in app.received} == {ingested.event.event_id}
    assert len({request.headers["webhook-timestamp"] for request in app.received}) == 10
    assert len({request.headers["webhook-signature"] for request in app.received}) == 10


def test_app_that_is_down_does_not_hold_up_others_of_the_schedule(
    service: Service, app: HttpPeer, clock: Clock
) -> None:
    """Nobody listening is a failure like any other: every event is tried, and again when the app is back."""
    down = Service(
        service.redis_url, {"APP_WEBHOOK_URL": f"http://{HOST}:{refused_port()}"}, clock, clock.move
    )
    ingested_events = receive(down, 4)

    assert down.delivery_run().run() == {"retrying": 4}
    clock.move(5)
    assert service.delivery_run().run() == {"delivered": 4}
    assert ids_at(app) == ids_of(ingested_events)


@pytest.mark.parametrize(
    ("wish", "delay"),
    [("3600", 3600), ("2", 5)],
)
def test_retry_after_is_honoured(
    service: Service, app: HttpPeer, clock: Clock, wish: str, delay: int
) -> None:
    """The app can ask for more time, and cannot hurry us (F45)."""
    receive(service)
    app.answer = answering(Reply(503, headers={"Retry-After": wish}), TAKES)
    service.delivery_run().run()

    clock.move(delay - 1)
    assert service.delivery_run().run() == {}
    clock.move(1)
    assert service.delivery_run().run() == {"delivered": 1}


def test_app_that_says_gone_is_left_alone_until_it_is_enabled(
    service: Service, app: HttpPeer, clock: Clock
) -> None:
    """After a 410 nothing is sent; events stay due without being counted, and go out once enabled."""
    app.answer = lambda _request: Reply(410)
    ingested_events = receive(service, user="alice")
    assert service.delivery_run().run() == {"retrying": 1}
    ingested_events += [service.ingest(uploaded(token_of(new_session()), file_id=f"{FILE_ID}7"))]
    app.answer = lambda _request: TAKES
    for _ in range(3):
        assert set(service.delivery_run().run()) <= {"retrying"}
        clock.move(DISABLED_SECONDS)
    assert len(app.received) == 1
    assert [service.record(ingested)["attempts"] for ingested in ingested_events] == ["1", "0"]
    assert service.record(ingested_events[1])["problem"] == "endpoint disabled"

    operator = OperatorStore(service.redis_url, StoreScope(STAGE, 604_800))
    assert operator.enable_endpoint(app.url)

    assert service.delivery_run().run() == {"delivered": 2}
    assert ids_at(app) == sorted(ids_of(ingested_events) + ids_of(ingested_events[:1]))
    assert operator.endpoint_health(app.url).failing_since is None


def test_another_endpoint_is_not_affected_by_a_disabled_one(
    service: Service, app: HttpPeer, clock: Clock
) -> None:
    """A new address in the settings is an endpoint of its own, and gets what the old one refused."""
    app.answer = lambda _request: Reply(410)
    receive(service)
    service.delivery_run().run()
    clock.move(DISABLED_SECONDS)
    app.answer = lambda _request: TAKES

    moved = Service(service.redis_url, {"APP_WEBHOOK_URL": f"{app.url}/v2"}, clock, clock.move)

    assert moved.delivery_run().run() == {"delivered": 1}
    assert app.received[-1].path == "/v2"


def test_webhook_that_was_switched_off_leaves_nothing_due(service: Service, app: HttpPeer) -> None:
    """Events that were due when the webhook was switched off are kept, and no run takes them again."""
    off = Service(service.redis_url, {}, service.clock, service.wait)
    [ingested] = receive(service)

    assert off.delivery_run().run() == {"kept": 1}
    assert off.due(after=10**6) == 0
    assert off.record(ingested)["delivery"] == "kept"
    assert app.received == []


def test_store_outage_in_a_run_costs_a_repeat_and_no_event(
    service: Service, app: HttpPeer, clock: Clock
) -> None:
    """If the outcome cannot be recorded, the event is sent again under the same id."""
    ingested_events = receive(service, 3)
    upstream = urlsplit(service.redis_url)
    with RawPeer(relay_to(int(upstream.port or 0))) as relay:

        def cut_the_store_off(_request: Received) -> Reply:
            app.answer = lambda _request: TAKES
            relay.__exit__()
            return TAKES

        app.answer = cut_the_store_off
        url = f"redis://:{upstream.password}@{HOST}:{relay.port}/0"
        behind = Service(url, service.changes, clock, clock.move)
        with pytest.raises(StoreUnavailableError):
            behind.delivery_run().run()

    assert len(app.received) == 1
    assert service.delivery_run().run() == {"delivered": 2}
    clock.move(LEASE_SECONDS)
    assert service.delivery_run().run() == {"delivered": 1}
    assert sorted(set(ids_at(app))) == ids_of(ingested_events)
    assert len(app.received) == 4


@pytest.fixture
def careful(service: Service, vod: Account) -> Service:
    """Return a deployment that reads back what was pushed."""
    changes = {**service.changes, "READ_BACK": "on", "VOD_API_URL": vod.url}
    return Service(service.redis_url, changes, service.clock, service.wait)


def push(service: Service, vod: Account) -> IngestedEvent:
    """Upload a file, and ingest its pushed event."""
    token = token_of(new_session())
    file_id = vod.upload(source_context=token)["data"]["fileId"]
    return service.ingest(uploaded(token, file_id=file_id), "push")


def test_held_event_is_verified_when_vod_answers_again(
    careful: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """Nothing unverified goes out: the timer asks VOD again by the schedule, and then delivers."""
    ingested = push(careful, vod)
    vod.simulator.faults.set([Fault("DescribeMediaInfos", "error", times=1)])
    clock.move(10)

    assert careful.delivery_run().run() == {"held": 1}
    assert (app.received, careful.due()) == ([], 0)

    clock.move(5)
    assert careful.delivery_run().run() == {"delivered": 1}
    content = json.loads(app.received[0].body)["data"]
    assert (content["verified"], content["verdict"], content["sequence"]) == (True, "attributed", 1)
    assert careful.record(ingested)["status"] == "verified"


def test_event_that_can_never_be_verified_ends_as_a_dead_letter(
    careful: Service, vod: Account, app: HttpPeer, clock: Clock
) -> None:
    """VOD's API down for days: the event is asked about ten times, and is kept for people to see."""
    ingested = push(careful, vod)
    vod.simulator.faults.set([Fault("DescribeMediaInfos", "error", times=10)])

    endings = []
    for delay in (10, *DELAYS_SECONDS[1:]):
        clock.move(delay)
        endings.append(careful.delivery_run().run())

    assert endings == [{"held": 1}] * 9 + [{"dead": 1}]
    assert app.received == []
    assert careful.record(ingested)["problem"].startswith("DescribeMediaInfos failed")
    assert careful.due(after=10**6) == 0


def test_held_event_without_a_webhook_is_verified_and_kept(
    careful: Service, vod: Account, clock: Clock
) -> None:
    """The state of the upload depends on the read-back, whether or not the app hears of events."""
    off = Service(careful.redis_url, {**careful.changes, "APP_WEBHOOK_URL": "off"}, clock, clock.move)
    ingested = push(off, vod)
    clock.move(10)

    assert off.delivery_run().run() == {"kept": 1}
    assert off.record(ingested)["status"] == "verified"
    assert off.due(after=10**6) == 0


def test_failure_of_the_store_leaves_the_event_due(
    careful: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the store fails after the journal, nothing is raised: the lease ends, and the timer tries."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise StoreUnavailableError("The store did not answer.")

    ingested = careful.ingest(uploaded(token_of(new_session())))
    held = careful.ingest(uploaded(token_of(new_session())), "push")
    with monkeypatch.context() as failing:
        failing.setattr(Store, "finish_attempt", fail)
        run = careful.delivery_run()
        assert (run.deliver(ingested), run.deliver(held)) == ("due", "held")

    clock.move(10)
    assert careful.due() == 2
