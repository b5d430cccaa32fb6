"""A run delivers in parallel: bounded, at the endpoint's rate, and one event of an upload at a time."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from shared.deadline import in_daemon_thread
from shared.flows.deliver_events import Deliverer
from shared.flows.delivery_run import LEASE_SECONDS, DeliveryRun
from tests.shared.loopback_peer import Received, Reply
from tests.shared.service import token_of
from tests.shared.uploads import FILE_ID, changed, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.ingested_event import IngestedEvent
    from tests.shared.flows.world import World

TAKES, FAILS = Reply(204), Reply(503)
FOR_EVER = 600.0
"""Longer than any machine takes; a test that waits for so long has failed."""


def receive(world: World, count: int) -> list[IngestedEvent]:
    """Ingest the events of so many uploads, each of a user of its own."""
    tokens = [token_of(new_session(f"user-{number}")) for number in range(count)]
    return [
        world.ingest(uploaded(token, file_id=f"{FILE_ID}{number}")) for number, token in enumerate(tokens)
    ]


def receive_of_one_upload(world: World) -> list[IngestedEvent]:
    """Ingest the three events of one upload, in their order."""
    token = token_of(new_session())
    events = [uploaded(token), changed(token, status="PROCESSING"), changed(token)]
    ingested_events = [world.ingest(event) for event in events]
    assert [ingested.event.sequence for ingested in ingested_events] == [1, 2, 3]
    return ingested_events


def ids_of(ingested_events: list[IngestedEvent]) -> list[str]:
    """Return the ids of events."""
    return [ingested.event.event_id for ingested in ingested_events]


def told(world: World) -> list[str]:
    """Return the ids that the app has received, in their order."""
    return [request.headers["webhook-id"] for request in world.app.received]


def answer_in_turn(world: World, *answers: Callable[[], Reply]) -> None:
    """Have the app answer one request after the other so, and take every other."""
    left = list(answers)
    world.app.answer = lambda _request: left.pop(0)() if left else TAKES


def test_app_that_takes_its_time_gets_as_many_at_once_as_there_are_workers(world: World) -> None:
    """Each answer waits until eight requests are there, so it comes only if eight are made at once."""
    busy = world.with_settings(DELIVERY_CONCURRENCY="8")
    ingested_events = receive(busy, 16)
    together, at_once, most = threading.Barrier(8), Counter[str](), list[int]()

    def answer(_request: Received) -> Reply:
        at_once["now"] += 1
        together.wait(FOR_EVER)
        most.append(at_once["now"])
        together.wait(FOR_EVER)
        at_once["now"] -= 1
        together.wait(FOR_EVER)
        return TAKES

    world.app.answer = answer

    assert busy.delivery_run(start=in_daemon_thread).run() == {"delivered": 16}
    assert set(most) == {8}
    assert sorted(told(world)) == sorted(ids_of(ingested_events))


def test_two_runs_side_by_side_share_the_work(world: World) -> None:
    """With real threads in both, each event is delivered once, and never two of an upload at once."""
    ingested_events = receive(world, 40) + [one for _ in range(5) for one in receive_of_one_upload(world)]
    in_hand, doubled = set[str](), list[str]()

    def answer(request: Received) -> Reply:
        upload_id = request.body.partition(b'"uploadId":"')[2][:26].decode()
        if upload_id in in_hand:
            doubled.append(upload_id)
        in_hand.add(upload_id)
        threading.Event().wait(0.002)
        in_hand.discard(upload_id)
        return TAKES

    world.app.answer = answer
    runs = [world.with_settings(DELIVERY_RATE="1000").delivery_run(start=in_daemon_thread) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        figures = [running.result() for running in [pool.submit(run.run) for run in runs]]

    assert sum(map(Counter, figures), Counter[str]()) == {"delivered": 55}
    assert sorted(told(world)) == sorted(ids_of(ingested_events))
    assert doubled == []


def test_backlog_is_delivered_at_the_rate_that_is_set(world: World) -> None:
    """At 50 a second, 10 of them at once, 150 events take 2.8 seconds, whatever the number of workers."""
    receive(world, 150)
    began, at = world.clock(), list[float]()

    def answer(_request: Received) -> Reply:
        at.append(world.clock() - began)
        return TAKES

    world.app.answer = answer

    assert world.run() == {"delivered": 150}
    assert at[-1] == pytest.approx(2.8, abs=0.1)
    assert max(sum(second <= one < second + 1 for one in at) for second in at) <= 61


def test_events_of_an_upload_go_one_after_the_other_in_their_sequence(world: World) -> None:
    """While one is in flight another run delivers those of others; then the next is due at once."""
    ours = receive_of_one_upload(world)
    others: list[IngestedEvent] = []
    figures: list[dict[str, int]] = []

    def meanwhile() -> Reply:
        others.extend(receive(world, 2))
        figures.append(world.run())
        return TAKES

    answer_in_turn(world, meanwhile)

    assert world.run() == {"delivered": 3}
    assert figures == [{"delivered": 2}]
    assert [one for one in told(world) if one not in ids_of(others)] == ids_of(ours)


def test_failed_event_does_not_block_the_next_of_its_upload(world: World) -> None:
    """The second goes out in the same run; the first when its next attempt is due."""
    first, *following = ids_of(receive_of_one_upload(world))
    answer_in_turn(world, lambda: FAILS)

    assert world.run() == {"retrying": 1, "delivered": 2}
    assert world.run(after=5) == {"delivered": 1}
    assert told(world) == [first, *following, first]


def test_lowest_sequence_goes_first_after_an_outage(world: World) -> None:
    """The attempts of the first are due later than those of the others, and it is first nevertheless."""
    ours = ids_of(receive_of_one_upload(world))
    world.app.answer = lambda _request: FAILS
    world.run()
    answer_in_turn(world, lambda: FAILS, lambda: TAKES, lambda: TAKES)
    assert world.run(after=5) == {"retrying": 1, "delivered": 2}
    assert told(world)[3:] == ours

    more = world.ingest(uploaded("console", file_id=f"{FILE_ID}9"))
    assert world.run(after=600) == {"delivered": 2}
    assert sorted(told(world)[6:]) == sorted([ours[0], more.event.event_id])


def test_dead_worker_holds_its_upload_for_its_lease_and_no_other(world: World) -> None:
    """A worker was killed with an event of an upload: the upload's others go out when its lease has ended."""
    ours = receive_of_one_upload(world)
    receive(world, 2)
    now = int(world.clock())
    at = [world.store.key_of(ours[0].entry)]
    assert world.store.take(at, endpoint="", now=now, lease="dead", lease_ends_at=now + LEASE_SECONDS)

    assert world.run() == {"delivered": 2}
    assert world.run(after=LEASE_SECONDS) == {"delivered": 3}
    assert told(world)[2:] == ids_of(ours)


