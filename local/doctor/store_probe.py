"""The commands by which the doctor examines a store.

Nothing is left behind: the keys that are written expire, should their deletion fail.
"""

from __future__ import annotations

import contextlib
import secrets
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from local.operator.event_store import OperatorStore
from shared.errors import StoreUnavailableError
from shared.redis.resp import RespError
from shared.store.connection import pairs
from shared.store.endpoint import BacklogStore

if TYPE_CHECKING:
    from local.operator.event_store import KeptEvent
    from shared.redis.resp import Reply

ROUND_TRIPS = 20
CLAIMANTS = 8

_CLAIM = """
local seen = redis.call('HINCRBY', KEYS[2], 'claims', 1)
redis.call('EXPIRE', KEYS[2], ARGV[2])
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return {1, seen} end
return {0, seen}
"""
_KEY_SECONDS = 10
_KINDS = ("text", "hash", "set")
_TRIALS = (
    *("EXISTS text", "SET text 1 EX 10", "GET text", "DEL text"),
    *(
        "HSET hash field 1",
        "EXPIRE hash 10",
        "HSETNX hash field 1",
        "HINCRBY hash field 1",
        "HGET hash field",
    ),
    *("HMGET hash field", "HGETALL hash", "HEXISTS hash field", "HDEL hash field"),
    *(
        "ZADD set 1 member",
        "EXPIRE set 10",
        "ZCARD set",
        "ZCOUNT set 0 1",
        "ZRANGE set 0 0",
        "ZSCORE set member",
    ),
    *("ZRANGEBYSCORE set 0 1", "ZREM set other", "ZREMRANGEBYSCORE set 2 3", "TIME"),
)
"""Each command of the functions beside EVALSHA and SCRIPT LOAD, after it the kind of its key."""
_INDEXES = ("journal", "due", "delivered", "quarantined", "dead")


class StoreProbe(OperatorStore, BacklogStore):
    """Client of the store under examination."""

    @property
    def stage(self) -> str:
        """The stage whose keys these are."""
        return self._scope.stage

    def ping(self) -> None:
        """Send PING.

        Raises:
            StoreUnavailableError: its cause is the driver's error.

        """
        self._execute("PING")

    def round_trip_seconds(self) -> float:
        """Return the median of `ROUND_TRIPS` round trips on an open connection, in seconds."""

        def timed() -> float:
            started = time.perf_counter()
            self._unless_refused("PING")
            return time.perf_counter() - started

        return statistics.median(timed() for _ in range(ROUND_TRIPS))

    def claims(self) -> list[tuple[bool, int]]:
        """Claim one key from several connections at once, by a script.

        Return for each connection whether it won, and its place in the order of execution.

        Raises:
            StoreUnavailableError: scripts are refused, or the store did not answer.

        """
        key = f"{self._partitions()[0]}:doctor:{secrets.token_hex(8)}"
        keys = [key, f"{key}:seen"]

        def claim(number: int) -> tuple[bool, int]:
            won, place = self._call(lambda client: client.script(_CLAIM, keys, [number, _KEY_SECONDS]))
            return bool(won), int(place)

        try:
            with ThreadPoolExecutor(CLAIMANTS) as claimants:
                return list(claimants.map(claim, range(CLAIMANTS)))
        finally:
            with contextlib.suppress(StoreUnavailableError):
                self._execute("DEL", *keys)

    def forbidden_commands(self) -> list[str]:
        """Try the commands of the functions on a throw-away key of each kind; return those that are NOPERM.

        Raises:
            StoreUnavailableError: the store refuses one for another reason, or did not answer.

        """
        forbidden = set()
        key = f"{self._partitions()[0]}:doctor:{secrets.token_hex(8)}"
        try:
            for trial in _TRIALS:
                command, *rest = trial.split()
                try:
                    self._execute(command, *(f"{key}:{kind}" for kind in rest[:1]), *rest[1:])
                except StoreUnavailableError as error:
                    if error.store_code != "NOPERM":
                        raise
                    forbidden.add(command.lower())
        finally:
            with contextlib.suppress(StoreUnavailableError):
                self._execute("DEL", *(f"{key}:{kind}" for kind in _KINDS))
        return sorted(forbidden)

    def last_run(self, timer: str) -> int | None:
        """Return when the timer's function of this name has run last, in Unix seconds; None if unknown."""
        text = self._execute("GET", self._timer_key(timer))
        return int(text) if text is not None and text.isdecimal() else None

    def forget(self, event: KeptEvent) -> None:
        """Remove an event, and the upload that was recorded for it alone."""
        partition, key = event.at.partition, event.at.key
        upload_id = event.record.get("upload_id", "")
        indexes = [("ZREM", f"{partition}:{index}", key) for index in _INDEXES]
        self._pipeline(
            [
                ("DEL", key, event.at.body, event.at.tombstone, f"{partition}:upload:{upload_id}"),
                ("ZREM", f"{partition}:checks", upload_id),
                *indexes,
            ]
        )

    def information(self) -> dict[str, str]:
        """Return INFO, of one node in a cluster; empty where the store forbids it."""
        text = self._unless_refused("INFO") or ""
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def configured(self, *names: str) -> dict[str, str]:
        """Return the values of CONFIG GET; empty where the store forbids it, as managed ones do."""
        # Several names in one command need a newer server.
        return pairs([text for name in names for text in self._unless_refused("CONFIG", "GET", name) or ()])

    def _unless_refused(self, *words: str) -> Reply | None:
        try:
            return self._execute(*words)
        except StoreUnavailableError as error:
            if isinstance(error.__cause__, RespError):
                return None
            raise
