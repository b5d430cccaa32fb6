from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from shared.domain.event_status import AttemptOutcome, EventStatus, IngestOutcome
from shared.domain.journal import AttemptEnding, EndpointState, EventEntry, EventKey, TakenEvent
from shared.errors import StoreUnavailableError
from shared.runtime.shards import Share
from tests.shared.uploads import ENDPOINT, NOW, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    import redis

    from shared.domain.session import UploadSession
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
    taken = store.take([at], endpoint=endpoint, now=now, lease=lease, lease_ends_at=now + 30)
    return taken[0][1] if taken else None


def of_its_upload(
    session: UploadSession, file_id: str, *, intended: IngestOutcome = IngestOutcome.APPLIED
) -> EventEntry:
    """Return the event of a file, whose record names its upload."""
    entry = new_entry(session, facts_in(uploaded(file_id=file_id)), intended=intended)
    return entry._replace(fields=(*entry.fields, ("upload_id", session.upload_id)))


def journal_files(store: Store, count: int) -> list[EventKey]:
    """Journal the events of so many files of one upload, and return their keys by their sequence."""
    session = new_session()
    entries = [of_its_upload(session, str(number)) for number in range(count)]
    for entry in entries:
        store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=DUE)
    return [store.key_of(entry) for entry in entries]


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
    assert taken[0].endpoint_state == EndpointState.OPEN


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

    assert (first.endpoint_state, second.endpoint_state) == (EndpointState.OPEN, EndpointState.DISABLED)
    assert taken is not None
    assert taken.endpoint_state == EndpointState.DISABLED
    assert elsewhere.endpoint_state == EndpointState.OPEN
    assert retaken is not None
    assert retaken.endpoint_state == EndpointState.OPEN


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


def slots(
    store: Store,
    now: float = NOW,
    *,
    wanted: int = 100,
    rate: int = 50,
    since: tuple[int, int] = (0, 0),
) -> tuple[int, float]:
    """Reserve send slots; return their number and the seconds to wait."""
    return store.send_slots(ENDPOINT, now=now, rate=rate, wanted=wanted, since=since)


def test_instance_that_is_ahead_takes_a_burst_and_no_more(store: Store) -> None:
    """Nobody sleeps for the hour by which another's clock is ahead."""
    assert slots(store, NOW + 3600) == (10, 0.02)
    assert slots(store) == (0, 0.02)
    assert slots(store, NOW + 0.02) == (1, 0.02)


def test_endpoint_is_sent_to_at_its_rate(store: Store) -> None:
    """A backlog is sent at a limited rate: a send slot each 20 ms, ten at once, for each endpoint (R8)."""
    assert slots(store, wanted=4) == (4, 0)
    assert slots(store) == (6, 0.02)
    assert slots(store) == (0, 0.02)
    assert store.send_slots(OTHER_ENDPOINT, now=NOW, rate=50, wanted=99) == (10, 0.02)
    assert slots(store, NOW + 0.07) == (3, 0.01)
    assert sum(slots(store, NOW + 1 + tick / 10)[0] for tick in range(11)) == 60
    assert sum(slots(store, NOW + 10 + tick / 10, rate=1000, wanted=999)[0] for tick in range(11)) == 1200
    assert sum(slots(store, NOW + 20 + tick / 10, rate=1)[0] for tick in range(31)) == 4


def test_endpoint_that_recovers_is_sent_to_slowly_at_first(store: Store) -> None:
    """After ten failures in a row there is one slot a second; with deliveries it doubles each second."""
    assert slots(store, since=(0, 9))[0] == 10
    assert slots(store, NOW + 10, since=(1, 5))[0] == 10
    assert slots(store, NOW + 20, since=(0, 9))[0] == 10
    assert slots(store, NOW + 30, since=(0, 1)) == (1, 1)
    assert slots(store, NOW + 30.5) == (0, 0.5)
    assert slots(store, NOW + 3600) == (1, 1), "it may be as long away as it likes"

    granted, at = [], NOW + 4000.0
    for _ in range(8):
        granted.append(sum(slots(store, at + tick / 20, since=(int(tick == 0), 0))[0] for tick in range(20)))
        at += 1
    assert granted == [pytest.approx(rate, abs=1) for rate in (2, 4, 8, 16, 32, 50, 50, 50)]

    assert slots(store, at + 1, since=(0, 10)) == (1, 1)


