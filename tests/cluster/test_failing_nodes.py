"""Nodes of a cluster die or fall silent: a call ends within a second, and the service recovers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.domain.rate_limits import UploadLimits
from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.cluster.failover import kill_a_primary
from tests.cluster.redis_cluster import RedisCluster
from tests.shared.uploads import NOW, new_session
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCOPE = StoreScope("test", 7200)
pytestmark = pytest.mark.reliability


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[RedisCluster]:
    """Run a cluster that a test may damage."""
    with RedisCluster(tmp_path) as running:
        yield running


def test_replica_takes_over_and_the_same_store_goes_on(own_cluster: RedisCluster) -> None:
    """A primary is killed: callers hear 503 for seconds, and need no restart; what was lost is recent.

    Replication is asynchronous: what the dead primary had acknowledged at the last moment may be gone.
    """
    figures = kill_a_primary(own_cluster)

    assert figures.refused > 0
    assert figures.outage_seconds < 10
    assert figures.longest_call_seconds < 1.2
    assert figures.lost_in_seconds < 1
    assert figures.lost < figures.acknowledged / 10


def test_silent_cluster_is_told_within_a_second(own_cluster: RedisCluster) -> None:
    """When no node answers, the caller gets an error within a second, not after asking each node in turn."""
    store = Store(own_cluster.url(), SCOPE)
    session = new_session()
    store.begin_upload(session, randoms=(1,), now=NOW, limits=UploadLimits(60))
    for node in own_cluster.nodes:
        node.freeze()

    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            store.find_upload("alice", session.upload_id)
        assert time.monotonic() - started < 1.2

    for node in own_cluster.nodes:
        node.thaw()
    wait_until(lambda: answers(store, session.upload_id), "the cluster to answer again", seconds=5)


def answers(store: Store, upload_id: str) -> bool:
    """Return whether the store answers."""
    try:
        return store.find_upload("alice", upload_id).upload_id == upload_id
    except StoreUnavailableError:
        return False
