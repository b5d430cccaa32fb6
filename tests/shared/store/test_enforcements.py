"""Files that may be beyond their policies, taken from a store of which a part refuses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.domain.event_status import Verdict
from shared.domain.rejection import FORBIDDEN, Rejection
from shared.errors import StoreUnavailableError
from shared.store.connection import PARTITIONS
from shared.store.enforcements import Enforcement, EnforcementStore
from tests.shared.loopback_peer import RawPeer
from tests.shared.store.every_method import SCOPE
from tests.shared.uploads import NOW, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    import socket

    import redis

    from shared.store.journal import Store


def journal_files(store: Store, users: int) -> None:
    """Journal a file of each of so many users, whose policy forbids files."""
    for number in range(users):
        session = new_session(f"user {number}")
        session = session._replace(grant=session.grant._replace(on_violation="forbid"))
        entry = new_entry(session, facts_in(uploaded()), verified=True)
        store.journal(entry, endpoint="", now=NOW, next_attempt_at=None)


def test_partition_that_refuses_holds_up_no_other(valkey_url: str, store: Store, server: redis.Redis) -> None:
    """Its files stay on the list; if all refuse, that is an error."""
    journal_files(store, 200)
    files = EnforcementStore(valkey_url, SCOPE)
    take = partial(files.take_enforcements, now=NOW, lease_ends_at=NOW, limit=200)
    assert (len(take()), store.due_enforcements(now=NOW - 1)) == (200, 0)
    keys = sorted(server.keys("*:enforcements"))
    assert len(keys) == PARTITIONS

    lost = server.zcard(keys[0])
    server.set(keys[0], "of another kind")
    left = len(take())
    for key in keys:
        server.set(key, "of another kind")

    assert left == 200 - lost
    with pytest.raises(StoreUnavailableError):
        take()


def test_nothing_finished_asks_nobody(valkey_url: str, server: redis.Redis) -> None:
    """A run that has found no file within its limits sends nothing."""
    files = EnforcementStore(valkey_url, SCOPE)
    before = server.info("stats")["total_commands_processed"]
    files.finish_enforcements([])

    assert server.info("stats")["total_commands_processed"] - before <= 1


def test_reply_of_another_type_lets_no_file_be() -> None:
    """It neither takes a file off the list as one without a record, nor counts as an operator's stop."""
    received = []

    def garble(connection: socket.socket) -> None:
        while commands := connection.recv(65536):
            received.append(commands)
            taken = b"*1\r\n$1\r\nx\r\n" * PARTITIONS
            connection.sendall(taken if commands.count(b"EVALSHA") == PARTITIONS else b"+OK\r\n" * PARTITIONS)

    it = Enforcement(new_session(), "5285", NOW, Verdict.ATTRIBUTED, None)
    with RawPeer(garble) as peer:
        files = EnforcementStore(f"redis://127.0.0.1:{peer.port}", SCOPE)
        with pytest.raises(StoreUnavailableError, match=r"with a record\."):
            files.take_enforcements(now=NOW, lease_ends_at=NOW, limit=1)
        files = EnforcementStore(f"redis://127.0.0.1:{peer.port}", SCOPE)
        with pytest.raises(StoreUnavailableError, match=r"with a number\."):
            files.begin_enforcement(it, Rejection(it.file_id, FORBIDDEN, None, []))

    assert not any(b"ZREM" in commands for commands in received)
