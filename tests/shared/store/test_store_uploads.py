from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from shared.domain.policy import Grant
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import UploadSession, UploadState, state_of
from shared.errors import NotFoundError, RateLimitedError, StoreUnavailableError
from shared.store.connection import PARTITIONS, StoreScope
from shared.store.journal import Store
from tests.shared.loopback_peer import RawPeer
from tests.shared.uploads import NOW, SESSION_SECONDS, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    import socket

    import redis

MANY = 1_000_000


def begin(
    store: Store, session: UploadSession, *randoms: int, now: float = NOW, per_minute: int = MANY
) -> int:
    """Begin an upload."""
    limits, randoms = UploadLimits(per_minute), randoms or (1, 2, 3)
    return store.begin_upload(session, randoms=randoms, now=now, limits=limits).nonce


def renew(
    store: Store, session: UploadSession, *randoms: int, now: float = NOW, per_minute: int = MANY
) -> tuple[UploadSession, int]:
    """Request another signature."""
    ids, limits = (session.user_id, session.upload_id), UploadLimits(MANY, renewals_per_minute=per_minute)
    found, reservation = store.renew_upload(*ids, randoms=randoms, now=now, limits=limits)
    return found, reservation.nonce


def test_upload_is_found_as_it_was_begun(store: Store) -> None:
    """A session comes back from the store, whatever it holds."""
    grant = Grant("course", 600, one_time=False, context="Lektion \u201e3\u201c \U0001f600\n", class_id=0)
    session = new_session("álice@example.test")._replace(grant=grant)

    begin(store, session)

    assert store.find_upload(session.user_id, session.upload_id) == session


def test_list_forgets_what_the_store_has_forgotten(store: Store) -> None:
    """Entries as old as the retention go with the next upload: a page has no records that are gone."""
    limits, begun = UploadLimits(MANY, listed_uploads=9), [new_session() for _ in range(4)]
    for session, age in zip(begun, (1_209_600, 604_800, 604_799, 0), strict=True):
        store.begin_upload(session, randoms=(1,), now=NOW - age, limits=limits)

    listed, following, _ = store.list_uploads("alice", after="", most=9, now=NOW, limits=limits)

    assert ([session.upload_id for session in listed], following) == (
        [begun[3].upload_id, begun[2].upload_id],
        "",
    )


def test_first_candidate_that_nobody_has_is_reserved(store: Store) -> None:
    """A random value is given out once in a second: the time stamp makes each second a new start."""
    assert begin(store, new_session(), 7, 8, 9) == 7
    assert begin(store, new_session(), 7, 8, 9) == 8
    assert begin(store, new_session("bob"), 7, 8, 9) in {7, 8, 9}
    assert begin(store, new_session(), 7, 8, 9, now=NOW + 1) == 7


def test_second_without_a_free_candidate_asks_for_patience(store: Store) -> None:
    """When all candidates are taken, nothing is issued and the caller may come back in a second."""
    begin(store, new_session(), 7)
    crowded = new_session()

    with pytest.raises(RateLimitedError) as refusal:
        begin(store, crowded, 7, 7)

    assert (refusal.value.retry_after, refusal.value.detail) == (
        1,
        "Too many upload signatures in this second.",
    )
    with pytest.raises(NotFoundError):
        store.find_upload("alice", crowded.upload_id)


def test_one_of_many_threads_gets_a_nonce(store: Store) -> None:
    """However many ask for the same value in the same second, one gets it (R3)."""

    def ask(_number: int) -> bool:
        try:
            return begin(store, new_session(), 42) == 42
        except RateLimitedError:
            return False

    with ThreadPoolExecutor(32) as pool:
        winners = sum(pool.map(ask, range(64)))

    assert winners == 1


def test_threads_with_enough_candidates_all_get_different_nonces(store: Store) -> None:
    """Callers that collide on their first candidate are led to another one each."""
    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(lambda _number: begin(store, new_session(), *range(32)), range(32)))

    assert sorted(given) == list(range(32))


