"""A client for one Redis server that speaks RESP2, which every Redis and Valkey has.

    >>> client = RespClient("redis://:secret@127.0.0.1:6379/0", timeout_seconds=0.4, call_seconds=0.9)
    >>> client.execute("HGETALL", "key")
    ['field', 'value']

hiredis encodes the commands and parses the replies. redis-py stays out of a function's cold start: its
import costs more than all the rest of it (docs/performance.md).
"""

from __future__ import annotations

import select
import socket
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha1
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis

from shared.deadline import Deadline
from shared.tcp import RESOLVER, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias
    from urllib.parse import SplitResult

    Word: TypeAlias = str | bytes | int | float
    Command: TypeAlias = tuple[Word, ...]
    ScriptCall: TypeAlias = tuple[Sequence[str], Sequence[Word]]
    """The keys of a script, and its arguments."""
    Reply: TypeAlias = Any
    """What a command gives in RESP2: a text, an integer, None, or a list of these.

    Bytes that are not UTF-8 are surrogate escapes in the text.
    """
    Meanwhile: TypeAlias = Callable[[], object]
    """What is called once the commands are sent, and takes much less time than the reply."""

MAX_IDLE_SECONDS = 60.0
"""The longest that a connection is kept unused: a proxy or NAT may drop it without notice."""
_DEFAULT_PORT = 6379
_CHUNK_BYTES = 16_384
"""One TLS record at least: what the TLS layer keeps of one would be unseen by `poll`."""
_LARGEST_REPLY = 64 * 1024 * 1024
_INCOMPLETE = object()


def nothing() -> None:
    """Do nothing while the server works."""


class RespError(Exception):
    """An error reply, or bytes that are no reply; `code` is the server's word, such as NOSCRIPT.

    An older server quotes what a command within a script was refused with, as in
    `ERR Error running script (…): @user_script:1: -READONLY You can't write …`: its word is READONLY.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        code, _, text = message.partition(" ")
        quoted = text.partition(" -")[2].partition(" ")[0] if code == "ERR" else ""
        self.code = next((word for word in (quoted, code) if word.isascii() and word.isupper()), "ERR")


_CODES_ABOUT_A_COMMAND = frozenset({"ERR", "NOSCRIPT", "NOPERM", "WRONGTYPE", "CROSSSLOT", "OOM", "BUSY"})


def is_about_the_server(error: RespError) -> bool:
    """Return whether the reply is about the server and not the command: READONLY, LOADING, MOVED.

    After a failover the host name resolves to another server, which only a new connection reaches.
    """
    return error.code not in _CODES_ABOUT_A_COMMAND


def is_lacking(reply: Reply) -> bool:
    """Return whether the server does not have the script."""
    return isinstance(reply, RespError) and reply.code == "NOSCRIPT"


def is_without_scripts(reply: Reply) -> bool:
    """Return whether EVALSHA or SCRIPT LOAD was refused: not allowed to the user, or unknown to the server.

    The refusal of a command within a script does not match: the script may have written before it.
    """
    if not isinstance(reply, RespError):
        return False
    text = str(reply).lower()
    names = ("'evalsha'", "`evalsha`", "'script'", "`script`", "'script|load'", "'load'", "`load`")
    return text.startswith(("noperm ", "err unknown ")) and any(name in text[:200] for name in names)


def supports(redis_url: str) -> bool:
    """Return whether `RespClient` can use an address: no cluster, no options."""
    url = urlsplit(redis_url)
    return url.scheme in ("redis", "rediss", "unix") and parse_qs(url.query).keys() <= {"db"}


class RespClient:
    """One server, at an address that `supports` allows; threads may share it.

    A connection is kept between calls, and closed instead of reused after MAX_IDLE_SECONDS, if anything is
    unread on it, and when the server has refused as one that is not the primary does. A new one is made to
    the first address of the host that accepts.
    No command is ever sent twice, unless the server has refused it unread: what a failed call has done is
    not known here.

    Raises:
        RespError: by every call, when the server refuses a command or does not speak RESP2.
        OSError: by every call, when there is no reply in time: `timeout_seconds` for each wait,
            `call_seconds` for a call in all, with name resolution, connecting and TLS.

    """

    def __init__(
        self,
        redis_url: str,
        *,
        timeout_seconds: float,
        call_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._url = redis_url
        self._timeout_seconds = timeout_seconds
        self._call_seconds = call_seconds
        self._clock = clock
        self._idle: list[tuple[_Connection, float]] = []

    def __del__(self) -> None:
        """Close the idle connections with the last reference to the client."""
        self.close()

    def execute(self, *words: Word) -> Reply:
        """Send one command and return its reply."""
        return _unless_error(self._exchange([words])[0])

    def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands in one piece, no transaction; all replies are read before an error is raised."""
        return [_unless_error(reply) for reply in self._exchange(commands)]

    def script(
        self, source: str, keys: Sequence[str], arguments: Sequence[Word], meanwhile: Meanwhile = nothing
    ) -> Reply:
        """Run a Lua script: one round trip, or up to three on a server that does not have it."""
        return _unless_error(self.scripts(source, [(keys, arguments)], meanwhile)[0])

    def scripts(
        self, source: str, calls: Sequence[ScriptCall], meanwhile: Meanwhile = nothing
    ) -> list[Reply | RespError]:
        """Run a Lua script with each of these keys and arguments, all in as many round trips as once."""
        words = [(len(keys), *keys, *arguments) for keys, arguments in calls]
        by_digest = [("EVALSHA", _digest(source), *each) for each in words]
        replies = self._exchange(by_digest, meanwhile)
        if not _errors_in(replies):
            return replies
        if lacking := [at for at, reply in enumerate(replies) if is_lacking(reply)]:
            loaded, *again = self._exchange([("SCRIPT", "LOAD", source), *(by_digest[at] for at in lacking)])
            for at, reply in zip(lacking, again, strict=True):
                replies[at] = loaded if isinstance(loaded, RespError) else reply
        if refused := [at for at, reply in enumerate(replies) if is_without_scripts(reply)]:
            again = self._exchange([("EVAL", source, *words[at]) for at in refused])
            for at, reply in zip(refused, again, strict=True):
                replies[at] = reply
        return replies

    def close(self) -> None:
        """Close the idle connections."""
        idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    def _exchange(self, commands: Sequence[Command], meanwhile: Meanwhile = nothing) -> list[Reply]:
        packed = _packed(commands)
        # The last wait begins before this instant, so it ends within `call_seconds`.
        deadline = Deadline(self._call_seconds - self._timeout_seconds, self._clock)
        connection = self._connection(deadline)
        try:
            replies = connection.exchange(packed, len(commands), deadline, meanwhile)
        except BaseException:
            # Its next bytes would be taken for the reply to another command.
            connection.close()
            raise
        if any(map(is_about_the_server, _errors_in(replies))):
            connection.close()
            self.close()
        else:
            self._idle.append((connection, self._clock()))
        return replies

    def _connection(self, deadline: Deadline) -> _Connection:
        while True:
            try:
                connection, used_at = self._idle.pop()
            except IndexError:
                return _connect(self._url, self._timeout_seconds, deadline)
            if self._clock() - used_at <= MAX_IDLE_SECONDS and connection.is_clean():
                return connection
            connection.close()


