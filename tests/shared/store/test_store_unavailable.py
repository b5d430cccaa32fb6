from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from shared.domain.rate_limits import UploadLimits
from shared.errors import StoreUnavailableError
from shared.store.connection import CALL_SECONDS, TIMEOUT_SECONDS
from shared.store.journal import Store
from tests.shared.loopback_peer import HOST, RawPeer, answer_once, refused_port, relay_to, say_nothing
from tests.shared.name_service import serving_names
from tests.shared.store.every_method import SCOPE, every_method
from tests.shared.uploads import NOW, new_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.session import UploadSession

PASSWORD = "canary-of-the-store-password"
SESSION = new_session()


def url_at(port: int) -> str:
    """Return the address of a store; the password is a word that can be searched for."""
    return f"redis://:{PASSWORD}@{HOST}:{port}/0"


def begin(store: Store, session: UploadSession = SESSION) -> int:
    """Begin an upload."""
    return store.begin_upload(session, randoms=(1, 2, 3), now=NOW, limits=UploadLimits(1000)).nonce


def failure_of(call: Callable[[], object]) -> StoreUnavailableError:
    """Return the error of a call."""
    with pytest.raises(StoreUnavailableError) as failure:
        call()
    return failure.value


def test_call_takes_less_than_a_second() -> None:
    """The time-outs leave a function time to answer within a second (R7).

    test_resp.py shows with a clock that a call keeps to them.
    """
    assert TIMEOUT_SECONDS < CALL_SECONDS <= 0.9


def test_store_that_is_down_is_told_at_once() -> None:
    """Every method raises the error when nothing listens, without address and password in it."""
    port = refused_port()

    for call in every_method(url_at(port))[0].values():
        error = failure_of(call)

        assert (error.status, error.store_code) == (503, "")
        assert not [secret for secret in (str(port), HOST, PASSWORD) if secret in error.detail]


def test_store_that_never_answers_is_told_while_it_is_silent() -> None:
    """A server that never replies does not hold up the caller (R7)."""
    with RawPeer(say_nothing) as hole:
        assert failure_of(lambda: begin(Store(url_at(hole.port), SCOPE))).status == 503


@pytest.mark.parametrize("options", ["", "?socket_keepalive=yes"], ids=["RespClient", "redis-py"])
def test_name_service_that_never_answers_is_told_while_it_is_silent(options: str) -> None:
    """A name service that never answers does not hold up the caller, with either client (R7)."""
    with serving_names() as names:
        names.is_answering.clear()

        store = Store(f"redis://silent-{len(options)}.example.test{options}", SCOPE)
        error = failure_of(lambda: begin(store))

        assert error.status == 503
        assert "example.test" not in error.detail


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_server_that_is_no_redis_counts_as_down(answer: bytes) -> None:
    """A lost connection and a wrong protocol are the same to a caller: the store did not answer."""
    with RawPeer(answer_once(answer)) as peer:
        error = failure_of(lambda: begin(Store(url_at(peer.port), SCOPE)))

    assert PASSWORD not in error.detail


def test_refused_password_counts_as_down(valkey_url: str) -> None:
    """A refused password is an unavailable store; of the server's message only its code is kept."""
    error = failure_of(lambda: begin(Store(url_at(int(urlsplit(valkey_url).port or 0)), SCOPE)))

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
    failure_of(lambda: begin(store, new_session()))

    with RawPeer(path, port=port):
        found = store.find_upload("alice", SESSION.upload_id)

    assert found == SESSION


def test_store_shows_its_stage_and_no_address(valkey_url: str) -> None:
    """What ends up in a log by accident holds no password."""
    assert repr(Store(valkey_url, SCOPE)) == "Store(stage='test')"