@pytest.mark.parametrize(
    ("per_minute", "now"), [(1, NOW + 0.25), (7, NOW + 0.999), (30, float(NOW)), (100, NOW + 0.5)]
)
def test_retry_after_is_true(store: Store, per_minute: int, now: float) -> None:
    """Who waits as long as told passes; who comes a second earlier does not."""
    for number in range(per_minute):
        begin(store, new_session(), number, now=now, per_minute=per_minute)
    with pytest.raises(RateLimitedError) as refusal:
        begin(store, new_session(), MANY, now=now, per_minute=per_minute)
    wait = refusal.value.retry_after

    assert 1 <= wait <= 60
    if wait > 1:
        with pytest.raises(RateLimitedError):
            begin(store, new_session(), MANY, now=now + wait - 1, per_minute=per_minute)
    assert begin(store, new_session(), MANY, now=now + wait, per_minute=per_minute) == MANY


def test_renewals_do_not_count_as_new_uploads(store: Store) -> None:
    """A user at his limit of new uploads, which is no other user's, can still renew one (S16)."""
    session = new_session()
    begin(store, session, 1, per_minute=1)

    with pytest.raises(RateLimitedError):
        begin(store, new_session(), 4, per_minute=1)
    assert begin(store, new_session("bob"), 5, per_minute=1) == 5
    assert renew(store, session, 2) == (session, 2)
    assert renew(store, session, 3, now=NOW + 1) == (session._replace(signed_until=NOW + 601), 3)


def test_renewals_have_a_limit_for_each_upload(store: Store) -> None:
    """Exactly as many renewals pass at once as the limit says; another upload has its own."""
    session, other = new_session(), new_session()
    begin(store, session, 1)
    begin(store, other, 2)

    for number in range(10):
        renew(store, session, 100 + number, per_minute=10)
    with pytest.raises(RateLimitedError) as refusal:
        renew(store, session, 200, per_minute=10)

    assert refusal.value.retry_after == 6
    assert renew(store, session, 200, now=NOW + 6, per_minute=10)[1] == 200
    assert renew(store, other, 201, per_minute=10)[1] == 201


def test_renewal_that_finds_no_free_nonce_asks_for_patience(store: Store) -> None:
    """A renewal draws from the same values as a beginning."""
    session = new_session()
    begin(store, session, 7)

    with pytest.raises(RateLimitedError) as refusal:
        renew(store, session, 7)

    assert refusal.value.retry_after == 1


@pytest.mark.parametrize("stranger", ["bob", "", "alice ", "ALICE", "alice\x00"])
def test_upload_of_somebody_else_does_not_exist(store: Store, stranger: str) -> None:
    """Finding, renewing and cancelling say the same for a foreign upload as for an unknown one."""
    session = new_session("alice")
    begin(store, session)
    foreign, unknown = session._replace(user_id=stranger), new_session(stranger)

    for other in (foreign, unknown):
        with pytest.raises(NotFoundError, match=r"^There is no such upload\.$"):
            store.find_upload(other.user_id, other.upload_id)
        with pytest.raises(NotFoundError, match=r"^There is no such upload\.$"):
            renew(store, other, 9)
        with pytest.raises(NotFoundError, match=r"^There is no such upload\.$"):
            store.cancel_upload(other.user_id, other.upload_id, now=NOW)
    assert store.find_upload("alice", session.upload_id) == session


def test_stages_do_not_see_each_other(store: Store, valkey_url: str) -> None:
    """Two deployments can share a Redis: an upload belongs to one stage."""
    session = new_session()
    begin(store, session)
    elsewhere = Store(valkey_url, StoreScope("prod", 604_800))

    with pytest.raises(NotFoundError):
        elsewhere.find_upload(session.user_id, session.upload_id)


def test_unused_upload_can_be_cancelled_once(store: Store) -> None:
    """Cancelling is final, and doing it again changes nothing."""
    session = new_session()
    begin(store, session)

    cancelled = store.cancel_upload("alice", session.upload_id, now=NOW + 5)
    again = store.cancel_upload("alice", session.upload_id, now=NOW + 9)

    assert cancelled == session._replace(cancelled_at=NOW + 5, updated_at=NOW + 5)
    assert again == cancelled == store.find_upload("alice", session.upload_id)
    assert state_of(cancelled, now=NOW + 9) is UploadState.CANCELLED


def test_upload_that_has_a_file_cannot_be_cancelled(store: Store) -> None:
    """What VOD has is no longer the user's to call off: it comes back as it is."""
    session = new_session()
    begin(store, session)
    entry = new_entry(session, facts_in(uploaded()))
    store.journal(entry, endpoint="", now=NOW + 1, next_attempt_at=None)

    found = store.cancel_upload("alice", session.upload_id, now=NOW + 5)

    assert found.cancelled_at is None
    assert state_of(found, now=NOW + 5) is UploadState.UPLOADED


