from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest
import redis

from shared.domain.event_status import EventStatus, IngestOutcome, Verdict
from shared.domain.journal import AttemptEnding, EventEntry, Journaled
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import UploadSession, UploadState, expiry_facts, state_of
from shared.store.connection import StoreScope
from shared.store.journal import Store
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

HOUR = 3600
_nonces = count()


@pytest.fixture
def store(valkey_url: str) -> Store:
    """Return an empty store."""
    return Store(valkey_url, StoreScope("test", 2 * HOUR))


@pytest.fixture
def session(store: Store) -> UploadSession:
    """Begin an upload."""
    session = new_session()
    store.begin_upload(session, randoms=(next(_nonces),), now=NOW, limits=UploadLimits(1000))
    return session


def journal(store: Store, entry: EventEntry, *, now: int = NOW + 60) -> Journaled:
    """Journal an event, with ten seconds for its first attempt."""
    return store.journal(entry, endpoint=ENDPOINT, now=now, next_attempt_at=now + 10)


def found(store: Store, session: UploadSession) -> UploadSession:
    """Read the upload as it is now."""
    return store.find_upload(session.user_id, session.upload_id)


def test_trusted_event_moves_its_upload(store: Store, session: UploadSession) -> None:
    """What VOD is known to have said becomes part of the session in the same step."""
    facts = facts_in(uploaded(task_id=TASK_ID), received_at=NOW + 60)

    journaled = journal(store, new_entry(session, facts))

    assert journaled == Journaled(IngestOutcome.APPLIED, Verdict.ATTRIBUTED, 1)
    address = f"https://1500012345.vod-example.test/{FILE_ID}"
    assert found(store, session) == replace(
        session,
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

    again = journal(store, entry, now=NOW + 90)
    disguised = journal(
        store, new_entry(session, facts_in(uploaded(file_id=OTHER_FILE_ID)), name="one", lease="lease-2")
    )

    assert again == disguised == Journaled(IngestOutcome.DUPLICATE)
    assert found(store, session) == before


def test_one_of_many_copies_is_new(store: Store, session: UploadSession) -> None:
    """However many copies come at once, one is journaled and moves the upload once (R2)."""
    facts = facts_in(uploaded())

    with ThreadPoolExecutor(16) as pool:
        entries = [new_entry(session, facts, name="one", lease=f"lease-{number}") for number in range(32)]
        journaled = list(pool.map(lambda entry: journal(store, entry), entries))

    assert sorted(one.outcome for one in journaled) == ["applied", *["duplicate"] * 31]
    assert found(store, session).sequence == 1


def test_events_of_one_upload_are_numbered(store: Store, session: UploadSession) -> None:
    """Each upload counts its events from one, so that an app can put them in order."""
    other = new_session()
    events = [uploaded(task_id=TASK_ID), changed(status="PROCESSING", progress=5), changed()]

    numbers = [journal(store, new_entry(session, facts_in(event))).sequence for event in events]
    journal(store, new_entry(other, facts_in(uploaded())))

    assert numbers == [1, 2, 3]
    assert found(store, session).sequence == 3
    assert found(store, other).sequence == 1


def test_first_file_claims_the_upload_and_a_second_is_replayed(store: Store, session: UploadSession) -> None:
    """A signature used twice gives two files: the first is the upload's, the second only counted (F31)."""
    journal(store, new_entry(session, facts_in(uploaded())))
    before = found(store, session)

    second = journal(store, new_entry(session, facts_in(uploaded(file_id=OTHER_FILE_ID))))
    its_flow = journal(store, new_entry(session, facts_in(changed(file_id=OTHER_FILE_ID, subtask="FAIL"))))

    assert second == Journaled(IngestOutcome.APPLIED, Verdict.REPLAYED, 2)
    assert its_flow == Journaled(IngestOutcome.APPLIED, Verdict.REPLAYED, 3)
    assert found(store, session) == replace(before, sequence=3)


def test_one_of_many_files_claims_the_upload(store: Store, session: UploadSession) -> None:
    """When many files come at once under one upload, exactly one is not replayed."""
    entries = [new_entry(session, facts_in(uploaded(file_id=str(10**18 + number)))) for number in range(32)]

    with ThreadPoolExecutor(16) as pool:
        verdicts = Counter(one.verdict for one in pool.map(lambda entry: journal(store, entry), entries))

    assert verdicts == {Verdict.ATTRIBUTED: 1, Verdict.REPLAYED: 31}


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(SESSION_SECONDS - 1, "attributed"), (SESSION_SECONDS, "late")]
)
def test_file_after_the_end_is_late(store: Store, session: UploadSession, seconds: int, verdict: str) -> None:
    """A file that comes after its session has ended is accepted, and marked (S27)."""
    journaled = journal(store, new_entry(session, facts_in(uploaded())), now=NOW + seconds)

    assert journaled.verdict == verdict
    assert state_of(found(store, session), now=NOW + seconds) is UploadState.UPLOADED


