from __future__ import annotations

from itertools import count

import pytest
import redis

from local.operator.event_store import PAGE, EventQuery, OperatorStore
from shared.domain.app_event import event_id_for
from shared.domain.event_status import AttemptOutcome, EventStatus, IngestOutcome
from shared.domain.journal import AttemptEnding, EventEntry, EventKey
from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope
from shared.store.endpoint import PAUSED_SECONDS
from shared.store.journal import Store
from tests.shared.loopback_peer import refused_port
from tests.shared.uploads import ENDPOINT, NOW, facts_in, new_session, uploaded

SCOPE = StoreScope("test", 604_800)
_numbers = count(1)


class Journal:
    """A store that events are journaled in, and the operators' access to it."""

    def __init__(self, url: str) -> None:
        """Open the store as it is."""
        self.store = Store(url, SCOPE)
        self.people = OperatorStore(url, SCOPE)

    def enter(  # noqa: PLR0913  # an event has that many parts
        self,
        *,
        user: str = "alice",
        at: int = NOW,
        intended: IngestOutcome = IngestOutcome.APPLIED,
        due: int | None = NOW,
        fields: tuple[tuple[str, str], ...] = (),
        upload: str = "",
    ) -> EventEntry:
        """Journal one more event."""
        session = new_session(user)
        entry = EventEntry(
            name=f"event-{next(_numbers)}",
            upload=session,
            facts=facts_in(uploaded(file_id=str(next(_numbers)))),
            intended=intended,
            verified=False,
            lease="ours",
            fields=(
                ("received_at", str(at)),
                ("verdict", "quarantined" if intended is IngestOutcome.QUARANTINED else "attributed"),
                ("delivery", "withheld" if intended is IngestOutcome.QUARANTINED else "due"),
                ("upload_id", upload or session.upload_id),
                ("raw", "{}"),
                *fields,
            ),
        )
        self.store.journal(entry, endpoint=ENDPOINT, now=at, next_attempt_at=due)
        return entry

    def end(
        self,
        entry: EventEntry,
        status: EventStatus,
        outcome: AttemptOutcome = AttemptOutcome.FAILED,
        *,
        at: int = NOW,
        keep_seconds: int = 60,
    ) -> bool:
        """End an event's delivery, `delivered` or dead; return False if the lease is lost."""
        ending = AttemptEnding(
            lease="ours",
            endpoint=ENDPOINT,
            now=at,
            status=status,
            outcome=AttemptOutcome.DELIVERED if status is EventStatus.DELIVERED else outcome,
            next_attempt_at=None,
            fields={"attempts": "10"},
            keep_seconds=keep_seconds,
        )
        return self.store.finish_attempt(self.store.key_of(entry), ending)

    def park(self, raw: str, *, at: int = NOW) -> None:
        """Fail to ingest an event until it is parked."""
        while not self.store.count_failure(raw, problem="KeyError", now=at, budget=10**6):
            pass

    def found(self, query: EventQuery | None = None) -> list[str]:
        """Return the ids of what is found, in order."""
        return [event.event_id for event in self.people.find(query or EventQuery())]


def id_of(entry: EventEntry) -> str:
    """Return the id under which the app knows an event."""
    return event_id_for(entry.name)


@pytest.fixture
def journal(valkey_url: str) -> Journal:
    """Return an empty journal."""
    return Journal(valkey_url)


def test_each_state_finds_its_own_events_and_no_others(journal: Journal) -> None:
    """Each state selects exactly its own events."""
    delivered, dead = journal.enter(user="bob"), journal.enter(user="carol")
    journal.end(delivered, EventStatus.DELIVERED)
    journal.end(dead, EventStatus.DEAD)
    expected = {
        EventStatus.DUE: id_of(journal.enter()),
        EventStatus.HELD: id_of(journal.enter(intended=IngestOutcome.HELD)),
        EventStatus.DELIVERED: id_of(delivered),
        EventStatus.DEAD: id_of(dead),
        EventStatus.QUARANTINED: id_of(journal.enter(intended=IngestOutcome.QUARANTINED, due=None)),
        EventStatus.KEPT: id_of(journal.enter(due=None)),
    }
    journal.park('{"EventType":"Strange"}')

    assert {state: journal.found(EventQuery(state)) for state in expected} == {
        state: [event_id] for state, event_id in expected.items()
    }
    (parked,) = journal.found(EventQuery(EventStatus.PARKED))
    assert sorted(journal.found()) == sorted([*expected.values(), parked])


def test_events_of_all_partitions_come_newest_first(journal: Journal) -> None:
    """The order is that of receipt, whoever's events they are, parked ones among them."""
    entries = [journal.enter(user=f"user-{number}", at=NOW + number * 7 % 40) for number in range(40)]
    journal.park("x", at=NOW + 100)

    found = list(journal.people.find(EventQuery()))

    assert [event.received_at for event in found] == [NOW + 100, *range(NOW + 39, NOW - 1, -1)]
    assert {event.event_id for event in found[1:]} == {id_of(entry) for entry in entries}


