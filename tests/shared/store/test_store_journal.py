from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.event_status import EventStatus, IngestOutcome, Verdict
from shared.domain.journal import AttemptEnding, EventEntry, Journaled
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import UploadSession, UploadState, expiry_facts, state_of
from tests.shared.store.every_method import SCOPE
from tests.shared.uploads import (
    ENDPOINT,
    FILE_ID,
    NOW,
    OTHER_FILE_ID,
    SESSION_SECONDS,
    TASK_ID,
    changed,
    facts_in,
    new_entry,
    new_session,
    uploaded,
)

if TYPE_CHECKING:
    import redis

    from shared.store.journal import Store

HOUR = 3600
NO_FILE = {"EventType": "ReviewAudioVideoComplete", "ReviewAudioVideoCompleteEvent": {"TaskId": "1"}}
ATTRIBUTED = Journaled(IngestOutcome.APPLIED, Verdict.ATTRIBUTED, 1)
HELD = Journaled(IngestOutcome.HELD)
_nonces = count()


@pytest.fixture
def session(store: Store) -> UploadSession:
    """Begin an upload."""
    session = new_session()
    store.begin_upload(session, randoms=(next(_nonces),), now=NOW, limits=UploadLimits(1000))
    return session


def journal(store: Store, entry: EventEntry, *, now: int = NOW + 60) -> Journaled:
    """Journal an event, with ten seconds for its first attempt."""
    return store.journal(entry, endpoint=ENDPOINT, now=now, next_attempt_at=now + 10)


def told(
    store: Store, session: UploadSession, *events: dict[str, Any], now: int = NOW + 60
) -> list[Journaled]:
    """Journal what VOD is known to have said of an upload."""
    return [journal(store, new_entry(session, facts_in(event)), now=now) for event in events]


def held(store: Store, session: UploadSession, event: dict[str, Any]) -> EventEntry:
    """Journal an event that waits for the read-back; return its entry."""
    entry = new_entry(session, facts_in(event), intended=IngestOutcome.HELD)
    assert journal(store, entry) == HELD
    return entry


def ended(store: Store, session: UploadSession) -> Journaled:
    """Announce that an upload nobody used has expired."""
    return journal(store, new_entry(session, expiry_facts(now=NOW)), now=NOW)


def found(store: Store, session: UploadSession) -> UploadSession:
    """Read the upload as it is now."""
    return store.find_upload(session.user_id, session.upload_id)


def due(store: Store, *, now: int) -> int:
    """Return how many events are due."""
    return len(store.due_events(now=now, limit=10))


def test_trusted_event_moves_its_upload(store: Store, session: UploadSession) -> None:
    """What VOD is known to have said becomes part of the session in the same step."""
    facts = facts_in(uploaded(task_id=TASK_ID), received_at=NOW + 60)

    assert journal(store, new_entry(session, facts)) == ATTRIBUTED
    address = f"https://1500012345.vod-example.test/{FILE_ID}"
    assert found(store, session) == session._replace(
        uploaded_at=NOW + 60,
        file_id=FILE_ID,
        media_url=f"{address}/original.mp4",
        cover_url=f"{address}/cover.png",
        procedure_task_id=TASK_ID,
        media_type="mp4",
        updated_at=NOW + 60,
        sequence=1,
    )


def test_second_copy_is_a_duplicate_and_moves_nothing(store: Store, session: UploadSession) -> None:
    """An event is known by its name alone: whatever else a copy says does not count."""
    entry = new_entry(session, facts_in(uploaded()), name="one")
    journal(store, entry)
    before = found(store, session)
    disguised = entry._replace(facts=facts_in(uploaded(file_id=OTHER_FILE_ID)), lease="lease-2")

    for copy in (entry, disguised):
        assert journal(store, copy, now=NOW + 90) == Journaled(IngestOutcome.DUPLICATE)
    assert found(store, session) == before