def test_file_of_a_cancelled_upload_is_late(store: Store, session: UploadSession) -> None:
    """VOD does not know of cancellations: a file that comes all the same is kept, and marked."""
    store.cancel_upload("alice", session.upload_id, now=NOW + 5)

    assert journal(store, new_entry(session, facts_in(uploaded()))).verdict == "late"


def test_task_flow_of_a_late_file_is_not_late(store: Store, session: UploadSession) -> None:
    """Only the file itself can be late, not a task flow."""
    journal(store, new_entry(session, facts_in(uploaded(task_id=TASK_ID))))

    end = journal(store, new_entry(session, facts_in(changed())), now=NOW + SESSION_SECONDS)

    assert end.verdict == "attributed"


def test_processing_never_undoes_a_finish(store: Store, session: UploadSession) -> None:
    """A report that was overtaken by the end of its task flow changes nothing (F32)."""
    journal(store, new_entry(session, facts_in(changed(subtask="FAIL"))))
    before = found(store, session)

    late = changed(status="PROCESSING", subtask="PROCESSING", progress=99)
    journal(store, new_entry(session, facts_in(late)))

    assert found(store, session).procedure == before.procedure
    assert state_of(found(store, session), now=NOW) is UploadState.FAILED


def test_lost_record_is_made_anew_from_the_token(store: Store) -> None:
    """The sealed token proves the identity: an event whose session is gone recreates the record."""
    lost = new_session(context="lesson 3")

    journaled = journal(store, new_entry(lost, facts_in(uploaded())))

    assert journaled == Journaled(IngestOutcome.APPLIED, Verdict.ATTRIBUTED, 1)
    again = found(store, lost)
    assert (again.user_id, again.grant, again.file_id) == ("alice", lost.grant, FILE_ID)
    assert (again.issued_at, again.ends_at) == (lost.issued_at, lost.ends_at)


def test_record_that_is_there_is_not_overwritten_by_the_token(store: Store, session: UploadSession) -> None:
    """The token tells less than the record: what the session began with stays."""
    told = replace(session, grant=replace(session.grant, policy="", ttl_seconds=0), ends_at=1)

    assert journal(store, new_entry(told, facts_in(uploaded()))).verdict == "attributed"
    assert found(store, session).grant == session.grant


def test_event_of_no_upload_is_recorded(store: Store) -> None:
    """An event without a token of ours is kept and due for delivery, and moves nothing."""
    journaled = journal(store, new_entry(None, intended=IngestOutcome.RECORDED))

    assert journaled == Journaled(IngestOutcome.RECORDED)
    assert len(store.due_events(now=NOW + 70, limit=10)) == 1


def test_quarantined_event_is_kept_and_never_due(store: Store, valkey_url: str) -> None:
    """What claims to be ours and is not can be looked at, and is not delivered."""
    entry = new_entry(None, intended=IngestOutcome.QUARANTINED)

    journaled = store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=None)

    assert journaled == Journaled(IngestOutcome.RECORDED)
    assert store.due_events(now=NOW + 99_999, limit=10) == ()
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        assert client.zrange(f"{store.key_of(entry).partition}:quarantined", 0, -1) == [
            store.key_of(entry).key
        ]