def test_one_delivery_of_an_upload_is_in_flight(store: Store) -> None:
    """The others wait, by their sequence, until it has ended; those of other uploads do not."""
    at = journal_files(store, 4)
    other = new_entry(new_session(), facts_in(uploaded()))
    store.journal(other, endpoint=ENDPOINT, now=NOW, next_attempt_at=DUE)

    taken = store.take(
        [at[1], at[3], at[2], at[0], store.key_of(other)],
        endpoint=ENDPOINT,
        now=DUE,
        lease="lease-1",
        lease_ends_at=DUE + 30,
    )

    assert [key for key, _ in taken] == [at[1], store.key_of(other)]
    assert store.due_events(now=DUE + 29, limit=10) == ()
    failed = AttemptEnding(
        "lease-1", ENDPOINT, DUE + 2, EventStatus.DUE, AttemptOutcome.FAILED, DUE + 99, {"attempts": "1"}
    )
    assert store.finish_attempt(at[1], failed)
    assert store.due_events(now=DUE + 1, limit=10) == ()
    assert store.due_events(now=DUE + 2, limit=10) == (at[0],)
    assert take(store, at[0], now=DUE + 2)
    assert store.finish_attempt(at[0], delivered("lease-2"))
    assert store.due_events(now=DUE + 2, limit=10) == (at[2],)


def test_delivery_whose_worker_died_holds_its_upload_until_its_lease_ends(store: Store) -> None:
    """Then the next one begins, and what the dead one has to tell ends nothing of that."""
    at = journal_files(store, 3)
    assert take(store, at[0], lease="dead")
    assert take(store, at[1], now=DUE + 1) is None

    assert store.due_events(now=DUE + 30, limit=10) == tuple(at)
    assert take(store, at[1], now=DUE + 30, lease="heir")
    assert store.finish_attempt(at[0], delivered("dead"))

    assert take(store, at[2], now=DUE + 31) is None
    assert store.finish_attempt(at[1], delivered("heir"))
    assert take(store, at[2], now=DUE + 31)


def test_waiting_event_that_is_gone_does_not_hold_up_the_next(store: Store, server: redis.Redis) -> None:
    """What the retention has ended while it waited is passed over."""
    at = journal_files(store, 3)
    assert [bool(take(store, one, lease="lease-1")) for one in at] == [True, False, False]
    server.zrem(f"{at[1].partition}:due", at[1].key)

    assert store.finish_attempt(at[0], delivered())

    assert store.due_events(now=DUE, limit=10) == (at[2],)


def test_shards_have_all_partitions_between_them(store: Store) -> None:
    """Each lists the events of its own, and none is listed by two."""
    for number in range(40):
        entry = new_entry(new_session(f"user-{number}"), facts_in(uploaded()))
        store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=DUE)

    shares = [store.due_events(now=DUE, limit=99, has=Share((number,), 3, {}).has) for number in range(3)]

    assert all(shares)
    assert sorted(at for share in shares for at in share) == sorted(store.due_events(now=DUE, limit=99))


def test_record_that_the_store_cannot_read_holds_up_no_other(store: Store, server: redis.Redis) -> None:
    """Of those that are taken together the others are; alone it is the store's error."""
    first, second = (new_entry(new_session(), facts_in(uploaded())) for _ in range(2))
    for entry in (first, second):
        store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=DUE)
    at = [store.key_of(first), store.key_of(second)]
    server.delete(at[0].key)
    server.set(at[0].key, "no hash")

    taken = store.take(at, endpoint=ENDPOINT, now=DUE, lease="lease-1", lease_ends_at=DUE + 30)

    assert [key for key, _ in taken] == at[1:]
    with pytest.raises(StoreUnavailableError):
        take(store, at[0])


def test_due_events_of_an_upload_are_listed_in_their_sequence(store: Store) -> None:
    """One whose next attempt is due later than that of its successor goes first, once both are due."""
    session = new_session()
    first, second = (of_its_upload(session, str(number)) for number in range(2))
    held = of_its_upload(session, "2", intended=IngestOutcome.HELD)
    other = new_entry(new_session(), facts_in(uploaded()))
    store.journal(first, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 9)
    store.journal(second, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 1)
    store.journal(other, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 5)
    store.journal(held, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW)

    due = store.due_events(now=NOW + 10, limit=10)

    ours = [at for at in due if at != store.key_of(other)]
    assert ours == [store.key_of(one) for one in (first, second, held)]
