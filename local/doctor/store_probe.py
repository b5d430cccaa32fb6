"""The commands with which the doctor looks at a store; what the answers mean is left to `store_checks`.

Nothing is left behind: the one key that is written ends by itself, should its removal fail.
"""

from __future__ import annotations

import contextlib
import secrets
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import redis

from local.operator.event_store import OperatorStore
from shared.errors import StoreUnavailableError
from shared.store.endpoint import BacklogStore

ROUND_TRIPS = 20
CLAIMANTS = 8

_CLAIM = """
local seen = redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return {1, seen} end
return {0, seen}
"""
_KEY_SECONDS = 10
_REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        redis.AuthenticationError,
        "it refuses our password",
        "Compare the password in REDIS_URL with the store's.",
    ),
    (
        redis.exceptions.NoPermissionError,
        "our user may not do this",
        "Give the user all commands on vuf:* keys.",
    ),
    (
        redis.exceptions.MovedError,
        "it has a part of the keys only, as a node of a Redis Cluster does",
        "Write redis+cluster:// or rediss+cluster:// in REDIS_URL.",
    ),
    (
        redis.TimeoutError,
        "no answer in time",
        "Is this machine in the store's private network, and does the security group let us in?",
    ),
    (
        redis.ConnectionError,
        "no connection",
        "Does the store run, and do host, port and TLS (rediss://) of REDIS_URL fit?",
    ),
)


class StoreProbe(OperatorStore, BacklogStore):
    """One store, looked at."""

    _needs_all_commands = True

    def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            StoreUnavailableError: its cause is the driver's error.

        """
        self._ask(lambda client: client.ping())

    def round_trip_seconds(self) -> float:
        """Measure the median of some round trips on an open connection."""

        def timed() -> float:
            started = time.perf_counter()
            self.ping()
            return time.perf_counter() - started

        return statistics.median(timed() for _ in range(ROUND_TRIPS))

    def claims(self) -> list[tuple[bool, int]]:
        """Have several connections claim one key by a script: who won, and as how many-th each was served.

        Raises:
            StoreUnavailableError: scripts are refused, or it did not answer.

        """
        key = f"{self._partitions()[0]}:doctor:{secrets.token_hex(8)}"
        keys = [key, f"{key}:seen"]

        def claim(number: int) -> tuple[bool, int]:
            won, place = self._run(_CLAIM, keys, [number, _KEY_SECONDS])
            return bool(won), int(place)

        try:
            with ThreadPoolExecutor(CLAIMANTS) as claimants:
                return list(claimants.map(claim, range(CLAIMANTS)))
        finally:
            with contextlib.suppress(StoreUnavailableError):
                self._ask(lambda client: client.delete(*keys))

    def information(self) -> dict[str, Any]:
        """Read INFO, of one node in a cluster; empty where the store does not allow it."""
        try:
            return cast("dict[str, Any]", self._ask(lambda client: client.info()))
        except StoreUnavailableError as error:
            if isinstance(error.__cause__, redis.ResponseError):
                return {}
            raise

    def configured(self, *names: str) -> dict[str, str]:
        """Read CONFIG GET; empty where the store does not allow it, as managed ones do."""

        def ask(client: redis.Redis) -> dict[str, str]:
            found: dict[str, str] = {}
            for name in names:  # several names in one command need a newer server
                found.update(cast("dict[str, str]", client.config_get(name)))
            return found

        try:
            return cast("dict[str, str]", self._ask(ask))
        except StoreUnavailableError as error:
            if isinstance(error.__cause__, redis.ResponseError):
                return {}
            raise


def failure_of(error: StoreUnavailableError) -> tuple[str, str]:
    """Tell what went wrong and what to do, never in the driver's words: they name the address."""
    cause = error.__cause__
    for kind, reason, advice in _REASONS:
        if isinstance(cause, kind):
            return reason, advice
    if isinstance(cause, redis.ResponseError) and str(cause).startswith("NOAUTH"):
        return "it asks for a password", "Put the store's password into REDIS_URL."
    return f"it fails ({type(cause).__name__})", "See whether REDIS_URL names the right kind of store."