def test_untrusted_event_is_held_and_moves_nothing_yet(store: Store, session: UploadSession) -> None:
    """A pushed event waits for the read-back: its upload stays as it was, its delivery is due."""
    journaled = journal(store, new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD))

    assert journaled == Journaled(IngestOutcome.HELD)
    assert found(store, session) == session
    assert len(store.due_events(now=NOW + 70, limit=10)) == 1


def test_genuine_event_moves_its_upload_when_it_is_settled(store: Store, session: UploadSession) -> None:
    """Once VOD has confirmed the file, the held event counts as if it had been trusted."""
    entry = new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD)
    journal(store, entry)

    settled = store.settle(entry, now=NOW + 61, genuine=True)

    assert settled == Journaled(IngestOutcome.VERIFIED, Verdict.ATTRIBUTED, 1)
    assert found(store, session).file_id == FILE_ID


def test_forged_event_leaves_the_upload_untouched(store: Store, session: UploadSession) -> None:
    """When the read-back disagrees the event is quarantined, and the genuine file still has its place."""
    forged = new_entry(session, facts_in(uploaded(file_id=OTHER_FILE_ID)), intended=IngestOutcome.HELD)
    journal(store, forged)

    assert store.settle(forged, now=NOW + 61, genuine=False) == Journaled(
        IngestOutcome.QUARANTINED, Verdict.QUARANTINED
    )
    assert found(store, session) == session
    assert store.due_events(now=NOW + 99_999, limit=10) == ()

    genuine = new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD)
    journal(store, genuine)
    assert store.settle(genuine, now=NOW + 62, genuine=True) == Journaled(
        IngestOutcome.VERIFIED, Verdict.ATTRIBUTED, 1
    )


def test_verified_event_vouches_for_no_other(store: Store, session: UploadSession) -> None:
    """That a file is the upload's says nothing about what the next pushed event tells of it."""
    first = new_entry(session, facts_in(uploaded(task_id=TASK_ID)), intended=IngestOutcome.HELD)
    journal(store, first)
    store.settle(first, now=NOW + 61, genuine=True)
    pulled = new_entry(session, facts_in(changed(status="PROCESSING")), verified=True)

    assert journal(store, pulled) == Journaled(IngestOutcome.APPLIED, Verdict.ATTRIBUTED, 2)
    assert journal(store, new_entry(session, facts_in(changed()), intended=IngestOutcome.HELD)) == Journaled(
        IngestOutcome.HELD
    )


def test_event_of_which_only_the_file_is_confirmed_is_not_verified(
    store: Store, session: UploadSession, valkey_url: str
) -> None:
    """It is its upload's, and counts; that VOD vouches for it is not said."""
    entry = new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD)
    journal(store, entry)

    settled = store.settle(entry, now=NOW + 61, genuine=True, confirmed=False)

    assert settled == Journaled(IngestOutcome.APPLIED, Verdict.ATTRIBUTED, 1)
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        assert client.hget(store.key_of(entry).key, "verified") == "0"


def test_verified_values_replace_what_was_pushed(
    store: Store, session: UploadSession, valkey_url: str
) -> None:
    """The facts and fields of a settled event are those of the read-back."""
    entry = new_entry(session, facts_in(uploaded(file_id=OTHER_FILE_ID)), intended=IngestOutcome.HELD)
    journal(store, entry)
    verified = replace(entry, facts=facts_in(uploaded()), fields=(("raw", '{"true":1}'),))

    store.settle(verified, now=NOW + 61, genuine=True)

    assert found(store, session).file_id == FILE_ID
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        assert client.get(store.key_of(entry).body) == '{"true":1}'


def test_quarantined_event_stands_in_nobodys_way(store: Store, session: UploadSession) -> None:
    """A copy of a quarantined event is a new event: what was false then may be true now."""
    forged = new_entry(session, facts_in(changed()), intended=IngestOutcome.HELD, name="end")
    journal(store, forged)
    store.settle(forged, now=NOW + 61, genuine=False)
    true = replace(forged, lease="lease-2")

    assert journal(store, true, now=NOW + 90) == Journaled(IngestOutcome.HELD)
    assert len(store.due_events(now=NOW + 100, limit=10)) == 1
    assert store.settle(forged, now=NOW + 91, genuine=True) == Journaled(IngestOutcome.LOST)
    assert store.settle(true, now=NOW + 91, genuine=True) == Journaled(
        IngestOutcome.VERIFIED, Verdict.ATTRIBUTED, 1
    )


