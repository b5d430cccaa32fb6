"""A failover between two real servers behind one host name, as an instance sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.errors import StoreUnavailableError
from shared.invocation_log import recorded
from shared.store.journal import Store
from tests.cluster.valkey_server import PASSWORD, ValkeyServer
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.name_service import serving_names
from tests.shared.store.every_method import SCOPE
from tests.shared.store.test_store_unavailable import begin
from tests.shared.uploads import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST_NAME = "store.example.test"
IN_MEMORY = {"save": '""'}
OPTIONS = "?socket_keepalive=yes"
"""An option for which the store uses redis-py."""


def refusal_of(call: Callable[[], object]) -> str:
    """Return the server's word for a refusal, which is logged and not part of the detail."""
    with recorded() as record, pytest.raises(StoreUnavailableError) as failure:
        call()
    code = failure.value.store_code
    assert record.about == ({"storeCode": code} if code else {})
    assert not code or code not in failure.value.detail
    return code


@pytest.mark.parametrize("options", ["", OPTIONS], ids=["RespClient", "redis-py"])
def test_next_call_after_readonly_succeeds(tmp_path: Path, options: str) -> None:
    """The demoted primary refuses once; the next call resolves the host name again, in both directions."""
    store = Store(f"redis://:{PASSWORD}@{HOST_NAME}:6379/0{options}", SCOPE)
    with (
        ValkeyServer(tmp_path / "a", IN_MEMORY) as first,
        ValkeyServer(tmp_path / "b", IN_MEMORY) as second,
        serving_names() as names,
    ):
        for primary, replica in ((first, second), (second, first)):
            names.places[HOST_NAME] = [(HOST, primary.port)]
            assert begin(store)
            with replica.client as promoted, primary.client as demoted:
                promoted.replicaof("NO", "ONE")
                demoted.replicaof(HOST, str(replica.port))
            names.places[HOST_NAME] = [(HOST, replica.port)]

            assert refusal_of(lambda: begin(store)) == "READONLY"
            assert begin(store)


def test_replica_that_has_lost_its_primary_is_left(tmp_path: Path) -> None:
    """A connection that answered MASTERDOWN, even to a read, is not used again."""
    with (
        ValkeyServer(tmp_path / "a", IN_MEMORY) as primary,
        ValkeyServer(tmp_path / "b", {**IN_MEMORY, "replica-serve-stale-data": "no"}) as replica,
        serving_names() as names,
    ):
        with replica.client as client:
            client.replicaof(HOST, str(refused_port()))
        names.places[HOST_NAME] = [(HOST, replica.port)]
        store = Store(f"redis://:{PASSWORD}@{HOST_NAME}:6379/0", SCOPE)

        assert refusal_of(lambda: store.uploads_to_check(now=NOW, limit=1)) == "MASTERDOWN"
        names.places[HOST_NAME] = [(HOST, primary.port)]
        assert store.uploads_to_check(now=NOW, limit=1) == ()
