"""What a timer has to do with uploads: checks, proofs, enforcements; by one rule for a record of no use."""

from __future__ import annotations

import base64
import zlib
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.store.enforcements import EnforcementStore
from shared.store.tails import UNREADABLE_SECONDS
from tests.shared.store.every_method import SCOPE
from tests.shared.uploads import NOW, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import redis

    from shared.store.journal import Store

COMPRESSED_WITH_ANOTHER_DICTIONARY = "z:" + base64.b64encode(zlib.compress(b"{}")[:-1]).decode()
UNREADABLE = {
    "no number": ("issued_at", "soon"),
    "no JSON": ("grant", "{"),
    "an unknown member": ("grant", '{"colour": "red"}'),
    "of another shape": ("limits", "[7]"),
    "outcome of another release": ("procedure", COMPRESSED_WITH_ANOTHER_DICTIONARY),
}


def takers(store: Store, redis_url: str) -> dict[str, Callable[[int], Iterable[str]]]:
    """Return what takes each list's uploads that are due at a second, as their ids."""
    leases = {"limit": 9, "lease_ends_at": NOW}
    files = EnforcementStore(redis_url, SCOPE)
    return {
        "checks": lambda now: (it.upload_id for it in store.uploads_to_check(now=now, limit=9)),
        "proofs": lambda now: (it.upload_id for it in partial(store.take_proofs, **leases)(now=now)),
        "enforcements": lambda now: (
            it.session.upload_id for it in partial(files.take_enforcements, **leases)(now=now)
        ),
    }


@pytest.mark.parametrize("unreadable", UNREADABLE)
@pytest.mark.parametrize("index", ["checks", "proofs", "enforcements"])
def test_record_that_is_gone_or_unreadable_holds_up_no_other(
    store: Store, valkey_url: str, server: redis.Redis, index: str, unreadable: str
) -> None:
    """The one is off the list for good; the other is read again after an hour, when it may be of use."""
    sessions = [new_session(user) for user in ("alice", "bob", "carol")]
    for session in sessions:
        grant = session.grant._replace(on_violation="forbid", md5="0" * 32)
        facts = facts_in(uploaded(task_id="flow"))
        entry = new_entry(session._replace(grant=grant), facts, verified=True)
        store.journal(entry, endpoint="", now=NOW, next_attempt_at=None)
    sound, gone, damaged = (it.upload_id for it in sessions)
    take = takers(store, valkey_url)[index]
    later = NOW + 86_400
    assert set(take(later)) == {sound, gone, damaged}

    field, text = UNREADABLE[unreadable]
    (key,) = server.keys(f"*:upload:{damaged}")
    server.delete(*server.keys(f"*:upload:{gone}"))
    before = server.hget(key, field)
    server.hset(key, field, text)
    taken = set(take(later)), set(take(later + UNREADABLE_SECONDS - 1))
    server.hset(key, field, before) if before else server.hdel(key, field)

    assert taken == ({sound}, {sound})
    assert set(take(later + UNREADABLE_SECONDS)) == {sound, damaged}
