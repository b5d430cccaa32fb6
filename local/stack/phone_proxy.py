"""An HTTP proxy for phones: every host of VOD leads to the local stack, and no other host is reached.

The mobile SDKs resolve VOD's names by HTTPDNS, past DNS and hosts files; where a proxy is set they use that.
The app finds the functions under the name `APP_HOST`, which no DNS has (RFC 6761, section 6.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.stack.demo_settings import APP_HOST, is_vod_host
from local.stack.servers import HOST

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from local.simulator import Simulator

_LONGEST_HEAD = 64 * 1024
_CHUNK = 64 * 1024
_TLS_PORT = 443
_OWN_HEADERS = re.compile(rb"(?i)\r\n(?:proxy-)?connection:[^\r\n]*")


class _RefusedError(Exception):
    """A request that is not passed on; the message is sent in the answer."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class PhoneProxy:
    """The ports of the stack that requests are passed to, and the simulator, which may have more hosts."""

    plain_port: int
    tls_port: int
    simulator: Simulator

    @contextlib.asynccontextmanager
    async def serving(self, listening: socket.socket) -> AsyncIterator[None]:
        """Serve on a socket that is bound; the end closes the connections that are open."""
        connections: set[asyncio.Task[None]] = set()

        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = asyncio.create_task(self._answer(reader, writer))
            connections.add(connection)
            connection.add_done_callback(connections.discard)

        server = await asyncio.start_server(answer, sock=listening, limit=_LONGEST_HEAD)
        try:
            yield
        finally:
            server.close()
            for connection in connections:
                connection.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        given_up = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.suppress(*given_up), contextlib.closing(writer):
            try:
                await self._pass_on(reader, writer)
            except _RefusedError as refusal:
                body = f"{refusal}\n"
                head = f"HTTP/1.1 {refusal.status}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                await writer.drain()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target = _request_line(head)
        if method == "CONNECT":
            port = self._port_of(f"//{target}", default=_TLS_PORT)
            onwards = b""
        else:
            port = self._port_of(target, default=80)
            onwards = _origin_form(head, target)
        there, back = await asyncio.open_connection(HOST, port)
        with contextlib.closing(back):
            if onwards:
                back.write(onwards)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            both = [asyncio.create_task(_copy(*ends)) for ends in ((reader, back), (there, writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for copying in both:
                    copying.cancel()
                await asyncio.gather(*both, return_exceptions=True)

    def _port_of(self, target: str, *, default: int) -> int:
        """Return the port of the stack that serves this host.

        Raises:
            _RefusedError: the host is neither VOD's nor the app's, or the target is none.

        """
        try:
            url = urlsplit(target)
            host, port = url.hostname or "", url.port or default
        except ValueError:
            host, port = "", default
        if not host:
            raise _RefusedError("400 Bad Request", "This is a proxy: it takes CONNECT, or a whole URL.")
        if not (host == APP_HOST or is_vod_host(host) or host in self.simulator.extra_hosts):
            raise _RefusedError("403 Forbidden", f"Only hosts of VOD and {APP_HOST} are behind this proxy.")
        return self.tls_port if port == _TLS_PORT else self.plain_port


def _request_line(head: bytes) -> tuple[str, str]:
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    return method, rest.rpartition(" ")[0]


def _origin_form(head: bytes, target: str) -> bytes:
    """Return the head as the server itself takes it, for one request and its answer."""
    first, _, fields = head.partition(b"\r\n")
    origin = target.split("/", 3)
    path = "/" + (origin[3] if len(origin) > 3 else "")  # noqa: PLR2004  # after http://host
    line = first.replace(target.encode("latin-1"), path.encode("latin-1"), 1)
    return line + _OWN_HEADERS.sub(b"", b"\r\n" + fields[:-2]) + b"Connection: close\r\n\r\n"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
