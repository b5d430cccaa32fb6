"""The empty store, a Redis Cluster of one node, and the certificate authority that this process trusts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import redis
import trustme

from shared.store.journal import Store
from tests.cluster.valkey_server import PASSWORD, ValkeyServer
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.store.every_method import SCOPE
from tests.waiting import wait_long_for_the_store, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust nobody: reading the machine's authorities takes 23 ms of processor time for each TLS context."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)


@pytest.fixture
def store(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return an empty store, whose calls may take long: crowds of threads share a busy machine with it."""
    wait_long_for_the_store(monkeypatch)
    return Store(valkey_url, SCOPE)


@pytest.fixture
def server(valkey_url: str) -> Iterator[redis.Redis]:
    """Open a connection of the test's own to the one Valkey."""
    with redis.Redis.from_url(valkey_url, decode_responses=True, protocol=2) as client:
        yield client


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Create an authority that this process trusts."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one node that has all the slots, and refuses what a cluster refuses."""
    options = {"cluster-enabled": "yes", "cluster-port": str(refused_port()), "save": '""'}
    with ValkeyServer(tmp_path_factory.mktemp("cluster"), options) as node:
        with node.client as client:
            client.cluster("ADDSLOTSRANGE", 0, 16_383)
            wait_until(lambda: client.cluster("INFO")["cluster_state"] == "ok", "the cluster")
        yield f"redis+cluster://:{PASSWORD}@{HOST}:{node.port}"
