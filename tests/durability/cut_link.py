"""A link between a primary and its replica that can swallow everything, like a broken network."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from tests.cluster.valkey_server import HOST

if TYPE_CHECKING:
    from typing_extensions import Self


class CutLink:
    """Relays to `port` until `cut`; after that it reads every byte and forwards none.

    Stopping the replica instead would show nothing: the system's buffers keep what it is sent.
    """

    def __init__(self, port: int) -> None:
        """Listen on a port of its own."""
        self._target = port
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._is_cut = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def cut(self) -> None:
        """Swallow everything in both directions, and accept no new connection."""
        self._is_cut.set()

    def __enter__(self) -> Self:
        """Start relaying."""
        self._threads[0].start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Close every connection."""
        for connection in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((HOST, self._target))
                self._connections += [near, far]
                for side in (near, far):
                    # Small answers must not wait for larger ones: that would be felt by WAIT.
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, target in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pass_on, args=(source, target)))
                    self._threads[-1].start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65_536):
                if not self._is_cut.is_set():
                    target.sendall(content)
