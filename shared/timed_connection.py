"""A TCP connection whose whole life is limited: connecting, the handshake, and every byte of the answer.

Which address to connect to is left to `shared.outbound_address`, and what is said to whoever speaks.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def connected(address: str, port: int, timeout_seconds: float) -> Iterator[socket.socket]:
    """Connect, and cut the connection when the time is over.

    A socket's own time-out is not enough: every byte of an answer that drips in would renew it.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection, connection.dup() as handle:
        connection.settimeout(timeout_seconds)
        watch = threading.Timer(timeout_seconds, _cut, [handle])
        watch.start()
        try:
            connection.connect((address, port))
            yield connection
        finally:
            watch.cancel()


def _cut(connection: socket.socket) -> None:
    # It may have ended by itself in the meantime.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
