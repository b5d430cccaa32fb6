"""Outgoing connections: a checked address, and one deadline for the whole life of a connection.

The address that was checked is the one that is connected to, so a name cannot change its answer in between.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.addresses import is_public
from shared.errors import ServiceError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

_PORTS = {"http": 80, "https": 443}


class RefusedAddressError(ServiceError):
    """The webhook's host has no address, or one that is not public."""

    code = "refused-address"
    title = "The webhook's address is refused"


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """Resolve a host name and return one address that may be connected to.

    Every answer must be acceptable: a name that points at a private address as well is refused.

    Raises:
        RefusedAddressError: with the reason, without the address.

    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise RefusedAddressError("The host name of the webhook has no address.") from None
    addresses = [str(answer[4][0]) for answer in answers]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise RefusedAddressError("The host name of the webhook points into a private network.")
    return addresses[0]


@contextlib.contextmanager
def answer_to(  # noqa: PLR0913 -- a request has these parts
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    tls: ssl.SSLContext,
    allow_private: bool,
    timeout_seconds: float,
) -> Iterator[http.client.HTTPResponse]:
    """Send one HTTP request over a connection of its own, and yield the answer with its body unread.

    Connects to the checked address, under the host's own name in TLS and in `Host`. Redirects are not
    followed. `timeout_seconds` covers connecting, the handshake and every byte until the block ends.

    Raises:
        RefusedAddressError: the host has no address that may be connected to.
        OSError, http.client.HTTPException: no connection, no answer in time, or none that is HTTP.

    """
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(host, port)
    with (
        contextlib.closing(connection),
        _connected(resolve(host, port, allow_private=allow_private), port, timeout_seconds) as plain,
    ):
        connection.sock = tls.wrap_socket(plain, server_hostname=host) if parts.scheme == "https" else plain
        connection.request(method, target, body=body, headers={**headers, "Host": parts.netloc})
        yield connection.getresponse()


@contextlib.contextmanager
def _connected(address: str, port: int, timeout_seconds: float) -> Iterator[socket.socket]:
    """Connect, and shut the connection down when the time is over.

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