def test_held_event_that_was_given_up_stands_in_nobodys_way(store: Store, session: UploadSession) -> None:
    """VOD could not be asked for days; its event comes again, and is asked about anew."""
    entry = new_entry(session, facts_in(changed()), intended=IngestOutcome.HELD, name="end")
    journal(store, entry)
    store.finish_attempt(store.key_of(entry), ending(entry, now=NOW + 70, next_attempt_at=None))

    assert journal(store, replace(entry, lease="lease-2"), now=NOW + 90) == Journaled(IngestOutcome.HELD)


@pytest.mark.parametrize(("waits", "due_at"), [(HOUR, NOW + 90), (30, NOW + 120)])
def test_copy_of_a_held_event_makes_it_due(
    store: Store, session: UploadSession, waits: int, due_at: int
) -> None:
    """A false event told first must not delay the true one; a valid lease is not affected."""
    entry = new_entry(session, facts_in(changed()), intended=IngestOutcome.HELD, name="end")
    journal(store, entry)
    store.finish_attempt(store.key_of(entry), ending(entry, now=NOW + 70, next_attempt_at=NOW + 90 + waits))

    assert journal(store, replace(entry, lease="lease-2"), now=NOW + 90) == Journaled(IngestOutcome.DUPLICATE)
    assert store.due_events(now=due_at - 1, limit=10) == ()
    assert len(store.due_events(now=due_at, limit=10)) == 1


def ending(entry: EventEntry, *, now: int, next_attempt_at: int | None) -> AttemptEnding:
    """End an attempt at verification in vain."""
    return AttemptEnding(
        lease=entry.lease,
        endpoint=ENDPOINT,
        now=now,
        status=EventStatus.DEAD if next_attempt_at is None else EventStatus.DUE,
        outcome=None,
        next_attempt_at=next_attempt_at,
        fields={},
    )


def test_event_that_was_only_trusted_vouches_for_nothing(store: Store, session: UploadSession) -> None:
    """With the read-back off, an upload moves, and its file does not count as verified."""
    assert journal(store, new_entry(session, facts_in(uploaded()))).outcome == "applied"

    assert (
        journal(store, new_entry(session, facts_in(changed()), intended=IngestOutcome.HELD)).outcome == "held"
    )


def test_event_without_a_file_is_never_taken_for_verified(store: Store, session: UploadSession) -> None:
    """An upload that has no verified file vouches for no event that names none."""
    event = {"EventType": "ReviewAudioVideoComplete", "ReviewAudioVideoCompleteEvent": {"TaskId": "1"}}

    journal(store, new_entry(session, facts_in(event), verified=True))

    assert journal(store, new_entry(session, facts_in(event), intended=IngestOutcome.HELD)).outcome == "held"


def test_event_settled_by_nobodys_lease_is_lost_to_him(store: Store, session: UploadSession) -> None:
    """A worker without the lease changes neither the event nor the upload (F29)."""
    entry = new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD)
    journal(store, entry)
    late = replace(entry, lease="lease-of-somebody-else")
    unknown = new_entry(session, facts_in(uploaded()))

    assert store.settle(late, now=NOW + 61, genuine=True) == Journaled(IngestOutcome.LOST)
    assert store.settle(late, now=NOW + 61, genuine=False) == Journaled(IngestOutcome.LOST)
    assert store.settle(unknown, now=NOW + 61, genuine=True) == Journaled(IngestOutcome.LOST)
    assert found(store, session) == session


def test_unused_upload_expires(store: Store, session: UploadSession) -> None:
    """The end of an upload nobody used is an event like any other, with its number."""
    end = NOW + SESSION_SECONDS

    journaled = journal(
        store, new_entry(session, expiry_facts(now=end), intended=IngestOutcome.APPLIED), now=end
    )

    assert journaled == Journaled(IngestOutcome.APPLIED, Verdict.ATTRIBUTED, 1)
    assert state_of(found(store, session), now=NOW) is UploadState.EXPIRED
    assert store.uploads_to_check(now=end * 2, limit=10) == ()