def test_one_of_many_files_claims_the_upload(store: Store, session: UploadSession) -> None:
    """When many files come at once under one upload, exactly one is not replayed."""
    events = [uploaded(file_id=str(10**18 + number)) for number in range(32)]

    with ThreadPoolExecutor(16) as pool:
        verdicts = Counter(one.verdict for (one,) in pool.map(lambda it: told(store, session, it), events))

    assert verdicts == {Verdict.ATTRIBUTED: 1, Verdict.REPLAYED: 31}


def test_first_file_claims_the_upload_and_a_second_is_replayed(store: Store, session: UploadSession) -> None:
    """A signature used twice gives two files: the first is the upload's, the second only counted (F31)."""
    told(store, session, uploaded())
    before = found(store, session)

    second = uploaded(file_id=OTHER_FILE_ID), changed(file_id=OTHER_FILE_ID, subtask="FAIL")

    expected = [Journaled(IngestOutcome.APPLIED, Verdict.REPLAYED, number) for number in (2, 3)]
    assert told(store, session, *second) == expected
    assert found(store, session) == before._replace(sequence=3)


@pytest.mark.parametrize(
    ("seconds", "ending", "verdict"),
    [
        pytest.param(SESSION_SECONDS - 1, None, "attributed", id="in the last second"),
        pytest.param(SESSION_SECONDS, None, "late", id="at the end"),
        pytest.param(60, "cancelled", "late", id="after a cancellation, of which VOD does not know"),
        pytest.param(60, "expired", "late", id="after upload.expired, which it outweighs"),
    ],
)
def test_file_after_the_end_is_late(
    store: Store, session: UploadSession, seconds: int, ending: str | None, verdict: str
) -> None:
    """A file that comes after its session has ended is accepted, and marked (S27)."""
    if ending == "cancelled":
        store.cancel_upload("alice", session.upload_id, now=NOW + 5)
    elif ending == "expired":
        ended(store, session)

    (journaled,) = told(store, session, uploaded(), now=NOW + seconds)

    assert journaled.verdict == verdict
    assert state_of(found(store, session), now=NOW + seconds) is UploadState.UPLOADED


def test_task_flow_of_a_late_file_is_not_late(store: Store, session: UploadSession) -> None:
    """Only the file itself can be late, not a task flow."""
    told(store, session, uploaded(task_id=TASK_ID))

    (end,) = told(store, session, changed(), now=NOW + SESSION_SECONDS)

    assert end.verdict == "attributed"


def test_lost_record_is_made_anew_from_the_token(store: Store) -> None:
    """The sealed token proves the identity: an event whose session is gone recreates the record."""
    lost = new_session(context="lesson 3")

    assert told(store, lost, uploaded()) == [ATTRIBUTED]
    again = found(store, lost)
    assert (again.user_id, again.grant, again.file_id) == ("alice", lost.grant, FILE_ID)
    assert (again.issued_at, again.ends_at) == (lost.issued_at, lost.ends_at)


def test_record_that_is_there_is_not_overwritten_by_the_token(store: Store, session: UploadSession) -> None:
    """The token tells less than the record: what the session began with stays."""
    token = session._replace(grant=session.grant._replace(policy="", ttl_seconds=0), ends_at=1)

    assert told(store, token, uploaded()) == [ATTRIBUTED]
    assert found(store, session).grant == session.grant


@pytest.mark.parametrize(
    ("first", "verified", "second"),
    [
        pytest.param(uploaded(task_id=TASK_ID), True, changed(), id="verified, of the same file"),
        pytest.param(uploaded(), False, changed(), id="trusted, with the read-back off"),
        pytest.param(NO_FILE, True, NO_FILE, id="verified, of no file"),
    ],
)
def test_event_vouches_for_no_other(
    store: Store, session: UploadSession, first: dict[str, Any], second: dict[str, Any], *, verified: bool
) -> None:
    """That a file is the upload's says nothing about what the next pushed event tells of it."""
    journal(store, new_entry(session, facts_in(first), verified=verified))

    held(store, session, second)


