"""The servers of the stack, where a client behaves as real ones do."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import warnings
from typing import TYPE_CHECKING

from local.stack.certificates import Certificates, prepare_certificates
from local.stack.servers import HOST, Listener, bound_socket, serving

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

_HEAD = b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n"
_BEGIN_OF_BODY = bytes(500_000)
_REFUSAL = {"status": 403, "headers": [(b"content-length", b"0"), (b"connection", b"close")]}


def test_tls_connection_ends_whose_request_was_refused_before_its_end(tmp_path: Path) -> None:
    """A cancelled part that the storage refuses leaves no socket open, although its body was not read."""
    certificates = prepare_certificates(tmp_path, ["localhost"])
    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always", ResourceWarning)
        assert asyncio.run(_refused_upload(certificates)).startswith(b"HTTP/1.1 403 ")
        gc.collect()

    assert [str(warning.message) for warning in unclosed] == []


async def _refused_upload(certificates: Certificates) -> bytes:
    loop, is_sent = asyncio.get_running_loop(), asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await is_sent.wait()
        for _ in range(20):
            await asyncio.sleep(0)  # the server reads on, until the unread body is too much for it
        await send({"type": "http.response.start", **_REFUSAL})
        await send({"type": "http.response.body", "body": b""})

    def upload(port: int) -> bytes:
        trusting = ssl.create_default_context(cafile=str(certificates.ca_file))
        with (
            socket.create_connection((HOST, port), timeout=30) as connection,
            trusting.wrap_socket(connection, server_hostname="localhost") as secure,
        ):
            secure.sendall(_HEAD + _BEGIN_OF_BODY)
            loop.call_soon_threadsafe(is_sent.set)
            return secure.recv(100)

    with bound_socket(0) as free:
        listener = Listener(free, certificates.server_file)
        async with serving(app, listener):
            return await asyncio.to_thread(upload, listener.port)