@pytest.mark.parametrize("state", [EventStatus.DEAD, EventStatus.DUE])
def test_events_of_a_state_come_in_the_order_of_receipt(journal: Journal, state: EventStatus) -> None:
    """When an event died, or is tried next, does not decide where it stands."""
    first = journal.enter(user="bob", at=NOW, due=NOW + 900)
    last = journal.enter(at=NOW + 1, due=NOW + 5)
    if state is EventStatus.DEAD:
        journal.end(last, EventStatus.DEAD, at=NOW + 10)
        journal.end(first, EventStatus.DEAD, at=NOW + 20)

    assert journal.found(EventQuery(state)) == [id_of(last), id_of(first)]


def test_event_that_an_earlier_release_lists_twice_is_found_once(journal: Journal, valkey_url: str) -> None:
    """Its journal names each event, also one that is due or dead; this one's, those of no other list."""
    due, dead = journal.enter(user="bob"), journal.enter(at=NOW + 1)
    journal.end(dead, EventStatus.DEAD)
    with redis.Redis.from_url(valkey_url) as connection:
        assert list(connection.scan_iter("*:journal")) == []
        for entry in (due, dead):
            at = journal.store.key_of(entry)
            connection.zadd(f"{at.partition}:journal", {at.key: NOW})

    assert journal.found() == [id_of(dead), id_of(due)]
    assert len(journal.people.with_id(id_of(due)[:12], limit=2)) == 1


@pytest.mark.parametrize("state", [None, EventStatus.DUE])
def test_time_span_counts_both_of_its_ends(journal: Journal, state: EventStatus | None) -> None:
    """`since` and `until` are times of receipt, not of the next attempt."""
    entries = [journal.enter(at=NOW + second, due=NOW + 9000 - second) for second in range(5)]

    found = journal.found(EventQuery(state, since=NOW + 1, until=NOW + 3))

    assert found == [id_of(entry) for entry in reversed(entries[1:4])]


def test_events_of_one_upload_are_told_from_the_others(journal: Journal) -> None:
    """All events of an upload are found by its id."""
    wanted = [journal.enter(upload="U1", at=NOW), journal.enter(upload="U1", at=NOW + 1)]
    journal.enter(upload="U2")

    assert journal.found(EventQuery(upload_id="U1")) == [id_of(entry) for entry in reversed(wanted)]


