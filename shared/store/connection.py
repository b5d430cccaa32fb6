"""The connection to Redis, and the names of keys."""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.rate_limits import DAY_SECONDS
from shared.errors import StoreUnavailableError
from shared.invocation_log import note, timed
from shared.redis.resp import RespClient, RespError, nothing, supports
from shared.store.scripts import read_script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol, TypeVar

    from shared.domain.journal import Word as FieldWord
    from shared.redis.resp import Command, Meanwhile, Reply, ScriptCall, Word

    S = TypeVar("S")
    T = TypeVar("T")

    class RedisClient(Protocol):
        """How a store talks to Redis. Replies have the shapes of RESP2, errors are `RespError` or OSError.

        The keys of one command, or of one script, are in one partition.
        """

        def execute(self, *words: Word) -> Reply:
            """Send one command and return its reply."""

        def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
            """Send commands together and return their replies in the same order."""

        def script(
            self, source: str, keys: Sequence[str], arguments: Sequence[Word], meanwhile: Meanwhile = ...
        ) -> Reply:
            """Run a Lua script, atomically, and return its reply; call `meanwhile` when it is sent."""

        def scripts(self, source: str, calls: Sequence[ScriptCall]) -> list[Reply | RespError | OSError]:
            """Run a Lua script with each of these keys and arguments; return the replies in their order."""


PARTITIONS = 16
TIMEOUT_SECONDS = 0.4
CALL_SECONDS = 0.9
"""The longest that a call may take, in however many waits of `TIMEOUT_SECONDS`."""


class StoreScope(NamedTuple):
    """The stage whose records these are, and for how many seconds each is kept."""

    stage: str
    retention_seconds: int


class StoreConnection:
    """One client; any failure of it is a StoreUnavailableError, within a second.

    The store's own word for a refusal is noted for the log of the invocation, as `storeCode`.
    """

    def __init__(self, redis_url: str, scope: StoreScope) -> None:
        self._redis_url = redis_url
        self._scope = scope

    def __repr__(self) -> str:
        """Show the stage only: the address may contain a password."""
        return f"{type(self).__name__}(stage={self._scope.stage!r})"

    def time(self) -> float:
        """Return the store's time in Unix seconds: one clock for all instances.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        # A script, which a cluster sends to one node as well.
        seconds, microseconds = self._script("store_time", [f"{self._prefix(0)}:time"], [])
        return int(seconds) + int(microseconds) / 1e6

    @cached_property
    def _client(self) -> RedisClient:
        if supports(self._redis_url):
            return RespClient(self._redis_url, timeout_seconds=TIMEOUT_SECONDS, call_seconds=CALL_SECONDS)
        from shared.redis.redis_py import RedisPyClient  # noqa: PLC0415 -- only a cluster has to pay

        return RedisPyClient(self._redis_url, timeout_seconds=TIMEOUT_SECONDS, call_seconds=CALL_SECONDS)

    def _partitions(self) -> list[str]:
        """List the key prefixes of all partitions."""
        return [self._prefix(number) for number in range(PARTITIONS)]

    def _partition_of(self, name: str) -> str:
        """Return the key prefix of the partition of `name`, which itself is in no key."""
        return self._prefix(int(digest(name)[:2], 16) % PARTITIONS)

    def _prefix(self, number: int) -> str:
        """Return the key prefix of a partition; the text in braces decides the cluster slot."""
        return f"vuf:{{{self._scope.stage}.{number}}}"

    def _timer_key(self, timer: str) -> str:
        """Return the key of the time (Unix seconds) of a timer's last run."""
        return f"{self._partition_of(timer)}:timer:{timer}"

    def _due_members(self, index: str, *, now: int, limit: int) -> dict[str, list[str]]:
        """Read from each partition's sorted set the members that are due, the oldest first."""
        members = self._of_each_partition(
            lambda partition: [("ZRANGEBYSCORE", f"{partition}:{index}", "-inf", now, "LIMIT", 0, limit)]
        )
        return dict(zip(self._partitions(), members, strict=True))

    def _of_each_partition(self, commands: Callable[[str], Sequence[Command]]) -> list[Reply]:
        """Send the same commands to every partition in one round trip; return all replies in order."""
        return self._pipeline([words for partition in self._partitions() for words in commands(partition)])

    def _execute(self, *words: Word) -> Reply:
        return self._call(lambda client: client.execute(*words))

    def _hash(self, key: str) -> dict[str, str]:
        """Read the fields of a hash; none if there is no such key."""
        return record_in(self._execute("HGETALL", key))

    def _pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        return self._call(lambda client: client.pipeline(commands))

    def _script(
        self, name: str, keys: Sequence[str], arguments: Sequence[Word], meanwhile: Meanwhile = nothing
    ) -> Reply:
        """Run a script of `lua/` by its name; `meanwhile` is called while the store works."""
        return self._call(lambda client: client.script(read_script(name), keys, arguments, meanwhile))

    def _scripts(self, name: str, calls: Sequence[ScriptCall]) -> list[Reply | StoreUnavailableError]:
        """Run a script of `lua/` with each of these keys and arguments: what one meets is its own reply."""
        replies = self._call(lambda client: client.scripts(read_script(name), calls))
        return [_unavailable(it) if isinstance(it, (OSError, RespError)) else it for it in replies]

    def _script_for_each(self, name: str, calls: Sequence[tuple[S, ScriptCall]]) -> list[tuple[S, Reply]]:
        """Run a script of `lua/` for each of these subjects, and return them with the replies.

        A subject whose node does not answer is left out.

        Raises:
            StoreUnavailableError: none of them answered.

        """
        subjects = [subject for subject, _ in calls]
        answers = zip(subjects, self._scripts(name, [call for _, call in calls]), strict=True)
        answered, failures = [], []
        for subject, reply in answers:
            if isinstance(reply, StoreUnavailableError):
                failures.append(reply)
            else:
                answered.append((subject, reply))
        if failures and not answered:
            raise failures[0]
        return answered

    def _call(self, use: Callable[[RedisClient], T]) -> T:
        try:
            with timed("store"):
                return use(self._client)
        except (OSError, RespError) as error:
            raise _unavailable(error) from error


def _unavailable(error: OSError | RespError) -> StoreUnavailableError:
    code = error.code if isinstance(error, RespError) else ""
    if code:
        note(storeCode=code)
    return StoreUnavailableError(
        f"The store did not answer ({type(error).__name__}). Try again in a moment.", store_code=code
    )


def record_in(reply: Reply) -> dict[str, str]:
    """Read the reply to HGETALL as a record, empty if there is none.

    Raises:
        StoreUnavailableError: it is no list.

    """
    if not isinstance(reply, list):
        # Not "no such record": what is forgotten because of it would stay forgotten.
        raise StoreUnavailableError("The store did not answer with a record. Try again in a moment.")
    return pairs(reply)


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Read the reply to HGETALL: alternating fields and values."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def flat(fields: Sequence[tuple[str, FieldWord]]) -> list[FieldWord]:
    """Return fields as the arguments of HSET."""
    return list(chain.from_iterable(fields))


def open_uploads_key(partition: str, user_id: str) -> str:
    """Return the key of a user's open uploads."""
    return f"{partition}:open:{digest(user_id)}"


def usage_key(partition: str, user_id: str, *, at: int) -> str:
    """Return the key of a user's usage on the UTC day of a Unix second."""
    return f"{partition}:usage:{at // DAY_SECONDS}:{digest(user_id)}"


@lru_cache(maxsize=64)
def digest(text: str) -> str:
    """Return the digest that stands for a text in keys, which never contain a user's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