@pytest.mark.parametrize(("waits", "due_at"), [(HOUR, NOW + 90), (30, NOW + 120)])
def test_copy_of_a_held_event_makes_it_due(
    store: Store, session: UploadSession, waits: int, due_at: int
) -> None:
    """A false event told first must not delay the true one; a valid lease is not affected."""
    entry = held(store, session, changed())
    vain = AttemptEnding(entry.lease, ENDPOINT, NOW + 70, EventStatus.DUE, None, NOW + 90 + waits, {})
    store.finish_attempt(store.key_of(entry), vain)

    copy = entry._replace(lease="lease-2")
    assert journal(store, copy, now=NOW + 90) == Journaled(IngestOutcome.DUPLICATE)
    assert [due(store, now=due_at - 1), due(store, now=due_at)] == [0, 1]


def test_event_settled_by_nobodys_lease_is_lost_to_him(store: Store, session: UploadSession) -> None:
    """A worker without the lease changes neither the event nor the upload (F29)."""
    late = held(store, session, uploaded())._replace(lease="lease-of-somebody-else")
    unknown = new_entry(session, facts_in(uploaded()))

    for entry, genuine in ((late, True), (late, False), (unknown, True)):
        assert store.settle(entry, now=NOW + 61, genuine=genuine) == Journaled(IngestOutcome.LOST)
    assert found(store, session) == session


@pytest.mark.parametrize("used", ["file", "cancelled", "lost"])
def test_upload_that_was_used_or_ended_does_not_expire(
    store: Store, session: UploadSession, used: str
) -> None:
    """A file that arrives meanwhile wins; what its user has ended, or nothing is known of, has ended."""
    if used == "file":
        told(store, session, uploaded())
    elif used == "cancelled":
        store.cancel_upload("alice", session.upload_id, now=NOW + 5)
    before = due(store, now=NOW + 99_999)

    ending = ended(store, new_session() if used == "lost" else session)

    assert ending == Journaled(IngestOutcome.SUPERSEDED)
    assert found(store, session).expired_at is None
    assert due(store, now=NOW + 99_999) == before


@pytest.mark.parametrize(
    ("event", "check_at"),
    [(uploaded(), None), (uploaded(task_id=TASK_ID), NOW + 60 + HOUR), (changed(), NOW + SESSION_SECONDS)],
    ids=["upload", "upload with a task flow", "end of a task flow whose upload is unheard of"],
)
def test_event_plans_the_next_check(
    store: Store, session: UploadSession, event: dict[str, Any], check_at: int | None
) -> None:
    """An upload is looked after for as long as something more is to come of it."""
    told(store, session, event)

    checks = [len(store.uploads_to_check(now=now, limit=10)) for now in ((check_at or NOW) - 1, NOW * 2)]
    assert checks == [0, 0 if check_at is None else 1]
    assert check_at is None or store.uploads_to_check(now=check_at, limit=10)


def test_upload_in_use_is_kept_longer(store: Store, session: UploadSession, server: redis.Redis) -> None:
    """Every event starts an upload's retention anew."""
    key = next(server.scan_iter("*:upload:*"))
    server.expire(key, 5)

    told(store, session, uploaded())

    assert server.ttl(key) > HOUR


def test_journal_lists_only_what_is_still_kept(
    store: Store, session: UploadSession, server: redis.Redis
) -> None:
    """Expired events are removed from the journal's index."""
    old, young = new_entry(session), new_entry(session)

    for entry, now in ((old, NOW), (young, NOW + SCOPE.retention_seconds)):
        store.journal(entry, endpoint=ENDPOINT, now=now, next_attempt_at=None)

    listed = server.zrange(f"{store.key_of(old).partition}:journal", 0, -1)
    assert listed == [store.key_of(young).key]


def test_hostile_texts_are_kept_as_they_are(
    store: Store, session: UploadSession, server: redis.Redis
) -> None:
    """Values of an event are arguments, never part of a script or a key (S44)."""
    hostile = "'); redis.call('FLUSHALL') --\r\n*1\r\n$8\r\nFLUSHALL\r\n\x00\U0001f600" * 100
    entry = new_entry(session, name=f"event {hostile}")._replace(fields=(("raw", hostile),))

    journal(store, entry)

    assert server.get(store.key_of(entry).body) == hostile
    assert found(store, session).sequence == 1
