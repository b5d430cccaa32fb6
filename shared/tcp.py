"""Name resolution and TCP connections that end by a deadline: for the store, the webhook and key sets."""

from __future__ import annotations

import _thread
import socket
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from shared.deadline import BackgroundCall, in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from shared.deadline import Deadline, Start

    Address: TypeAlias = tuple[int, tuple[Any, ...]]
    """A family such as AF_INET, and its address for `connect`: IP address and port first."""

LATE_SECONDS = 10.0
"""How long an answer that came after its callers' deadlines is kept for the next caller."""
MOST_LOOKUPS = 8
"""The most resolutions that run at the same time in a process; a host has one at a time."""
MOST_ADDRESSES = 6
"""The most addresses of a host that are tried."""
ATTEMPT_SECONDS = 1.0
"""The longest wait for one address while others are untried."""


class ResolutionError(OSError):
    """The host name has no address."""


class ResolutionTimeoutError(TimeoutError):
    """The name service did not answer in time."""


class Resolver:
    """Resolves host names within a deadline; `getaddrinfo` has no time-out and cannot be interrupted.

    It runs in a daemon thread (`start`). Callers that ask for the same host meanwhile share that thread, so a
    name service that never answers holds one thread for each host of the settings, MOST_LOOKUPS in all.
    Answers are not cached; one that came after the deadline is kept for LATE_SECONDS, for the next caller.
    """

    def __init__(self, *, start: Start = in_daemon_thread, clock: Callable[[], float] = monotonic) -> None:
        self._start = start
        self._clock = clock
        self._lock = _thread.allocate_lock()
        self._lookups: dict[tuple[str, int], BackgroundCall[tuple[list[Address], float]]] = {}

    def resolve(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        """Return the addresses of a host in the system's order; an IP address is its own.

        Raises:
            ResolutionError: there is none.
            ResolutionTimeoutError: the name service did not answer in time.

        """
        addresses = _numeric(host, port) or self._looked_up(host, port, deadline)
        if not addresses:
            raise ResolutionError("The host name has no address.")
        return addresses

    def _looked_up(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        lookup = self._lookup(host, port)
        try:
            addresses, _ = lookup.result(deadline.left())
        except TimeoutError:
            raise ResolutionTimeoutError("The host name was not resolved in time.") from None
        with self._lock:
            if self._lookups.get((host, port)) is lookup:
                del self._lookups[host, port]
        return addresses

    def _lookup(self, host: str, port: int) -> BackgroundCall[tuple[list[Address], float]]:
        with self._lock:
            lookup = self._lookups.get((host, port))
            if lookup is None or self._is_of_no_use(lookup):
                if sum(not other.has_ended for other in self._lookups.values()) >= MOST_LOOKUPS:
                    raise ResolutionTimeoutError("Too many host names wait to be resolved.")
                lookup = BackgroundCall(partial(_look_up, host, port, self._clock), self._start)
                self._lookups[host, port] = lookup
            return lookup

    def _is_of_no_use(self, lookup: BackgroundCall[tuple[list[Address], float]]) -> bool:
        if not lookup.has_ended:
            return False
        addresses, answered_at = lookup.result(0)
        return not addresses or self._clock() - answered_at > LATE_SECONDS


RESOLVER = Resolver()
"""The resolver of this process."""


def connect(addresses: Sequence[Address], deadline: Deadline) -> socket.socket:
    """Connect to the first address that accepts; each gets an equal part of the time that is left.

    Raises:
        OSError: the last failure, a TimeoutError if it did not answer in time.

    """
    tried = addresses[:MOST_ADDRESSES]
    failure = OSError("There is no address to connect to.")
    for left, (family, place) in zip(range(len(tried), 0, -1), tried, strict=True):
        try:
            seconds = deadline.left()
            return _connected(family, place, seconds if left == 1 else min(seconds / left, ATTEMPT_SECONDS))
        except OSError as error:  # noqa: PERF203 -- six rounds at most
            failure = error
    raise failure


def _connected(family: int, place: tuple[Any, ...], seconds: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(place)
        # The second piece of a request must not wait until the first is acknowledged.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _numeric(host: str, port: int) -> list[Address]:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return [(family, (host, port))]
    return []


def _look_up(host: str, port: int, clock: Callable[[], float]) -> tuple[list[Address], float]:
    """Query the system's name service; no addresses for an unknown or malformed name."""
    try:
        # `getaddrinfo` encodes a `str` by IDNA 2003, which takes a slow import.
        answers = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        answers = []
    return list(dict.fromkeys((int(family), place) for family, _, _, _, place in answers)), clock()
