from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from shared.domain.event_status import AttemptOutcome, EventStatus
from shared.domain.journal import AttemptEnding, EventEntry, EventKey, TakenEvent
from tests.shared.uploads import ENDPOINT, NOW, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    import redis

    from shared.store.journal import Store

DUE = NOW + 10
OTHER_ENDPOINT = "https://elsewhere.example.test/hook"


@pytest.fixture
def entry(store: Store) -> EventEntry:
    """Journal an event that belongs to its function for ten seconds, and then to any worker."""
    entry = new_entry(new_session(), facts_in(uploaded()))
    store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=DUE)
    return entry


def take(
    store: Store, at: EventKey, *, now: int = DUE, lease: str = "lease-2", endpoint: str = ENDPOINT
) -> TakenEvent | None:
    """Take an event for half a minute."""
    return store.take(at, endpoint=endpoint, now=now, lease=lease, lease_ends_at=now + 30)


def delivered(lease: str = "lease-1") -> AttemptEnding:
    """Return an attempt that succeeded."""
    status, outcome = EventStatus.DELIVERED, AttemptOutcome.DELIVERED
    return AttemptEnding(lease, ENDPOINT, NOW + 1, status, outcome, None, {"attempts": "1"})


def test_due_event_is_given_to_one(store: Store, entry: EventEntry) -> None:
    """Of many concurrent takers one gets the event with everything stored of it (R4)."""
    at = store.key_of(entry)

    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(lambda number: take(store, at, lease=f"lease-{number}"), range(32)))

    taken = [one for one in given if one is not None]
    assert len(taken) == 1
    assert taken[0].record["lease"] == taken[0].lease
    assert taken[0].record["name"] == entry.name
    assert dict(entry.fields).items() <= taken[0].record.items()
    assert not taken[0].endpoint_disabled


def test_event_whose_holder_died_is_given_again(store: Store, entry: EventEntry) -> None:
    """While a lease holds nobody takes the event; after it the old holder's result is void (F29)."""
    at = store.key_of(entry)
    assert take(store, at, now=DUE - 1) is None
    take(store, at, lease="dead")

    assert take(store, at, now=DUE + 29, lease="early") is None
    assert take(store, at, now=DUE + 30, lease="heir") is not None
    assert store.finish_attempt(at, delivered("dead")) is False
    assert store.finish_attempt(at, delivered("heir")) is True


def test_unknown_event_cannot_be_taken_or_finished(store: Store, entry: EventEntry) -> None:
    """An event that does not exist cannot be taken."""
    at = store.key_of(entry)._replace(key=store.key_of(entry).key + "0")

    assert take(store, at) is None
    assert store.finish_attempt(at, delivered()) is False


def test_due_event_whose_record_is_gone_is_dropped(
    store: Store, entry: EventEntry, server: redis.Redis
) -> None:
    """What the retention has ended is taken off the list when it is met."""
    server.delete(store.key_of(entry).key)

    assert take(store, store.key_of(entry)) is None
    assert store.due_events(now=DUE, limit=10) == ()


def test_endpoint_that_is_gone_is_disabled_until_it_takes_an_event(store: Store) -> None:
    """After a 410 every event of the endpoint is told so, until a delivery succeeds."""
    session = new_session()
    entries = [new_entry(session) for _ in range(3)]
    at = [store.key_of(entry) for entry in entries]
    due, outcome = EventStatus.DUE, AttemptOutcome.GONE
    gone = AttemptEnding("lease-1", ENDPOINT, NOW, due, outcome, NOW + 300, {"attempts": "1"})

    first = store.journal(entries[0], endpoint=ENDPOINT, now=NOW, next_attempt_at=DUE)
    store.finish_attempt(at[0], gone)
    second = store.journal(entries[1], endpoint=ENDPOINT, now=NOW, next_attempt_at=DUE)
    taken = take(store, at[1])
    elsewhere = store.journal(entries[2], endpoint=OTHER_ENDPOINT, now=NOW, next_attempt_at=DUE)
    store.finish_attempt(at[1], delivered("lease-2"))
    retaken = take(store, at[0], now=NOW + 300)

    assert (first.endpoint_disabled, second.endpoint_disabled) == (False, True)
    assert taken is not None
    assert taken.endpoint_disabled
    assert not elsewhere.endpoint_disabled
    assert retaken is not None
    assert not retaken.endpoint_disabled


def test_attempt_that_was_none_says_nothing_of_the_endpoint(
    store: Store, entry: EventEntry, server: redis.Redis
) -> None:
    """Waiting for VOD is not the app's failure; a failure is, and is dated once."""
    at = store.key_of(entry)
    waiting = AttemptEnding("lease-1", ENDPOINT, NOW, EventStatus.DUE, None, NOW + 5, {"attempts": "1"})
    failed = waiting._replace(now=NOW + 1, outcome=AttemptOutcome.FAILED)

    store.finish_attempt(at, waiting)
    assert list(server.scan_iter("*:endpoint:*")) == []

    store.finish_attempt(at, failed)
    store.finish_attempt(at, failed._replace(now=NOW + 500))
    (key,) = server.scan_iter("*:endpoint:*")
    assert server.hgetall(key) == {"failing_since": str(NOW + 1)}


def test_at_most_so_many_due_events_of_a_partition_are_listed(store: Store) -> None:
    """A backlog is worked off in pieces, the longest due first."""
    session = new_session()
    entries = [new_entry(session) for _ in range(5)]
    for number, entry in enumerate(entries):
        store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 10 - number)

    due = store.due_events(now=NOW + 10, limit=2)

    assert due == (store.key_of(entries[4]), store.key_of(entries[3]))


def test_instance_that_is_ahead_takes_one_slot_and_no_more(store: Store) -> None:
    """Nobody sleeps for the hour by which another's clock is ahead."""
    assert store.send_slot(ENDPOINT, now=NOW + 3600) == 0
    assert store.send_slot(ENDPOINT, now=NOW) <= 0.1


def test_endpoint_is_sent_to_ten_times_a_second(store: Store) -> None:
    """A backlog is sent at a limited rate: one send slot each tenth of a second, for each endpoint (R8)."""
    assert store.send_slot(ENDPOINT, now=NOW) == 0
    assert store.send_slot(ENDPOINT, now=NOW) == 0.1
    assert store.send_slot(OTHER_ENDPOINT, now=NOW) == 0
    assert store.send_slot(ENDPOINT, now=NOW + 0.1) == 0
