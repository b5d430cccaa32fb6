"""A pytest plugin (`-p tests.cluster.cluster_client`): what the tests need to run against a Redis Cluster.

The clients with which tests look into the store understand redis+cluster:// too; the service has its
own way (`shared.store.connection`), which is what is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import redis
from redis._parsers.commands import CommandsParser
from redis.cluster import RedisCluster

from shared.store import connection as store_connection

if TYPE_CHECKING:
    from redis.typing import PatternT

_CLUSTER_MARK = "+cluster://"
_of_one_server = redis.Redis.from_url

# Four servers share the processors with the tests; how long a call may take is tested elsewhere.
store_connection.TIMEOUT_SECONDS = 2.0
store_connection.CALL_SECONDS = 5.0


class _WholeCluster(RedisCluster):
    """A client that lists the keys of all nodes, where redis-py asks one; shared by all tests."""

    def close(self) -> None:
        """Keep the connections: discovering the cluster takes longer than most tests."""

    def close_for_good(self) -> None:
        """Close the connections, after the last test."""
        super().close()

    def keys(self, pattern: PatternT = "*", **options: Any) -> Any:  # noqa: ANN401 -- redis-py's own types
        return super().keys(pattern, target_nodes=self.PRIMARIES, **options)


_shared: dict[tuple[object, ...], _WholeCluster] = {}


def _of_any_store(url: str, **options: Any) -> redis.Redis | RedisCluster:  # noqa: ANN401 -- redis-py's own options
    if _CLUSTER_MARK not in url:
        return _of_one_server(url, **options)
    key = (url, *sorted(options.items()))
    if key not in _shared:
        client = _WholeCluster.from_url(url.replace(_CLUSTER_MARK, "://", 1), **options)
        _shared[key] = cast("_WholeCluster", client)
    return _shared[key]


def pytest_sessionfinish() -> None:
    """Close the clients that the tests have shared."""
    for client in _shared.values():
        client.close_for_good()


_learn: Any = CommandsParser.initialize
_known_commands: dict[str, Any] = {}


def _learn_once(self: CommandsParser, connection: Any) -> None:  # noqa: ANN401 -- as above
    """Reuse the table of all commands, which every client would load anew, taking 20 ms."""
    if not _known_commands:
        _learn(self, connection)
        _known_commands.update(self.commands)
    self.commands = dict(_known_commands)


setattr(redis.Redis, "from_url", staticmethod(_of_any_store))  # noqa: B010 -- an assignment would be a type error
setattr(CommandsParser, "initialize", _learn_once)  # noqa: B010 -- as above