class _Connection:
    """One connection; used by one call at a time."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        # A compressed event is no UTF-8; its bytes come back with `surrogateescape`.
        self._reader = hiredis.Reader(
            replyError=RespError, encoding="utf-8", errors="surrogateescape", notEnoughData=_INCOMPLETE
        )
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)

    def exchange(
        self, packed: bytes, count: int, deadline: Deadline, meanwhile: Meanwhile = nothing
    ) -> list[Reply]:
        """Send encoded commands and read `count` replies; an error reply is one of them."""
        deadline.left()
        self._socket.sendall(packed)
        meanwhile()
        return [self._reply(deadline) for _ in range(count)]

    def _reply(self, deadline: Deadline) -> Reply:
        received = 0
        try:
            while (reply := self._reader.gets()) is _INCOMPLETE:
                deadline.left()
                chunk = self._socket.recv(_CHUNK_BYTES)
                received += len(chunk)
                if not chunk:
                    raise ConnectionError("The server closed the connection before the end of a reply.")
                if received > _LARGEST_REPLY:
                    raise RespError("PROTOCOL A reply is too large.")
                self._reader.feed(chunk)
        except (hiredis.ProtocolError, MemoryError) as error:
            # No RESP; a list longer than the memory.
            raise RespError(f"PROTOCOL {type(error).__name__}") from error
        return reply

    def is_clean(self) -> bool:
        """Return whether nothing is unread: no bytes beyond the last reply, no end of the connection."""
        return not (self._reader.has_data() or self._poll.poll(0))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _connect(redis_url: str, timeout_seconds: float, deadline: Deadline) -> _Connection:
    url = urlsplit(redis_url)
    path = "" if url.scheme == "unix" else url.path.strip("/")
    database = parse_qs(url.query).get("db", [path or "0"])[0]
    opening = _authentication(url)
    opening += [("SELECT", database)] if database != "0" else []
    connected = _open(url, deadline)
    with _closed_on_error(connected):
        connected.settimeout(timeout_seconds)
        connection = _Connection(connected)
        # In one round trip, and no command before both are accepted.
        for reply in connection.exchange(_packed(opening), len(opening), deadline) if opening else ():
            _unless_error(reply)
    return connection


def _authentication(url: SplitResult) -> list[Command]:
    """Return the AUTH command of an address; a user with an empty password has `nopass`."""
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if user:
        return [("AUTH", user, password)]
    return [("AUTH", password)] if password else []


def _open(url: SplitResult, deadline: Deadline) -> socket.socket:
    if url.scheme == "unix":
        local = socket.socket(socket.AF_UNIX)
        with _closed_on_error(local):
            local.settimeout(deadline.left())
            local.connect(unquote(url.path))
        return local
    host = url.hostname or "localhost"
    remote = connect(RESOLVER.resolve(host, url.port or _DEFAULT_PORT, deadline), deadline)
    with _closed_on_error(remote):
        return _encrypted(remote, host, deadline) if url.scheme == "rediss" else remote


def _encrypted(plain: socket.socket, host: str, deadline: Deadline) -> socket.socket:
    import ssl  # noqa: PLC0415 -- only a store behind TLS has to pay

    plain.settimeout(deadline.left())
    # RFC 6066, section 3: without a trailing dot.
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host.removesuffix("."))


@contextmanager
def _closed_on_error(opened: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        opened.close()
        raise


def _packed(commands: Sequence[Command]) -> bytes:
    # hiredis's stub declares a tuple of exactly one word.
    return b"".join(map(hiredis.pack_command, commands))  # type: ignore[arg-type]


@lru_cache
def _digest(source: str) -> str:
    """Return the SHA-1 by which EVALSHA names a script."""
    return sha1(source.encode(), usedforsecurity=False).hexdigest()


def _errors_in(replies: Sequence[Reply]) -> list[RespError]:
    return [reply for reply in replies if isinstance(reply, RespError)]


def _unless_error(reply: Reply) -> Reply:
    if isinstance(reply, RespError):
        raise reply
    return reply
