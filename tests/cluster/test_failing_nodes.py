"""Nodes of a cluster die or fall silent: callers are told, and the service recovers."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from shared.domain.rate_limits import UploadLimits
from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.cluster.redis_cluster import RedisCluster
from tests.durability.measure import failed_over
from tests.shared.uploads import NOW, new_session
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.reliability


def test_replica_takes_over_and_the_same_store_goes_on(tmp_path: Path) -> None:
    """A primary is killed: callers hear 503 for a while, and need no restart; little is lost.

    Replication is asynchronous: what the dead primary had acknowledged at the last moment may be gone.
    """
    figures = failed_over("a primary killed", tmp_path, full_coverage=True)

    assert figures.refused > 0
    assert figures.lost < figures.acknowledged / 10


def test_silent_cluster_is_told_while_it_is_silent(tmp_path: Path) -> None:
    """When no node answers, every call ends with an error; the same store works when they are back.

    No node goes on before that, so nobody waits for one. How long a call takes at most is the sum of the
    time-outs, see test_store_unavailable.py.
    """
    session = new_session()

    def found(store: Store) -> bool:
        with suppress(StoreUnavailableError):
            return store.find_upload("alice", session.upload_id).upload_id == session.upload_id
        return False

    with RedisCluster(tmp_path) as cluster:
        store = Store(cluster.url(), StoreScope("test", 7200))
        store.begin_upload(session, randoms=(1,), now=NOW, limits=UploadLimits(60))
        for node in cluster.nodes:
            node.freeze()
        assert [found(store), found(store)] == [False, False]
        for node in cluster.nodes:
            node.thaw()
        wait_until(lambda: found(store), "the cluster to answer again")
