"""A socket to the real store that fails, delays, drops and garbles."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakSet

import hiredis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.deadline import Deadline
    from shared.tcp import Address
    from tests.simulation.scheduler import Scheduler
    from tests.simulation.virtual_store import VirtualStore

FAULTS = {
    "refused": 20,  # the connection ends before the command is read
    "lost": 30,  # the command takes effect, the reply is lost
    "late": 10,  # the command takes effect after its caller has given up
    "slow": 20,  # the reply comes, in time or not
    "drip": 10,  # the reply comes byte by byte
    "garbled": 20,  # the command takes effect or not, the reply is no RESP or of another type
    "error": 10,  # the command is refused with a word about the server
}
"""What happens to a call, and how often in relation to the others."""
DRIP_SECONDS = 0.3
"""Between two bytes; less than the time-out of one wait."""
ERRORS = (
    "READONLY You can't write against a read only replica.",
    "ERR Error running script (call to f_0): @user_script:1: -READONLY You can't write",
    "LOADING Valkey is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "BUSY Valkey is busy running a script.",
    "TRYAGAIN Multiple keys request during rehashing of slot",
)
GARBAGE = (b"\x00\x7f\xff\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n")
OTHER_TYPES = (b"+OK\r\n", b"$3\r\n\xff\xfe\xfd\r\n", b"*-1\r\n")
"""Replies of a type that neither a script nor a read of a record has."""


def _has_one_type(packed: bytes) -> bool:
    """Return whether the reply to a command is a list, whatever it finds."""
    return any(name in packed[:32] for name in (b"EVALSHA", b"HGETALL"))


@dataclass
class StoreWeather:
    """How the store is at the moment: `rate` is the share of calls with a fault, `only` one kind of it."""

    rate: float = 0.0
    only: str = ""
    is_down: bool = False
    failed_over_at: float = float("-inf")


class StoreNetwork:
    """The way from the functions to the store; `count_fault` hears of every fault that was injected."""

    def __init__(
        self,
        store: VirtualStore,
        scheduler: Scheduler,
        count_fault: Callable[[str], None],
        may_be_killed: Callable[[], None],
    ) -> None:
        self.store = store
        self.scheduler = scheduler
        self.weather = StoreWeather()
        self.count_fault = count_fault
        self.may_be_killed = may_be_killed
        self.random = scheduler.random_of("store")
        self._opened = WeakSet[socket.socket]()

    def close(self) -> None:
        """Close the connections of everybody who was killed, or is still at work when the run ends."""
        for raw in list(self._opened):
            raw.close()

    def connect(self, addresses: Sequence[Address], deadline: Deadline) -> StoreSocket:
        """Stand for `shared.tcp.connect`."""
        deadline.left()
        self.scheduler.sleep(self.random.uniform(0.0002, 0.002))
        if self.weather.is_down:
            self.count_fault("store down")
            raise ConnectionRefusedError
        raw = socket.create_connection(addresses[0][1][:2])
        self._opened.add(raw)
        raw.settimeout(120)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return StoreSocket(raw, self)

    def fault(self, opened_at: float) -> str:
        """Draw what happens to a call; nothing for most."""
        if self.weather.is_down:
            return "refused"
        if opened_at < self.weather.failed_over_at:
            return "readonly"
        if self.random.random() < self.weather.rate:
            return self.weather.only or self.random.choices(list(FAULTS), list(FAULTS.values()))[0]
        return ""

    def garbage(self, packed: bytes) -> bytes:
        """Return what stands for the reply to a command."""
        return self.random.choice(GARBAGE + OTHER_TYPES * 2 * _has_one_type(packed))


class StoreSocket:
    """The part of a socket that `RespClient` uses; a call is one `sendall` and what is received after it."""

    def __init__(self, raw: socket.socket, network: StoreNetwork) -> None:
        self._raw = raw
        self._network = network
        self._scheduler = network.scheduler
        self._opened_at = network.scheduler.now
        self._seconds = 0.4
        self._fault = ""
        self._prepared = self._packed = b""
        self._is_lent = False
        self._is_spoilt = False
        self._dripping = b""

    def settimeout(self, seconds: float) -> None:
        """Keep the longest wait."""
        self._seconds = seconds

    def fileno(self) -> int:
        """Return the descriptor, for `poll`."""
        return self._raw.fileno()

    def close(self) -> None:
        """Close, unless a late command still waits for its turn."""
        if not self._is_lent:
            self._raw.close()

    def sendall(self, packed: bytes) -> None:
        """Send commands, or what the network makes of it."""
        network = self._network
        network.may_be_killed()
        self._scheduler.sleep(network.random.uniform(0.0002, 0.002))
        self._fault = network.fault(self._opened_at)
        self._prepared, self._packed = b"", packed
        if self._fault:
            network.count_fault(f"store {self._fault}")
        if self._fault == "refused":
            raise ConnectionResetError
        if self._fault in ("error", "readonly"):
            text = ERRORS[0] if self._fault == "readonly" else network.random.choice(ERRORS)
            self._prepared = f"-{text}\r\n".encode() * _commands_in(packed)
        elif self._fault == "garbled" and network.random.random() < 0.5:
            self._prepared, self._is_spoilt = network.garbage(packed), True
        elif self._fault == "late":
            self._is_lent = True
            self._scheduler.after(
                network.random.choice((0.5, 2.0, 9.0, 40.0)), lambda: self._send_late(packed)
            )
        else:
            network.store.show_now()
            self._raw.sendall(packed)

    def recv(self, most: int) -> bytes:
        """Receive a part of the replies, or what the network makes of it."""
        fault, self._fault = self._fault, ""
        network = self._network
        if self._prepared:
            prepared, self._prepared = self._prepared, b""
            return prepared
        if self._dripping:
            return self._drip()
        if fault == "late":
            self._scheduler.sleep(self._seconds)
            raise TimeoutError
        if self._is_spoilt:
            raise ConnectionResetError
        received = self._raw.recv(most)
        # The command has taken effect: whoever is killed here does not know.
        network.may_be_killed()
        if fault == "garbled":
            self._is_spoilt = True
            return network.garbage(self._packed)
        if fault == "drip":
            self._dripping = received
            return self._drip()
        if fault == "lost":
            self._scheduler.sleep(self._seconds)
            raise network.random.choice((TimeoutError, ConnectionResetError))
        if fault == "slow":
            wait = network.random.uniform(0.0, 1.2)
            self._scheduler.sleep(min(wait, self._seconds))
            if wait > self._seconds:
                raise TimeoutError
        return received

    def _drip(self) -> bytes:
        self._scheduler.sleep(DRIP_SECONDS)
        self._network.may_be_killed()
        first, self._dripping = self._dripping[:1], self._dripping[1:]
        return first

    def _send_late(self, packed: bytes) -> None:
        self._network.store.show_now()
        self._raw.sendall(packed)
        self._raw.recv(1)
        self._raw.close()


def _commands_in(packed: bytes) -> int:
    reader = hiredis.Reader()
    reader.feed(packed)
    count = 0
    while reader.gets() is not False:
        count += 1
    return count