def test_more_than_a_page_is_found_whole(journal: Journal) -> None:
    """Pages neither lose nor repeat an event, many of one second and one user included."""
    entries = [journal.enter(at=NOW + number // 150) for number in range(2 * PAGE + 50)]

    assert sorted(journal.found()) == sorted(id_of(entry) for entry in entries)


def test_new_event_during_the_walk_repeats_nothing(journal: Journal) -> None:
    """What comes while one reads shifts the pages; still each older event is found once."""
    entries = [journal.enter(at=NOW + number) for number in range(PAGE + 20)]

    walk = journal.people.find(EventQuery())
    found = [next(walk).event_id]
    for number in range(30):
        journal.enter(at=NOW + 1000 + number)
    found += [event.event_id for event in walk]

    assert found == [id_of(entry) for entry in reversed(entries)]


def test_list_is_read_without_the_raw_events_and_the_rest_on_demand(journal: Journal) -> None:
    """A long list does not carry every raw event; reading one brings all of its fields."""
    entry = journal.enter(fields=(("origin", "pull"),), due=NOW + 60)

    (summary,) = journal.people.find(EventQuery())
    (whole,) = journal.people.read([summary.at])

    assert "raw" not in summary.record
    assert (whole.record["raw"], whole.record["origin"], whole.record["name"]) == ("{}", "pull", entry.name)
    assert (summary.next_attempt_at, whole.next_attempt_at) == (NOW + 60, NOW + 60)


def test_event_whose_record_is_gone_is_left_out(journal: Journal, valkey_url: str) -> None:
    """A sorted set can outlive the records it names."""
    gone, there = journal.enter(user="bob"), journal.enter()
    journal.end(gone, EventStatus.DEAD)
    with redis.Redis.from_url(valkey_url) as connection:
        connection.delete(journal.store.key_of(gone).key)

    assert journal.found() == [id_of(there)]
    assert journal.found(EventQuery(EventStatus.DEAD)) == []
    assert journal.people.with_id(id_of(gone), limit=1) == ()
    assert list(journal.people.read([])) == []


def test_record_with_nonsense_for_numbers_does_not_end_the_list(journal: Journal) -> None:
    """One broken record cannot hide the others."""
    journal.enter(fields=(("received_at", "soon"), ("attempts", "²")))
    journal.enter()

    assert [(event.received_at, event.attempts) for event in journal.people.find(EventQuery())] in (
        [(NOW, 0), (0, 0)],
        [(0, 0), (NOW, 0)],
    )


def test_delivered_events_come_in_the_order_of_receipt(journal: Journal) -> None:
    """When an event was delivered does not decide where it stands, more than a page of them included."""
    entries = [journal.enter(user=f"user-{number % 3}", at=NOW + number) for number in range(PAGE + 20)]
    for number, entry in enumerate(entries):
        if number % 5:
            journal.end(entry, EventStatus.DELIVERED, at=NOW + 3 * PAGE - number, keep_seconds=900)
    ids = [id_of(entry) for entry in reversed(entries)]

    assert journal.found() == ids
    delivered = [event_id for place, event_id in enumerate(reversed(ids)) if place % 5][::-1]
    assert journal.found(EventQuery(EventStatus.DELIVERED)) == delivered
    span = EventQuery(EventStatus.DELIVERED, since=NOW + 11, until=NOW + 13)
    assert journal.found(span) == [id_of(entry) for entry in entries[13:10:-1]]


def test_tombstone_tells_that_an_event_was_delivered(journal: Journal) -> None:
    """Its whole id still names it; that it has gone to the app is all that is known of it."""
    entry = journal.enter()
    journal.end(entry, EventStatus.DELIVERED, keep_seconds=0)

    (event,) = journal.people.with_id(id_of(entry), limit=1)

    assert (event.event_id, event.status, event.has_bytes) == (id_of(entry), EventStatus.DELIVERED, False)
    assert not journal.people.revive(event.at, now=NOW)
    assert journal.found() == []


def test_event_is_found_by_the_id_that_the_app_sees(journal: Journal) -> None:
    """The id in the webhook leads to the event, whole or by how it alone begins."""
    entry = journal.enter()
    others = [journal.enter(user=f"user-{number}") for number in range(20)]
    unlike = next(length for length in range(5, 36) if _alone(id_of(entry)[:length], others))

    assert [event.record["name"] for event in journal.people.with_id(id_of(entry), limit=2)] == [entry.name]
    assert [event.event_id for event in journal.people.with_id(id_of(entry)[:unlike], limit=2)] == [
        id_of(entry)
    ]


def test_beginning_of_many_ids_gives_no_more_than_asked_for(journal: Journal) -> None:
    """Of several ids with a common beginning no more than the limit are returned."""
    entries = [journal.enter() for _ in range(17)]
    digits = [id_of(entry)[4] for entry in entries]
    common = max(digits, key=digits.count)

    assert len(journal.people.with_id(f"evt_{common}", limit=2)) == 2


def test_parked_event_has_an_id_and_its_count_of_failures(journal: Journal) -> None:
    """An event that could not be ingested is listed, too."""
    journal.park('{"EventType":"Strange"}')
    (parked,) = journal.people.find(EventQuery(EventStatus.PARKED))

    (by_id,) = journal.people.with_id(parked.event_id, limit=2)
    (by_part,) = journal.people.with_id(parked.event_id[:12], limit=2)

    assert parked.event_id.startswith("parked_")
    assert by_id.record == by_part.record
    assert by_id.record["raw"] == '{"EventType":"Strange"}'
    assert (by_id.status, by_id.attempts, by_id.record["problem"]) == (EventStatus.PARKED, 5, "KeyError")


@pytest.mark.parametrize("event_id", ["", "evt_", "evt_XYZ", "evt_" + "0" * 33, "vuf:*", "evt_*", "evt_0\n"])
def test_text_that_is_no_id_names_nothing(journal: Journal, event_id: str) -> None:
    """No text that is not an id gets into a key."""
    journal.enter()

    assert journal.people.with_id(event_id, limit=2) == ()


@pytest.mark.parametrize("status", [EventStatus.DEAD, EventStatus.DELIVERED])
def test_revived_event_is_due_at_once_with_all_attempts_ahead(journal: Journal, status: EventStatus) -> None:
    """A dead event, and a delivered one too, starts over under its own id."""
    entry = journal.enter()
    journal.end(entry, status)
    (ended,) = journal.people.find(EventQuery())

    revived = journal.people.revive(ended.at, now=NOW + 50)
    (event,) = journal.people.find(EventQuery())

    assert revived
    assert event.event_id == id_of(entry)
    assert (event.status, event.attempts, event.next_attempt_at) == (EventStatus.DUE, 0, NOW + 50)
    assert journal.found(EventQuery(EventStatus.DEAD)) == []
    assert journal.store.due_events(now=NOW + 50, limit=9) == (ended.at,)


def test_reviving_takes_the_event_from_who_holds_it(journal: Journal) -> None:
    """A worker that was on it when it was revived cannot write its outcome over the fresh start."""
    entry = journal.enter()
    journal.people.revive(journal.store.key_of(entry), now=NOW)

    assert not journal.end(entry, EventStatus.DELIVERED)
    assert journal.found(EventQuery(EventStatus.DUE)) == [id_of(entry)]


def test_what_is_never_delivered_cannot_be_revived(journal: Journal) -> None:
    """Quarantined, parked and forgotten events stay what they are."""
    quarantined = journal.store.key_of(journal.enter(intended=IngestOutcome.QUARANTINED, due=None))
    journal.park("x")
    (parked,) = journal.people.find(EventQuery(EventStatus.PARKED))
    gone = EventKey(quarantined.partition, f"{quarantined.partition}:event:{'0' * 32}")

    assert [journal.people.revive(at, now=NOW) for at in (quarantined, parked.at, gone)] == [False] * 3
    assert journal.store.due_events(now=NOW + 9999, limit=9) == ()


def test_endpoint_that_nothing_was_sent_to_has_no_history(journal: Journal) -> None:
    """An endpoint without deliveries is not paused."""
    health = journal.people.endpoint_health(ENDPOINT)

    assert (health.delivered_at, health.failing_since, health.disabled_since) == (None, None, None)
    assert not health.is_paused(now=NOW)


def test_endpoint_fails_since_the_first_failure_of_any_partition(journal: Journal) -> None:
    """Each partition knows its own; the earliest counts, and five days later it is paused."""
    for number in range(8):
        journal.end(journal.enter(user=f"user-{number}"), EventStatus.DEAD, at=NOW + 93 + number)

    health = journal.people.endpoint_health(ENDPOINT)

    assert health.failing_since == NOW + 93
    assert not health.is_paused(now=NOW + 93 + PAUSED_SECONDS)
    assert health.is_paused(now=NOW + 94 + PAUSED_SECONDS)
    assert journal.people.endpoint_health(ENDPOINT + "/other").failing_since is None


def test_delivery_in_one_partition_shows_that_the_endpoint_is_back(journal: Journal) -> None:
    """A partition without events does not hear of the recovery, and its old failure says nothing."""
    users = ["alice", *(f"user-{number}" for number in range(8))]
    for user in users:
        journal.end(journal.enter(user=user), EventStatus.DEAD, at=NOW)
    journal.end(journal.enter(user="alice"), EventStatus.DELIVERED, at=NOW + 50)

    recovered = journal.people.endpoint_health(ENDPOINT)
    journal.end(journal.enter(user="user-1"), EventStatus.DEAD, at=NOW + 60)
    journal.end(journal.enter(user="alice"), EventStatus.DEAD, at=NOW + 70)
    failing_again = journal.people.endpoint_health(ENDPOINT)

    assert (recovered.delivered_at, recovered.failing_since) == (NOW + 50, None)
    assert (failing_again.delivered_at, failing_again.failing_since) == (NOW + 50, NOW + 70)


def test_disabled_endpoint_is_enabled_in_every_partition(journal: Journal) -> None:
    """After a 410 enabling the endpoint takes effect in every partition."""
    for number in range(8):
        entry = journal.enter(user=f"user-{number}")
        journal.end(entry, EventStatus.DEAD, AttemptOutcome.GONE, at=NOW + number)
    disabled = journal.people.endpoint_health(ENDPOINT)

    enabled = journal.people.enable_endpoint(ENDPOINT)

    assert disabled.disabled_since == NOW
    assert enabled
    assert journal.people.endpoint_health(ENDPOINT).disabled_since is None
    assert journal.people.endpoint_health(ENDPOINT).failing_since == NOW
    assert not journal.people.enable_endpoint(ENDPOINT)


def test_another_stage_sees_nothing(journal: Journal, valkey_url: str) -> None:
    """Stages that share a store stay apart."""
    journal.enter()

    assert list(OperatorStore(valkey_url, StoreScope("prod", 3600)).find(EventQuery())) == []


def test_store_that_does_not_answer_is_told_without_its_address() -> None:
    """Every call to an unreachable store raises StoreUnavailableError without the address."""
    people = OperatorStore(f"redis://:canary-password@127.0.0.1:{refused_port()}/0", SCOPE)

    for ask in (
        lambda: list(people.find(EventQuery())),
        lambda: people.with_id("evt_" + "0" * 32, limit=1),
        lambda: people.revive(EventKey("p", "k"), now=NOW),
        lambda: people.endpoint_health(ENDPOINT),
        lambda: people.enable_endpoint(ENDPOINT),
    ):
        with pytest.raises(StoreUnavailableError) as caught:
            ask()
        assert "canary" not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)


def _alone(start: str, others: list[EventEntry]) -> bool:
    return not any(id_of(other).startswith(start) for other in others)
