"""A pytest plugin (`-p tests.cluster.cluster_client`): the tests' own clients understand redis+cluster:// too.

It touches the clients with which tests look into the store; the service has its own way
(`shared.store_connection`), which is what is tested.
"""

from __future__ import annotations

from typing import Any

import redis
from redis.cluster import RedisCluster

_CLUSTER_MARK = "+cluster://"
_of_one_server = redis.Redis.from_url


def _of_any_store(url: str, **options: Any) -> redis.Redis | RedisCluster:  # noqa: ANN401 -- redis-py's own options
    if _CLUSTER_MARK not in url:
        return _of_one_server(url, **options)
    return RedisCluster.from_url(url.replace(_CLUSTER_MARK, "://", 1), **options)


setattr(redis.Redis, "from_url", staticmethod(_of_any_store))  # noqa: B010 -- an assignment would be a type error