def test_app_that_recovers_is_not_stampeded(world: World) -> None:
    """After an outage a backlog begins at one a second, and each second twice as many are sent."""
    receive(world, 100)
    world.app.answer = lambda _request: FAILS
    assert world.run(seconds=30) == {"retrying": 37, "leftForNextRound": 1}
    began, at = world.clock(), Counter[int]()

    def answer(_request: Received) -> Reply:
        at[int(world.clock() - began)] += 1
        return TAKES

    world.app.answer = answer

    assert world.run()["delivered"] > 60
    assert [at[second] for second in range(4)] == [pytest.approx(rate, abs=2) for rate in (1, 2, 4, 8)]
    assert max(at.values()) <= 60


def test_attempt_that_does_not_end_is_left_to_its_lease(world: World) -> None:
    """The run ends by its deadline and says so; the event is due again when the lease has ended."""
    receive(world, 1)

    assert world.delivery_run(seconds=3, start=lambda _call: None).run() == {"abandoned": 1}
    assert world.run(after=LEASE_SECONDS) == {"delivered": 1}


def test_defect_in_one_attempt_ends_the_run_after_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no attempt may raise is raised by the run, once all that were begun have ended."""
    receive(world, 3)
    deliver, calls = Deliverer.deliver, list[int]()

    def fail_at_first(self: Deliverer, ingested: IngestedEvent) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return deliver(self, ingested)

    monkeypatch.setattr(Deliverer, "deliver", fail_at_first)
    run = world.delivery_run()
    with pytest.raises(ZeroDivisionError):
        run.run()

    assert isinstance(run, DeliveryRun)
    assert run.endings == {"delivered": 2}
    assert world.run(after=LEASE_SECONDS) == {"delivered": 1}
