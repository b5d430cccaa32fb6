"""The store on a Redis Cluster: a real one, of one node, which refuses what a cluster refuses."""

from __future__ import annotations

import pytest
import redis

from shared.errors import StoreUnavailableError
from shared.store.journal import Store
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.store.every_method import SCOPE, every_method

OF_A_SECOND = {"calls", "turn"}
"""Keys that may have ended before they are looked for."""


def kinds_kept(redis_url: str) -> set[str]:
    """Run every method of the stores, each of which has something to do; return the kinds of keys left."""
    with redis.Redis.from_url(redis_url.replace("+cluster", ""), decode_responses=True) as client:
        client.flushall()
        for step in every_method(redis_url)[0].values():
            step()
        return {key.split(":")[2] for key in client.scan_iter("*")} - OF_A_SECOND


def test_whole_story_of_an_upload_runs_on_a_cluster(cluster_url: str, valkey_url: str) -> None:
    """Every script and list keeps to one slot, so that a cluster does all that one server does."""
    assert kinds_kept(cluster_url) == kinds_kept(valkey_url)


def test_cluster_that_is_down_is_told() -> None:
    """A cluster's client connects at its first use: also then nothing but our own error gets out."""
    port = refused_port()

    with pytest.raises(StoreUnavailableError) as failure:
        Store(f"redis+cluster://{HOST}:{port}", SCOPE).find_upload("alice", "01M7Q5CQG00000000000000001")

    assert str(port) not in failure.value.detail
