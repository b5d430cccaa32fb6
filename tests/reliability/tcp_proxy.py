"""A TCP proxy in front of the store: it drops replies, delays them, or never answers.

Requests are forwarded unless it is silent, so what a client gets no reply to may have been done.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

HOST = "127.0.0.1"
_BLOCK = 65_536


class TcpProxy:
    """A port that leads to the store; `with` opens and closes it. Its faults can be changed at any time.

    `lost_share`: the share of replies that are cut off together with the connection. `swallowed_share`: the
    share of replies that never come while the connection stays. `delay_seconds`: the delay of each reply.
    `is_silent`: connections are accepted and never answered. `only_after`: replies are lost or swallowed only
    if the request contains this.
    """

    def __init__(self, store_url: str, *, seed: int = 1) -> None:
        self._store = urlsplit(store_url)
        self._random = random.Random(seed)  # noqa: S311  # which replies are lost is to be repeatable
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        # asyncio sends at once only on sockets whose protocol is named.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind((HOST, 0))
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self.lost_share = self.swallowed_share = self.delay_seconds = 0.0
        self.is_silent = False
        self.only_after = b""
        self.replies_lost = 0

    @property
    def url(self) -> str:
        """The store's address through this proxy."""
        port = self._socket.getsockname()[1]
        return f"redis://:{self._store.password}@{HOST}:{port}{self._store.path}"

    def heal(self) -> None:
        """Remove all faults."""
        self.lost_share = self.swallowed_share = self.delay_seconds = 0.0
        self.is_silent = False

    def __enter__(self) -> Self:
        """Open the port."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port and every connection."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._socket, backlog=256)

    async def _close(self) -> None:
        self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            if self.is_silent:
                await reader.read()
                return
            store_reader, store_writer = await asyncio.open_connection(self._store.hostname, self._store.port)
            with contextlib.closing(store_writer):
                in_danger = asyncio.Event()
                requests = asyncio.ensure_future(self._forward_requests(reader, store_writer, in_danger))
                try:
                    await self._forward_replies(store_reader, writer, in_danger)
                finally:
                    requests.cancel()
                    await asyncio.gather(requests, return_exceptions=True)

    async def _forward_requests(
        self, client: asyncio.StreamReader, store: asyncio.StreamWriter, in_danger: asyncio.Event
    ) -> None:
        with contextlib.closing(store):
            while block := await client.read(_BLOCK):
                (in_danger.set if self.only_after in block else in_danger.clear)()
                if not self.is_silent:
                    store.write(block)

    async def _forward_replies(
        self, store: asyncio.StreamReader, client: asyncio.StreamWriter, in_danger: asyncio.Event
    ) -> None:
        while block := await store.read(_BLOCK):
            drawn = self._random.random() if in_danger.is_set() else 1.0
            if self.is_silent or drawn < self.swallowed_share:
                self.replies_lost += 1
            elif drawn < self.swallowed_share + self.lost_share:
                self.replies_lost += 1
                return
            else:
                await asyncio.sleep(self.delay_seconds)
                client.write(block)
