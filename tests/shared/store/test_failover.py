"""A failover between two real servers behind one host name, as an instance sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain.rate_limits import UploadLimits
from shared.errors import StoreUnavailableError
from shared.invocation_log import recorded
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.cluster.valkey_server import PASSWORD, ValkeyServer
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.name_service import NameService, serving_names
from tests.shared.uploads import NOW, new_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST_NAME = "store.example.test"
OPTIONS = "?socket_keepalive=yes"
"""An option for which the store uses redis-py."""


class Pair:
    """Two servers; the host name resolves to the primary."""

    def __init__(self, primary: ValkeyServer, replica: ValkeyServer, names: NameService) -> None:
        self._primary, self._replica, self._names = primary, replica, names
        self._name_primary()

    def fail_over(self) -> None:
        """Swap primary and replica by REPLICAOF; open connections stay open."""
        with self._replica.client as client:
            client.replicaof("NO", "ONE")
        with self._primary.client as client:
            client.replicaof(HOST, str(self._replica.port))
        self._primary, self._replica = self._replica, self._primary
        self._name_primary()

    def _name_primary(self) -> None:
        self._names.places[HOST_NAME] = [(HOST, self._primary.port)]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Run a primary and its future replacement."""
    settings = {"save": '""'}
    with (
        ValkeyServer(tmp_path / "a", settings) as first,
        ValkeyServer(tmp_path / "b", settings) as second,
        serving_names() as names,
    ):
        yield Pair(first, second, names)


def begin(store: Store) -> int:
    """Begin an upload, which runs a script that writes."""
    return store.begin_upload(new_session(), randoms=(1, 2, 3), now=NOW, limits=UploadLimits(1000)).nonce


def refusal_of(call: Callable[[], object]) -> str:
    """Return the server's word for a refusal, which is logged and not part of the detail."""
    with recorded() as record, pytest.raises(StoreUnavailableError) as failure:
        call()
    code = failure.value.store_code
    assert record.about == ({"storeCode": code} if code else {})
    assert not code or code not in failure.value.detail
    return code


@pytest.mark.parametrize("options", ["", OPTIONS], ids=["RespClient", "redis-py"])
def test_next_call_after_readonly_succeeds(pair: Pair, options: str) -> None:
    """The demoted primary refuses once; the next call resolves the host name again, in both directions."""
    store = Store(f"redis://:{PASSWORD}@{HOST_NAME}:6379/0{options}", StoreScope("test", 604_800))
    for _ in range(2):
        assert begin(store)
        pair.fail_over()

        assert refusal_of(lambda: begin(store)) == "READONLY"
        assert begin(store)


def test_replica_that_has_lost_its_primary_is_left(tmp_path: Path) -> None:
    """A connection that answered MASTERDOWN, even to a read, is not used again."""
    settings = {"save": '""'}
    with (
        ValkeyServer(tmp_path / "a", settings) as primary,
        ValkeyServer(tmp_path / "b", {**settings, "replica-serve-stale-data": "no"}) as replica,
        serving_names() as names,
    ):
        with replica.client as client:
            client.replicaof(HOST, str(refused_port()))
        names.places[HOST_NAME] = [(HOST, replica.port)]
        store = Store(f"redis://:{PASSWORD}@{HOST_NAME}:6379/0", StoreScope("test", 604_800))

        assert refusal_of(lambda: store.uploads_to_check(now=NOW, limit=1)) == "MASTERDOWN"
        names.places[HOST_NAME] = [(HOST, primary.port)]
        assert store.uploads_to_check(now=NOW, limit=1) == ()
