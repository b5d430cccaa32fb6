"""One Redis Cluster for the tests of this folder; a test that kills its nodes creates its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.redis_cluster import RedisCluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Run three primaries and a replica."""
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