def test_upload_that_was_used_after_all_does_not_expire(store: Store, session: UploadSession) -> None:
    """A file that arrives while the timer looks wins: nothing is journaled, nothing is delivered."""
    journal(store, new_entry(session, facts_in(uploaded())))
    before = found(store, session)

    ending = new_entry(session, expiry_facts(now=NOW), intended=IngestOutcome.APPLIED)

    assert journal(store, ending) == Journaled(IngestOutcome.SUPERSEDED)
    assert found(store, session) == before
    assert len(store.due_events(now=NOW + 99_999, limit=10)) == 1


def test_cancelled_and_lost_uploads_do_not_expire(store: Store, session: UploadSession) -> None:
    """What its user has ended, and what nothing is known of, is not announced as expired."""
    store.cancel_upload("alice", session.upload_id, now=NOW + 5)
    lost = new_session()

    for ended in (session, lost):
        ending = new_entry(ended, expiry_facts(now=NOW), intended=IngestOutcome.APPLIED)
        assert journal(store, ending) == Journaled(IngestOutcome.SUPERSEDED)


def test_file_after_the_announced_end_is_late(store: Store, session: UploadSession) -> None:
    """A file can still come after `upload.expired`: it is accepted, marked, and outweighs the end."""
    journal(store, new_entry(session, expiry_facts(now=NOW + 60), intended=IngestOutcome.APPLIED))

    assert journal(store, new_entry(session, facts_in(uploaded()))) == Journaled(
        IngestOutcome.APPLIED, Verdict.LATE, 2
    )
    assert state_of(found(store, session), now=NOW) is UploadState.UPLOADED


@pytest.mark.parametrize(
    ("event", "check_at"),
    [(uploaded(), None), (uploaded(task_id=TASK_ID), NOW + 60 + HOUR), (changed(), NOW + SESSION_SECONDS)],
    ids=["upload", "upload with a task flow", "end of a task flow whose upload is unheard of"],
)
def test_event_plans_the_next_check(
    store: Store, session: UploadSession, event: dict[str, object], check_at: int | None
) -> None:
    """An upload is looked after for as long as something more is to come of it."""
    journal(store, new_entry(session, facts_in(event)))

    if check_at is None:
        assert store.uploads_to_check(now=NOW * 2, limit=10) == ()
    else:
        assert store.uploads_to_check(now=check_at - 1, limit=10) == ()
        assert len(store.uploads_to_check(now=check_at, limit=10)) == 1


def test_upload_in_use_is_kept_longer(store: Store, session: UploadSession, valkey_url: str) -> None:
    """Every event starts an upload's retention anew."""
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        key = next(client.scan_iter("*:upload:*"))
        client.expire(key, 5)

        journal(store, new_entry(session, facts_in(uploaded())))

        assert client.ttl(key) > HOUR


def test_journal_lists_only_what_is_still_kept(store: Store, session: UploadSession, valkey_url: str) -> None:
    """Expired events are removed from the journal's index."""
    old, young = new_entry(session), new_entry(session)

    journal(store, old, now=NOW)
    journal(store, young, now=NOW + 2 * HOUR)

    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        listed = client.zrange(f"{store.key_of(old).partition}:journal", 0, -1)
    assert listed == [store.key_of(young).key]


def test_hostile_texts_are_kept_as_they_are(store: Store, session: UploadSession, valkey_url: str) -> None:
    """Values of an event are arguments, never part of a script or a key (S44)."""
    hostile = "'); redis.call('FLUSHALL') --\r\n*1\r\n$8\r\nFLUSHALL\r\n\x00\U0001f600" * 100
    entry = replace(new_entry(session, name=f"event {hostile}"), fields=(("raw", hostile),))

    journal(store, entry)

    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        assert client.get(store.key_of(entry).body) == hostile
    assert found(store, session).sequence == 1
