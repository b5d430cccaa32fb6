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
    """A family such as AF_INET, and what `connect` takes for it: IP address and port first."""

LATE_SECONDS = 10.0
"""So old may an answer be that came after everybody had stopped waiting; the next caller gets it."""
MOST_LOOKUPS = 8
"""How many resolutions of a process may be under way; one host name has one."""
MOST_ADDRESSES = 6
"""How many addresses of a name are tried."""
ATTEMPT_SECONDS = 1.0
"""The longest wait for one address while others are left to try."""


class ResolutionError(OSError):
    """The host name has no address."""


class ResolutionTimeoutError(TimeoutError):
    """The name service did not answer in time."""


class Resolver:
    """Resolve host names within a deadline, although `getaddrinfo` can neither be given one nor be stopped.

    It runs in a daemon thread by `start`. Callers that ask for the same name meanwhile share it, so a name
    service that swallows every question holds one thread for each host of the settings, and never more
    than MOST_LOOKUPS. An answer is used once and not cached, except for one that came too late.
    """

    def __init__(self, *, start: Start = in_daemon_thread, clock: Callable[[], float] = monotonic) -> None:
        self._start = start
        self._clock = clock
        self._lock = _thread.allocate_lock()
        self._lookups: dict[tuple[str, int], BackgroundCall[tuple[list[Address], float]]] = {}

    def resolve(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        """Return the addresses of a host in the system's order of preference; of an IP address, itself.

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
"""The one of this process."""


def connect(addresses: Sequence[Address], deadline: Deadline) -> socket.socket:
    """Connect to the first address that accepts; each in turn gets an equal part of the time that is left.

    Raises:
        OSError: the last failure, a TimeoutError if it did not answer in time.

    """
    tried = addresses[:MOST_ADDRESSES]
    failure = OSError("There is no address to connect to.")
    for left, (family, place) in zip(range(len(tried), 0, -1), tried, strict=True):
        try:
            seconds = deadline.left()
            return _connected(family, place, seconds if left == 1 else min(seconds / left, ATTEMPT_SECONDS))
        except OSError as error:  # noqa: PERF203 -- it makes a few rounds, each of which may fail
            failure = error
    raise failure


def _connected(family: int, place: tuple[Any, ...], seconds: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(place)
        # A request is sent in two pieces at times, and the second must not wait for the first one's receipt.
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
    """Ask the system for the addresses; none for a name that cannot be asked for, or that nobody has."""
    try:
        # As bytes: a text would be encoded by IDNA 2003, whose tables are a slow import and out of date.
        answers = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        answers = []
    return list(dict.fromkeys((int(family), place) for family, _, _, _, place in answers)), clock()
