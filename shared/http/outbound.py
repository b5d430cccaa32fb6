"""HTTP requests to checked addresses, each with one deadline: the app's webhook and the key set.

The address that was checked is the one that is connected to, so a name cannot change its answer in between.
"""

from __future__ import annotations

import contextlib
import http.client
import io
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from shared.addresses import is_public
from shared.deadline import Deadline
from shared.errors import ServiceError
from shared.tcp import RESOLVER, ResolutionError, ResolutionTimeoutError, connect

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Iterator, Mapping

    from _typeshed import WriteableBuffer

    from shared.tcp import Address, Resolver

USER_AGENT = "vod-upload-functions"
MOST_INTERIM_ANSWERS = 20
"""The most 1xx answers that are skipped before the final one (RFC 9110, section 15.2, has no bound)."""
_PORTS = {"http": 80, "https": 443}
_FINAL_STATUS = 200
"""The first status of a final answer."""


class RefusedAddressError(ServiceError):
    """The host has no address, or one that is not public and would have to be."""

    code = "refused-address"
    title = "The address is refused"


def resolve(
    host: str, port: int, deadline: Deadline, *, allow_private: bool, resolver: Resolver = RESOLVER
) -> list[Address]:
    """Resolve a host name to the addresses that may be connected to.

    Every answer must be acceptable: a name that points at a private address as well is refused.

    Raises:
        RefusedAddressError: with the reason, without the address.
        TimeoutError: the name service did not answer by the deadline.

    """
    try:
        addresses = resolver.resolve(host, port, deadline)
    except ResolutionError:
        raise RefusedAddressError("The host name has no address.") from None
    if not allow_private and not all(is_public(str(place[0])) for _, place in addresses):
        raise RefusedAddressError("The host name points into a private network.")
    return addresses


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
) -> Iterator[FinalAnswer]:
    """Send one HTTP request over a connection of its own, and yield the final answer, its status read.

    The addresses of the host are tried in turn until one accepts a connection. TLS, its certificate and
    `Host` are about the host's own name: RFC 6066, section 3, has it without a dot at the end, RFC 9110,
    section 7.2, as it stands in the URL. Redirects are not followed. `timeout_seconds` covers the name
    service, all addresses, the handshake and every byte until the block ends.

    Raises:
        RefusedAddressError: the host has no address that may be connected to.
        OSError, http.client.HTTPException: no connection, no answer in time, or none that is HTTP.

    """
    deadline = Deadline(timeout_seconds)
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = _head(method, target, {"Host": parts.netloc, "User-Agent": USER_AGENT, **headers}, body)
    with contextlib.ExitStack() as opened:
        connected = opened.enter_context(
            connect(resolve(host, port, deadline, allow_private=allow_private), deadline)
        )
        if parts.scheme == "https":
            connected.settimeout(deadline.left())
            connected = opened.enter_context(
                tls.wrap_socket(connected, server_hostname=host.removesuffix("."))
            )
        stream = _TimedSocket(connected, deadline)
        # In one piece, so that the app is woken once.
        stream.sendall(head + (body or b""))
        # `http.client` calls `makefile` of it.
        answer = opened.enter_context(FinalAnswer(cast("socket.socket", stream), method=method))
        answer.read_status()
        yield answer


def _head(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Return the request line and the header section.

    Raises:
        http.client.InvalidURL: a part of it has a character that would end it, or is not ASCII.

    """
    about_body = {} if body is None else {"Content-Length": str(len(body))}
    sent = {**headers, "Accept-Encoding": "identity", **about_body}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    if " " in target or not all(line.isascii() and line.isprintable() for line in lines):
        raise http.client.InvalidURL("A part of the request cannot be sent.")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def reason_of(error: Exception) -> str:
    """Describe a failed request for log and operators, without the address and the peer's text."""
    if isinstance(error, RefusedAddressError):
        return error.detail
    if isinstance(error, ResolutionTimeoutError):
        return "The host name was not resolved in time."
    # OpenSSL's reason to refuse the certificate; the host name follows a comma.
    fault = str(getattr(error, "verify_message", "")).partition(",")[0]
    return f"no answer ({type(error).__name__}{': ' if fault else ''}{fault})"


class FinalAnswer(http.client.HTTPResponse):
    """The final answer to a request: its `status` is read first, and the headers only by `begin`."""

    def read_status(self) -> None:
        """Read as far as the final status; `http.client` alone skips 100 and takes every other 1xx for final.

        Raises:
            OSError, http.client.HTTPException: none came in time, or it is none of HTTP/1.

        """
        for _ in range(MOST_INTERIM_ANSWERS + 1):
            self._final: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # not in its stub
            version, self.status, _ = self._final
            # What follows 101 is no HTTP.
            if self.status >= _FINAL_STATUS or self.status == http.client.SWITCHING_PROTOCOLS:
                if not version.startswith("HTTP/1."):
                    raise http.client.UnknownProtocol(version)
                return
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("There are too many interim answers.")

    def _read_status(self) -> tuple[str, int, str]:
        """Return to `begin` the status that has been read."""
        return self._final


class _TimedSocket:
    """The part of a socket that `http.client` uses; every operation ends by the deadline."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def sendall(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            self._connected.settimeout(self._deadline.left())
            rest = rest[self._connected.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedStream(self._connected, self._deadline))


class _TimedStream(io.RawIOBase):
    """The received bytes of a socket as a raw stream."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._connected.settimeout(self._deadline.left())
        return self._connected.recv_into(buffer)
