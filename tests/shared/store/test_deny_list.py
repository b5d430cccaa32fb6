"""The deny list in the real store: a denied user gets no signature from the next request on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.addresses import networks_of
from shared.domain.rate_limits import UploadLimits
from shared.errors import ForbiddenError
from shared.store.deny_list import Denied, DeniedKind, DenyStore, read_denied, write_denied
from tests.shared.store.every_method import SCOPE
from tests.shared.uploads import NOW, new_session

if TYPE_CHECKING:
    import redis

    from shared.store.journal import Store

ADDRESS = "198.51.100.7"
LIMITS = UploadLimits(1000)


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
def test_who_is_denied_begins_and_renews_nothing(
    store: Store, deny_list: DenyStore, denied: Denied, others: list[tuple[str, str]]
) -> None:
    """A user, a network, a policy, or everybody; others go on, and so does he once he is off the list."""
    session = new_session()
    store.begin_upload(session, randoms=(1,), now=NOW, limits=LIMITS)
    renew = partial(store.renew_upload, now=NOW, limits=LIMITS, networks=networks_of(ADDRESS))
    deny_list.deny(denied)

    assert not may_begin(store)
    with pytest.raises(ForbiddenError, match=r"^No uploads are allowed here at present\.$"):
        renew("alice", session.upload_id, randoms=(2,))
    assert all(may_begin(store, user, address) for user, address in others)
    assert deny_list.allow(denied.kind, denied.subject)
    assert may_begin(store)


def test_other_policy_goes_on(store: Store, deny_list: DenyStore) -> None:
    """Switching one policy off leaves the uploads of others alone."""
    deny_list.deny(entry(DeniedKind.POLICY, "course"))
    session = new_session()
    course = session._replace(grant=session.grant._replace(policy="course"))

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


def test_keys_hold_no_users_text(deny_list: DenyStore, server: redis.Redis) -> None:
    """Neither deny keys nor other keys name a user or a network; the value is for the operators."""
    deny_list.deny(entry(DeniedKind.USER, "canary-user@example.test"))
    deny_list.deny(entry(DeniedKind.NETWORK, "198.51.100.7/32"))

    keys = list(server.scan_iter("*"))
    marks = [mark for key in keys for mark in server.hkeys(key)]
    assert (len(keys), len(marks)) == (16, 32)
    assert not [text for text in keys + marks if "canary" in text or "198.51" in text]


@pytest.mark.parametrize("kind", DeniedKind)
def test_entry_comes_back_as_it_was(kind: DeniedKind) -> None:
    """An entry is read back as it was stored, with any text."""
    denied = Denied(kind, 'ü" \\ \n', since=NOW, until=NOW + 1, reason="\U0001f600")

    assert read_denied(write_denied(denied)) == denied
