"""A pytest plugin (`-p tests.cluster.cluster_client`): what the tests need to run against a Redis Cluster.

The clients with which tests look into the store understand redis+cluster:// too; the service has its
own way (`shared.store_connection`), which is what is tested.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import redis
from redis.cluster import RedisCluster

from shared import store_connection

if TYPE_CHECKING:
    from redis.typing import PatternT

_CLUSTER_MARK = "+cluster://"
_of_one_server = redis.Redis.from_url

# Four servers share the processors with the tests; how long a call may take is tested elsewhere.
store_connection.TIMEOUT_SECONDS = 2.0
store_connection.CLUSTER_CALL_SECONDS = 5.0


class _WholeCluster(RedisCluster):
    """Lists the keys of all nodes, where redis-py asks one; and outlives the tests that share it."""

    def close(self) -> None:
        """Stay open: learning the cluster anew takes longer than most tests."""

    def keys(self, pattern: PatternT = "*", **options: Any) -> Any:  # noqa: ANN401 -- redis-py's own types
        return super().keys(pattern, target_nodes=self.PRIMARIES, **options)


def _of_any_store(url: str, **options: Any) -> redis.Redis | RedisCluster:  # noqa: ANN401 -- redis-py's own options
    if _CLUSTER_MARK not in url:
        return _of_one_server(url, **options)
    return _of_cluster(url.replace(_CLUSTER_MARK, "://", 1), **options)


@lru_cache
def _of_cluster(url: str, **options: Any) -> RedisCluster:  # noqa: ANN401 -- as above
    return _WholeCluster.from_url(url, **options)


setattr(redis.Redis, "from_url", staticmethod(_of_any_store))  # noqa: B010 -- an assignment would be a type error
