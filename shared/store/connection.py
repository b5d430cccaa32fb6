"""The connection to Redis, and how keys are named.

What is kept is left to `shared.store.uploads` and `shared.store.journal`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, cast

from shared.domain.rate_limits import DAY_SECONDS
from shared.domain.upload_id import made_at
from shared.errors import StoreUnavailableError
from shared.invocation_log import timed
from shared.store.resp import RedisWire, RedisWireError, can_speak_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent import futures

    import redis

PARTITIONS = 16
TIMEOUT_SECONDS = 0.4
CLUSTER_CALL_SECONDS = 0.9
"""The longest that a call of a cluster may take: its client asks every node in turn before it gives up."""
CLUSTER_MARK = "+cluster://"
"""redis+cluster:// and rediss+cluster:// name one node of a Redis Cluster that has no proxy in front."""


@dataclass(frozen=True)
class StoreScope:
    """Whose records these are: one stage's; and for how many seconds each is kept."""

    stage: str
    retention_seconds: int


class StoreConnection:
    """One client; any failure of it is a StoreUnavailableError, within a second."""

    def __init__(self, redis_url: str, scope: StoreScope) -> None:
        self._redis_url = redis_url
        self._scope = scope

    def __repr__(self) -> str:
        """Name the stage only: the address may hold a password."""
        return f"{type(self).__name__}(stage={self._scope.stage!r})"

    _needs_all_commands: ClassVar[bool] = False
    """Whether redis-py is asked for what `shared.store.resp` does not speak; functions never need it."""

    @cached_property
    def _client(self) -> redis.Redis:
        """Build the client at its first use, because one of a cluster connects at once."""
        if can_speak_to(self._redis_url) and not self._needs_all_commands:
            # It has those of the same commands that are used here, and is typed apart.
            return cast("redis.Redis", RedisWire(self._redis_url, timeout_seconds=TIMEOUT_SECONDS))
        return _whole_client(self._redis_url)

    @cached_property
    def _beside(self) -> futures.ThreadPoolExecutor:
        """Keep the threads in which a cluster's calls are made, so that one can be left behind."""
        from concurrent import futures  # noqa: PLC0415 -- only a cluster has to pay

        return futures.ThreadPoolExecutor(thread_name_prefix="store")

    def _partitions(self) -> list[str]:
        """List the prefixes of all keys there can be."""
        return [self._prefix(number) for number in range(PARTITIONS)]

    def _partition_of(self, name: str) -> str:
        """Make the prefix of all keys that go with `name`, which itself is in no key."""
        return self._prefix(int(digest(name)[:2], 16) % PARTITIONS)

    def _prefix(self, number: int) -> str:
        """Spell a partition; what is in braces decides the cluster slot, so a partition has one."""
        return f"vuf:{{{self._scope.stage}.{number}}}"

    def _due_members(self, index: str, *, now: int, limit: int) -> dict[str, list[str]]:
        """Read from each partition's sorted set the members whose time has come, the oldest first."""
        members = self._ask_each(
            lambda pipeline, partition: pipeline.zrangebyscore(
                f"{partition}:{index}", "-inf", now, start=0, num=limit
            )
        )
        return dict(zip(self._partitions(), members, strict=True))

    def _ask_each(self, command: Callable[[redis.client.Pipeline, str], object]) -> list[Any]:
        """Ask every partition the same thing in one round trip; the answers come in their order."""

        def ask(client: redis.Redis) -> list[Any]:
            pipeline = client.pipeline(transaction=False)
            for partition in self._partitions():
                command(pipeline, partition)
            return pipeline.execute()

        return cast("list[Any]", self._ask(ask))

    def _run(self, script: str, keys: Sequence[str], arguments: Sequence[object]) -> Any:  # noqa: ANN401 -- each script has its own reply
        given = cast("list[str]", list(arguments))
        return self._ask(lambda client: client.register_script(script)(keys=list(keys), args=given))

    def _ask(self, command: Callable[[redis.Redis], Any]) -> Any:  # noqa: ANN401 -- each command has its own reply
        try:
            with timed("store"):
                if CLUSTER_MARK in self._redis_url:
                    return self._ask_cluster(command)
                return command(self._client)
        except Exception as error:
            if not _is_failure(error):
                raise
            raise StoreUnavailableError(
                f"The store did not answer ({type(error).__name__}). Try again in a moment."
            ) from error

    def _ask_cluster(self, command: Callable[[redis.Redis], Any]) -> Any:  # noqa: ANN401 -- as above
        call = self._beside.submit(lambda: command(self._client))
        try:
            return call.result(CLUSTER_CALL_SECONDS)
        finally:
            # One that has begun ends by its own time-outs; one that has not must not come too late.
            call.cancel()


def _whole_client(redis_url: str) -> redis.Redis:
    """Build redis-py's client, whose import takes longer than all the rest of a cold start."""
    import redis  # noqa: PLC0415 -- see above
    from redis.backoff import NoBackoff  # noqa: PLC0415 -- see above
    from redis.cluster import RedisCluster  # noqa: PLC0415 -- see above
    from redis.retry import Retry  # noqa: PLC0415 -- see above

    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        # A script that is sent twice would count twice; who asks again decides what it means.
        "retry": Retry(NoBackoff(), 0),
        # A new connection says who it is and nothing more: each further word is a round trip, and
        # each may take its time-out. The older protocol is also what every server has.
        "protocol": 2,
        "driver_info": None,
    }
    if CLUSTER_MARK not in redis_url:
        return redis.Redis.from_url(redis_url, **options)
    node = redis_url.replace(CLUSTER_MARK, "://", 1)
    # It has the same commands, and is typed apart.
    return cast("redis.Redis", RedisCluster.from_url(node, **options))


def _is_failure(error: Exception) -> bool:
    """Whether a client has failed at its server; those of redis-py are known by name, not to import it."""
    kinds = type(error).__mro__
    return isinstance(error, (OSError, RedisWireError)) or any(
        kind.__name__ in ("RedisError", "RedisClusterException", "TimeoutError") for kind in kinds
    )


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Read the flat list that HGETALL gives inside a script."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def flat(fields: Sequence[tuple[str, str]]) -> list[str]:
    """Spell fields as HSET wants them."""
    return list(chain.from_iterable(fields))


def open_uploads_key(partition: str, user_id: str) -> str:
    """Name the set of a user's uploads that are under way."""
    return f"{partition}:open:{digest(user_id)}"


def usage_key(partition: str, user_id: str, upload_id: str) -> str:
    """Name what a user has used of the UTC day on which this upload began, as its id tells."""
    return f"{partition}:usage:{made_at(upload_id) // DAY_SECONDS}:{digest(user_id)}"


@lru_cache(maxsize=64)
def digest(text: str) -> str:
    """Stand in for a text in a key: no user's text is ever part of one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
