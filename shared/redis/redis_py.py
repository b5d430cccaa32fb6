"""redis-py as the store's client: for a Redis Cluster, and for an address with options.

It is imported only where it is needed, because its import costs more than all the rest of a cold start.
"""

from __future__ import annotations

from concurrent import futures
from functools import cached_property
from hashlib import sha1
from time import monotonic
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from shared.redis.resp import (
    MAX_IDLE_SECONDS,
    RespError,
    is_about_the_server,
    is_lacking,
    is_without_scripts,
    nothing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.redis.resp import Command, Meanwhile, Reply, ScriptCall, Word

CLUSTER_MARK = "+cluster://"
"""redis+cluster:// and rediss+cluster:// name one node of a Redis Cluster that has no proxy in front."""


class RedisPyClient:
    """One server or one cluster, with the calls, replies and errors of `RespClient`.

    A call is made in a thread of its own, which can be left behind: the client of a cluster tries every
    node in turn before it gives up, and nothing limits a name resolution.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        timeout_seconds: float,
        call_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._url = redis_url
        self._timeout_seconds = timeout_seconds
        self._call_seconds = call_seconds
        self._clock = clock
        self._used_at = float("-inf")
        self._threads = futures.ThreadPoolExecutor(thread_name_prefix="store")

    def execute(self, *words: Word) -> Reply:
        """Send one command to the node that has its keys; to the default node, if it has none."""

        def send(client: redis.Redis | RedisCluster) -> Reply:
            return client.execute_command(*_raw(words), **_node_for(client, words))  # type: ignore[no-untyped-call]

        return self._call(send)

    def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        """Send the commands for each node in one piece; all replies are read before an error is raised."""

        def send(client: redis.Redis | RedisCluster) -> list[Reply]:
            pipeline = client.pipeline(transaction=False)
            for words in commands:
                pipeline.execute_command(*_raw(words))
            replies: list[Reply] = pipeline.execute(raise_on_error=False)
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
            return replies

        return list(self._call(send))

    def script(
        self, source: str, keys: Sequence[str], arguments: Sequence[Word], meanwhile: Meanwhile = nothing
    ) -> Reply:
        """Run a Lua script, and send its source to a node that does not have it yet."""

        def send(client: redis.Redis | RedisCluster) -> Reply:
            try:
                return client.register_script(source)(keys, arguments)
            except redis.RedisError as error:
                refusal = _translated(error)
                if not isinstance(refusal, RespError) or not is_without_scripts(refusal):
                    raise
            return client.eval(source, len(keys), *keys, *map(_encodable, arguments))

        return self._call(send, meanwhile)

    def scripts(self, source: str, calls: Sequence[ScriptCall]) -> list[Reply | RespError | OSError]:
        """Run a Lua script with each of these keys and arguments, those of each node in one piece.

        Of a node that cannot be reached each reply is the error.
        """

        def send(
            client: redis.Redis | RedisCluster, script: tuple[str, str], ats: Sequence[int]
        ) -> list[Reply]:
            pipeline = client.pipeline(transaction=False)
            for keys, arguments in (calls[at] for at in ats):
                # By its exact name: it is routed by its keys, and its reply left as it is.
                pipeline.execute_command(*script, len(keys), *keys, *map(_encodable, arguments))
            replies = pipeline.execute(raise_on_error=False)
            return [_translated(reply) if isinstance(reply, Exception) else reply for reply in replies]

        def send_all(client: redis.Redis | RedisCluster) -> list[Reply]:
            digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
            replies = send(client, ("EVALSHA", digest), range(len(calls)))
            # EVAL leaves the script with the server.
            if refused := [at for at, it in enumerate(replies) if is_lacking(it) or is_without_scripts(it)]:
                for at, reply in zip(refused, send(client, ("EVAL", source), refused), strict=True):
                    replies[at] = reply
            return replies

        return list(self._call(send_all))

    @cached_property
    def _client(self) -> redis.Redis | RedisCluster:
        kind = RedisCluster if CLUSTER_MARK in self._url else redis.Redis
        return kind.from_url(
            self._url.replace(CLUSTER_MARK, "://", 1),
            decode_responses=True,
            encoding_errors="surrogateescape",
            socket_timeout=self._timeout_seconds,
            socket_connect_timeout=self._timeout_seconds,
            # A script that is sent twice would count twice; who asks again decides what it means.
            retry=Retry(NoBackoff(), 0),
            # A new connection sends AUTH and SELECT alone: anything more is a round trip each.
            protocol=2,
            driver_info=None,
        )

    def _call(
        self, ask: Callable[[redis.Redis | RedisCluster], Reply], meanwhile: Meanwhile = nothing
    ) -> Reply:
        if self._clock() - self._used_at > MAX_IDLE_SECONDS:
            self._connect_anew()
        # A cluster's client connects when it is built, so it is built in the thread.
        call = self._threads.submit(lambda: ask(self._client))
        try:
            meanwhile()
            return call.result(self._call_seconds)
        except (futures.TimeoutError, redis.RedisError, redis.exceptions.RedisClusterException) as error:
            failure = _translated(error)
            if isinstance(failure, RespError) and is_about_the_server(failure):
                self._connect_anew()
            raise failure from error
        finally:
            self._used_at = self._clock()
            # A call that has begun ends by its own time-outs; one that has not must not be made later.
            call.cancel()

    def _connect_anew(self) -> None:
        """Have the next call make a new client; running calls keep the old one."""
        self.__dict__.pop("_client", None)


def _encodable(word: Word) -> str | bytes:
    return word if isinstance(word, bytes) else str(word)


def _raw(words: Command) -> list[str | bytes]:
    """Build the arguments with which redis-py sends a command and leaves its reply as it is.

    It decodes replies by the exact name of the command; a blank after the name is cut off when it is sent.
    """
    name, *rest = map(_encodable, words)
    return [f"{name!s} ", *rest]


def _node_for(client: redis.Redis | RedisCluster, words: Command) -> dict[str, object]:
    """Return the node for a command without keys, such as INFO or CONFIG GET, which redis-py cannot route."""
    names = {str(words[0]), " ".join(map(str, words[:2]))}
    if isinstance(client, RedisCluster) and not names.isdisjoint(client.command_flags):
        return {"target_nodes": client.get_default_node()}  # type: ignore[no-untyped-call]
    return {}


def _translated(error: Exception) -> Exception:
    # A cluster of which no node answers is told as an error of another kind, because of that of a node.
    if isinstance(error, redis.exceptions.RedisClusterException) and isinstance(
        error.__cause__, redis.RedisError
    ):
        return _translated(error.__cause__)
    if isinstance(error, (futures.TimeoutError, redis.TimeoutError)):
        return TimeoutError("The store did not reply in time.")
    code = getattr(error, "status_code", None)
    if code is None and isinstance(error, redis.ConnectionError):
        return ConnectionError(str(error))
    return RespError(f"{code} {error}" if code else str(error))
