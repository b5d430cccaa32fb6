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
from shared.store.connection import pairs
from shared.store.endpoint import BacklogStore
from shared.store.resp import RespError
from shared.tcp import ResolutionError, ResolutionTimeoutError

if TYPE_CHECKING:
    from shared.store.resp import Reply

ROUND_TRIPS = 20
CLAIMANTS = 8

_CLAIM = """
local seen = redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return {1, seen} end
return {0, seen}
"""
_KEY_SECONDS = 10
_REFUSALS = {
    "WRONGPASS": ("it refuses our password", "Compare the password in REDIS_URL with the store's."),
    "NOAUTH": ("it asks for a password", "Put the store's password into REDIS_URL."),
    "NOPERM": ("our user may not do this", "Give the user all commands on vuf:* keys."),
    "READONLY": ("this node is a replica and takes no writes (READONLY)", "Name the primary in REDIS_URL."),
    "MASTERDOWN": (
        "this node is a replica that has lost its primary (MASTERDOWN)",
        "Name the primary in REDIS_URL.",
    ),
    "LOADING": ("it reads its data from the disk (LOADING)", "Wait until it has started."),
    "MOVED": (
        "it has a part of the keys only, as a node of a Redis Cluster does",
        "Write redis+cluster:// or rediss+cluster:// in REDIS_URL.",
    ),
}
"""What a refusal with this code means, and what to do about it."""


class StoreProbe(OperatorStore, BacklogStore):
    """Client of the store under examination."""

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
            self.ping()
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


def failure_of(error: StoreUnavailableError) -> tuple[str, str]:
    """Return reason and advice for a failure, without the store's own text, which may name the address."""
    cause = error.__cause__
    if isinstance(cause, RespError):
        # A server without passwords, or before Redis 6, refuses ours with the code of all other errors.
        code = "WRONGPASS" if cause.code == "ERR" and "password" in str(cause) else cause.code
        unknown = (f"it fails ({code})", "See whether REDIS_URL names the right kind of store.")
        return _REFUSALS.get(code, unknown)
    if isinstance(cause, (ResolutionError, ResolutionTimeoutError)):
        advice = "Does the name service of this machine know the host in REDIS_URL?"
        return "its host name was not resolved", advice
    if isinstance(cause, TimeoutError):
        advice = "Is this machine in the store's private network, and does the security group let us in?"
        return "no answer in time", advice
    return "no connection", "Does the store run, and do host, port and TLS (rediss://) of REDIS_URL fit?"
