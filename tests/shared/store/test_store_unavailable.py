from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis

from shared.domain.rate_limits import UploadLimits
from shared.errors import StoreUnavailableError
from shared.store.connection import CALL_SECONDS, TIMEOUT_SECONDS, StoreScope
from shared.store.journal import Store
from tests.shared.loopback_peer import HOST, RawPeer, refused_port, relay_to, say_nothing
from tests.shared.name_service import serving_names
from tests.shared.uploads import NOW, new_entry, new_session

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from shared.domain.session import UploadSession

SCOPE = StoreScope("test", 604_800)
PASSWORD = "canary-of-the-store-password"
SESSION = new_session()
ENTRY = new_entry(SESSION)


def store_at(port: int) -> Store:
    """Return a store at a port; the password is a word that can be searched for."""
    return Store(f"redis://:{PASSWORD}@{HOST}:{port}/0", SCOPE)


def begin(store: Store, session: UploadSession = SESSION) -> int:
    """Begin an upload."""
    return store.begin_upload(session, randoms=(1, 2, 3), now=NOW, limits=UploadLimits(1000)).nonce


CALLS: list[Callable[[Store], object]] = [
    begin,
    lambda store: store.renew_upload(
        "alice", SESSION.upload_id, randoms=(1,), now=NOW, limits=UploadLimits(60)
    ),
    lambda store: store.find_upload("alice", SESSION.upload_id),
    lambda store: store.cancel_upload("alice", SESSION.upload_id, now=NOW),
    lambda store: store.uploads_to_check(now=NOW, limit=1),
    lambda store: store.check_again(SESSION, at=NOW),
    lambda store: store.check_again(SESSION, at=None),
    lambda store: store.journal(ENTRY, endpoint="", now=NOW, next_attempt_at=None),
    lambda store: store.settle(ENTRY, now=NOW, genuine=True),
    lambda store: store.due_events(now=NOW, limit=1),
]


def failure_of(store: Store, call: Callable[[Store], object]) -> StoreUnavailableError:
    """Return the error of a call."""
    with pytest.raises(StoreUnavailableError) as failure:
        call(store)
    return failure.value


def test_call_takes_less_than_a_second() -> None:
    """The time-outs leave a function time to answer within a second (R7).

    test_resp.py shows with a clock that a call keeps to them.
    """
    assert TIMEOUT_SECONDS < CALL_SECONDS <= 0.9


@pytest.mark.parametrize("call", CALLS)
def test_store_that_is_down_is_told_at_once(call: Callable[[Store], object]) -> None:
    """Every method raises the error when nothing listens, without address and password in it."""
    port = refused_port()

    error = failure_of(store_at(port), call)

    assert error.status == 503
    for secret in (str(port), HOST, PASSWORD):
        assert secret not in error.detail


@pytest.mark.parametrize("call", CALLS[:2])
def test_store_that_never_answers_is_told_while_it_is_silent(call: Callable[[Store], object]) -> None:
    """A server that never replies does not hold up the caller (R7)."""
    with RawPeer(say_nothing) as hole:
        assert failure_of(store_at(hole.port), call).status == 503


@pytest.mark.parametrize("options", ["", "?socket_keepalive=yes"], ids=["RespClient", "redis-py"])
def test_name_service_that_never_answers_is_told_while_it_is_silent(options: str) -> None:
    """A name service that never answers does not hold up the caller, with either client (R7)."""
    with serving_names() as names:
        names.is_answering.clear()

        error = failure_of(Store(f"redis://silent-{len(options)}.example.test{options}", SCOPE), begin)

        assert error.status == 503
        assert "example.test" not in error.detail


def hang_up(connection: socket.socket) -> None:
    """Read what comes first and close."""
    connection.recv(65536)


def speak_another_protocol(connection: socket.socket) -> None:
    """Answer what Redis never would."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("speak", [hang_up, speak_another_protocol])
def test_server_that_is_no_redis_counts_as_down(speak: Callable[[socket.socket], None]) -> None:
    """A lost connection and a wrong protocol are the same to a caller: the store did not answer."""
    with RawPeer(speak) as peer:
        error = failure_of(store_at(peer.port), begin)

    assert PASSWORD not in error.detail


def test_refused_password_counts_as_down(valkey_url: str) -> None:
    """A refused password is an unavailable store; of the server's message only its code is kept."""
    error = failure_of(store_at(int(urlsplit(valkey_url).port or 0)), begin)

    assert error.store_code == "WRONGPASS"

    assert PASSWORD not in error.detail
    assert "password" not in error.detail.lower()


def test_store_recovers_without_a_new_connection_object(valkey_url: str) -> None:
    """When the server is back, the same store works again at the next call (R7)."""
    upstream = urlsplit(valkey_url)
    path = relay_to(int(upstream.port or 0))
    with RawPeer(path) as first:
        port = first.port
        store = Store(f"redis://:{upstream.password}@{HOST}:{port}/0", SCOPE)
        begin(store)
    failure_of(store, lambda it: begin(it, new_session()))

    with RawPeer(path, port=port):
        found = store.find_upload("alice", SESSION.upload_id)

    assert found == SESSION


def test_server_that_has_forgotten_the_scripts_is_taught_again(valkey_url: str) -> None:
    """A restarted server knows no scripts: the call that meets it succeeds all the same."""
    store = Store(valkey_url, SCOPE)
    begin(store)
    with redis.Redis.from_url(valkey_url) as client:
        client.script_flush()

    assert store.cancel_upload("alice", SESSION.upload_id, now=NOW).cancelled_at == NOW


def test_store_shows_its_stage_and_no_address(valkey_url: str) -> None:
    """What ends up in a log by accident holds no password."""
    assert repr(Store(valkey_url, SCOPE)) == "Store(stage='test')"


def test_key_of_an_event_is_known_without_a_server() -> None:
    """The key of an event is computed without the store."""
    assert store_at(refused_port()).key_of(ENTRY).key.startswith("vuf:{test.")
