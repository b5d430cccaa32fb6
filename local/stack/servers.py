"""Serve one ASGI application on several listening sockets, some of them with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

HOST = "127.0.0.1"
_GRACE_SECONDS = 1
_BACKLOG = 128


class PortTakenError(Exception):
    """Another process listens on the port; `port` is its number."""

    def __init__(self, port: int) -> None:
        """Set the port's number."""
        super().__init__(f"Port {port} is taken.")
        self.port = port


@dataclass(frozen=True)
class Listener:
    """A bound socket, and the PEM file with key and certificate if it serves TLS."""

    socket: socket.socket
    certificate: Path | None = None

    @property
    def port(self) -> int:
        """The port's number, also when the system chose it."""
        return int(self.socket.getsockname()[1])


@contextlib.contextmanager
def bound_socket(port: int, *, host: str = HOST) -> Iterator[socket.socket]:
    """Bind a port, 0 for a free one, and release it at the end.

    Raises:
        PortTakenError: it is in use.

    """
    # Only where the protocol is named does asyncio send small answers at once (TCP_NODELAY).
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
            # Listening at once: whoever calls before the server runs waits instead of failing.
            taken.listen(_BACKLOG)
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                raise PortTakenError(port) from None
            raise
        yield taken


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, *listeners: Listener) -> AsyncIterator[None]:
    """Serve `app` on every listener; at the end, requests in progress have one second left."""
    servers = [_server(app, listener) for listener in listeners]
    runs = [
        asyncio.create_task(server.serve(sockets=[listener.socket]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    try:
        while not all(server.started for server in servers):
            await asyncio.wait(runs, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*runs)


class _ClosingProtocol(H11Protocol):
    """HTTP/1.1 that closes the transport when the peer closed first, which asyncio's TLS requires.

    TLS that closes waits for its peer's end, so it reads on where the answer came before the whole body.
    """

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self.flow.resume_reading()


def _server(app: ASGIApp, listener: Listener) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_ClosingProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            ssl_certfile=listener.certificate,
        )
    )
