"""The deny list in the real store: a denied user gets no signature from the next request on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from shared.addresses import networks_of
from shared.domain.rate_limits import UploadLimits
from shared.errors import ForbiddenError
from shared.store.connection import StoreScope
from shared.store.deny_list import Denied, DeniedKind, DenyStore, read_denied, write_denied
from shared.store.journal import Store
from tests.shared.uploads import NOW, new_session

SCOPE = StoreScope("test", 604_800)
ADDRESS = "198.51.100.7"
LIMITS = UploadLimits(1000)


@pytest.fixture
def store(valkey_url: str) -> Store:
    """Return an empty store."""
    return Store(valkey_url, SCOPE)


@pytest.fixture
def deny_list(valkey_url: str) -> DenyStore:
    """Return the list of the same stage."""
    return DenyStore(valkey_url, SCOPE)


def entry(kind: DeniedKind, subject: str = "", *, until: int = 0) -> Denied:
    """Return an entry."""
    return Denied(kind, subject, since=NOW, until=until, reason="spam")


def may_begin(store: Store, user: str = "alice", address: str = ADDRESS, *, now: float = NOW) -> bool:
    """Return whether this user may begin an upload from this address."""
    session = new_session(user)
    try:
        store.begin_upload(session, randoms=range(99), now=now, limits=LIMITS, networks=networks_of(address))
    except ForbiddenError:
        return False
    return True


@pytest.mark.parametrize(
    ("denied", "others"),
    [
        (entry(DeniedKind.USER, "alice"), [("bob", ADDRESS)]),
        (entry(DeniedKind.NETWORK, "198.51.100.7/32"), [("alice", "198.51.100.8")]),
        (entry(DeniedKind.NETWORK, "198.51.100.0/24"), [("alice", "198.51.101.7"), ("alice", "")]),
        (entry(DeniedKind.NETWORK, "198.51.0.0/16"), [("alice", "198.52.100.7")]),
        (entry(DeniedKind.POLICY, "default"), []),
        (entry(DeniedKind.EVERYBODY), []),
    ],
    ids=lambda value: value.kind.value + value.subject if isinstance(value, Denied) else "",
)
def test_who_is_denied_begins_nothing(
    store: Store, deny_list: DenyStore, denied: Denied, others: list[tuple[str, str]]
) -> None:
    """A user, a network, a policy, or everybody; others go on, and so does he once he is off the list."""
    deny_list.deny(denied)

    assert not may_begin(store)
    assert all(may_begin(store, user, address) for user, address in others)
    assert deny_list.allow(denied.kind, denied.subject)
    assert may_begin(store)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (DeniedKind.USER, "alice"),
        (DeniedKind.NETWORK, "198.51.100.0/24"),
        (DeniedKind.POLICY, "default"),
        (DeniedKind.EVERYBODY, ""),
    ],
)
def test_open_upload_of_who_is_denied_is_not_renewed(
    store: Store, deny_list: DenyStore, kind: DeniedKind, subject: str
) -> None:
    """What is out cannot be recalled, but nothing is added to it."""
    session = new_session()
    store.begin_upload(session, randoms=(1,), now=NOW, limits=LIMITS)
    deny_list.deny(entry(kind, subject))

    with pytest.raises(ForbiddenError):
        store.renew_upload(
            "alice",
            session.upload_id,
            randoms=(2,),
            now=NOW + 1,
            limits=LIMITS,
            networks=networks_of(ADDRESS),
        )


def test_other_policy_goes_on(store: Store, deny_list: DenyStore) -> None:
    """Switching one policy off leaves the uploads of others alone."""
    deny_list.deny(entry(DeniedKind.POLICY, "course"))
    session = new_session()
    course = replace(session, grant=replace(session.grant, policy="course"))

    assert may_begin(store)
    with pytest.raises(ForbiddenError):
        store.begin_upload(course, randoms=(1,), now=NOW, limits=LIMITS)


def test_entry_ends_by_itself(store: Store, deny_list: DenyStore) -> None:
    """An entry with an end denies until that second, whether or not anybody takes it off."""
    deny_list.deny(entry(DeniedKind.USER, "alice", until=NOW + 60))

    assert not may_begin(store, now=NOW + 59.9)
    assert may_begin(store, now=NOW + 60)
    assert [denied.is_over(now=NOW + 59) for denied in deny_list.denied()] == [False]
    assert [denied.is_over(now=NOW + 60) for denied in deny_list.denied()] == [True]
    assert not entry(DeniedKind.USER, "alice").is_over(now=NOW + 10**9)


def test_entry_takes_the_place_of_an_earlier_one(store: Store, deny_list: DenyStore) -> None:
    """Saying it again changes its end and its reason."""
    deny_list.deny(entry(DeniedKind.USER, "alice", until=NOW - 5))
    assert may_begin(store)

    deny_list.deny(entry(DeniedKind.USER, "alice"))

    assert not may_begin(store)
    assert dict(deny_list.denied()) == {entry(DeniedKind.USER, "alice"): True}


def test_entry_that_is_not_everywhere_is_told(deny_list: DenyStore, valkey_url: str) -> None:
    """If the store failed in the middle, the list says which entry has to be put on again."""
    deny_list.deny(entry(DeniedKind.USER, "alice"))
    deny_list.deny(entry(DeniedKind.EVERYBODY))
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        key = min(client.scan_iter("*:denied"))
        client.hdel(key, *[mark for mark in client.hkeys(key) if mark.startswith("user:")])

    assert dict(deny_list.denied()) == {
        entry(DeniedKind.USER, "alice"): False,
        entry(DeniedKind.EVERYBODY): True,
    }


def test_nobody_is_taken_off_twice(deny_list: DenyStore) -> None:
    """Removing a missing entry is reported."""
    assert not deny_list.allow(DeniedKind.USER, "alice")


def test_keys_hold_no_users_text(deny_list: DenyStore, valkey_url: str) -> None:
    """Neither deny keys nor other keys name a user or a network; the value is for the operators."""
    deny_list.deny(entry(DeniedKind.USER, "canary-user@example.test"))
    deny_list.deny(entry(DeniedKind.NETWORK, "198.51.100.7/32"))

    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        keys = list(client.scan_iter("*"))
        marks = [mark for key in keys for mark in client.hkeys(key)]
    assert len(keys) == 16
    assert len(marks) == 32
    assert not [text for text in keys + marks if "canary" in text or "198.51" in text]


@pytest.mark.parametrize("kind", DeniedKind)
def test_entry_comes_back_as_it_was(kind: DeniedKind) -> None:
    """An entry is read back as it was stored, with any text."""
    denied = Denied(kind, 'ü" \\ \n', since=NOW, until=NOW + 1, reason="\U0001f600")

    assert read_denied(write_denied(denied)) == denied