def test_upload_that_has_ended_cannot_be_cancelled(store: Store) -> None:
    """From its last second on an upload is expired, and stays so."""
    session = new_session()
    begin(store, session)

    found = store.cancel_upload("alice", session.upload_id, now=NOW + SESSION_SECONDS)

    assert found == session
    assert store.cancel_upload("alice", session.upload_id, now=NOW + SESSION_SECONDS - 1).cancelled_at


def test_upload_is_looked_after_when_its_check_is_due(store: Store) -> None:
    """A new upload is due for a check at its end, and not a second before."""
    session, other = new_session("alice"), new_session("bob")
    begin(store, session)
    begin(store, other, now=NOW)

    early = store.uploads_to_check(now=NOW + SESSION_SECONDS - 1, limit=10)
    due = store.uploads_to_check(now=NOW + SESSION_SECONDS, limit=10)

    assert early == ()
    assert {found.upload_id for found in due} == {session.upload_id, other.upload_id}


def test_check_is_put_off_and_given_up(store: Store) -> None:
    """A check moves to its next time; one that is given up does not come back by itself."""
    session = new_session()
    begin(store, session)

    store.check_again(session, at=NOW + 100_000)
    assert store.uploads_to_check(now=NOW + 99_999, limit=10) == ()
    assert store.uploads_to_check(now=NOW + 100_000, limit=10) == (session,)
    store.check_again(session, at=None)
    store.check_again(session, at=NOW + 200_000)

    assert store.uploads_to_check(now=NOW + 999_999, limit=10) == ()


def test_check_never_moves_back(store: Store) -> None:
    """Two runs at once: the later of their plans holds."""
    session = new_session()
    begin(store, session)

    store.check_again(session, at=NOW + 200_000)
    store.check_again(session, at=NOW + 100_000)

    assert store.uploads_to_check(now=NOW + 199_999, limit=10) == ()


def test_reply_that_is_no_record_makes_no_upload_unknown() -> None:
    """After a garbled reply the store did not answer, and no check is dropped."""
    received = []

    def garble(connection: socket.socket) -> None:
        while commands := connection.recv(65536):
            received.append(commands)
            reads = commands.count(b"HGETALL")
            connection.sendall(b"+OK\r\n" * reads or b"*1\r\n$1\r\nx\r\n" * PARTITIONS)

    with RawPeer(garble) as peer:
        store = Store(f"redis://127.0.0.1:{peer.port}", StoreScope("test", 604_800))
        with pytest.raises(StoreUnavailableError, match=r"^The store did not answer with a record\."):
            store.find_upload("alice", "01")
        with pytest.raises(StoreUnavailableError, match=r"with a record\."):
            store.uploads_to_check(now=NOW, limit=10)

    assert b"HGETALL" in received[-1]


def test_record_that_is_gone_or_unreadable_is_left_out_of_its_users_list(
    store: Store, server: redis.Redis
) -> None:
    """The page has the other uploads, as if those were none of them."""
    limits, sessions = UploadLimits(MANY, listed_uploads=9), [new_session() for _ in range(4)]
    for session in sessions:
        store.begin_upload(session, randoms=(1, 2, 3, 4), now=NOW, limits=limits)
    first, unreadable, gone, last = (session.upload_id for session in sessions)
    [record] = server.keys(f"*:upload:{unreadable}")
    server.hset(record, "grant", "{")
    server.delete(*server.keys(f"*:upload:{gone}"))

    listed, following, _ = store.list_uploads("alice", after="", most=9, now=NOW, limits=limits)

    assert {it.upload_id for it in listed} == {first, last}
    assert following == ""


def test_at_most_so_many_checks_of_a_partition_come_at_once(store: Store) -> None:
    """A backlog is worked off in pieces, the longest due first."""
    sessions = [new_session() for _ in range(5)]
    for number, session in enumerate(sessions):
        begin(store, session._replace(issued_at=NOW + number), number)

    found = store.uploads_to_check(now=NOW + 99_999, limit=2)

    assert [session.upload_id for session in found] == [session.upload_id for session in sessions[:2]]
