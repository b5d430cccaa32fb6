"""Redis's own protocol (RESP2), spoken directly: the few commands that the functions need.

redis-py, which speaks all of it, imports asyncio, TLS and mail with it: four times what the rest of a
signature's cold start costs (docs/performance.md). It is still what speaks to a cluster.
"""

from __future__ import annotations

import hashlib
import select
import socket
from functools import partial
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Word = str | int | float
    Reader = Callable[[Any], Any]

_DEFAULT_PORT = 6379
_LONGEST_LINE = 65_536
"""Of a reply's head; a text comes after it, by its own length."""
_LONGEST_KNOWN_HEAD = 1024
_TEXT, _NUMBER, _LIST, _STATUS, _REFUSAL = b"$:*+-"


class RedisWireError(Exception):
    """The server refused a command, or did not answer as Redis does; `code` is its first word."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = message.partition(" ")[0]


def can_speak_to(redis_url: str) -> bool:
    """Whether an address asks for nothing that is unknown here, such as a cluster or a certificate file."""
    url = urlsplit(redis_url)
    return url.scheme in ("redis", "rediss", "unix") and parse_qs(url.query).keys() <= {"db"}


class _Commands:
    """The commands, by the names and with the results that redis-py gives them."""

    if TYPE_CHECKING:

        def _say(self, words: tuple[Word, ...], read: Reader | None = None) -> Any:  # noqa: ANN401 -- each command has its own reply
            """Say one command; how its reply is read is left to `read`."""

    def get(self, key: str) -> Any:  # noqa: ANN401 -- as above
        return self._say(("GET", key))

    def set(self, key: str, value: Word, *, ex: int, nx: bool = False) -> Any:  # noqa: ANN401 -- as above
        return self._say(("SET", key, value, "EX", ex, *(("NX",) if nx else ())), bool)

    def hgetall(self, key: str) -> Any:  # noqa: ANN401 -- as above
        return self._say(("HGETALL", key), _pairs)

    def hmget(self, key: str, fields: Iterable[str]) -> Any:  # noqa: ANN401 -- as above
        return self._say(("HMGET", key, *fields))

    def hset(self, key: str, field: str, value: Word) -> Any:  # noqa: ANN401 -- as above
        return self._say(("HSET", key, field, value))

    def hdel(self, key: str, *fields: str) -> Any:  # noqa: ANN401 -- as above
        return self._say(("HDEL", key, *fields))

    def zadd(self, key: str, scores: Mapping[str, float], *, xx: bool = False, gt: bool = False) -> Any:  # noqa: ANN401 -- as above
        options = [option for option, wanted in (("XX", xx), ("GT", gt)) if wanted]
        return self._say(("ZADD", key, *options, *(word for it in scores.items() for word in reversed(it))))

    def zrem(self, key: str, *members: str) -> Any:  # noqa: ANN401 -- as above
        return self._say(("ZREM", key, *members))

    def zcard(self, key: str) -> Any:  # noqa: ANN401 -- as above
        return self._say(("ZCARD", key))

    def zcount(self, key: str, least: Word, greatest: Word) -> Any:  # noqa: ANN401 -- as above
        return self._say(("ZCOUNT", key, least, greatest))

    def zscore(self, key: str, member: str) -> Any:  # noqa: ANN401 -- as above
        return self._say(("ZSCORE", key, member), _score)

    def zrange(self, key: str, first: int, last: int, *, withscores: bool = False) -> Any:  # noqa: ANN401 -- as above
        return self._say(("ZRANGE", key, first, last, *_scores(withscores)), _reader(withscores))

    def zrangebyscore(self, key: str, least: Word, greatest: Word, *, start: int, num: int) -> Any:  # noqa: ANN401 -- as above
        return self._say(("ZRANGEBYSCORE", key, least, greatest, "LIMIT", start, num))

    def zrevrangebyscore(  # noqa: PLR0913 -- as many as the command has
        self, key: str, greatest: Word, least: Word, *, start: int, num: int, withscores: bool = False
    ) -> Any:  # noqa: ANN401 -- as above
        span = ("ZREVRANGEBYSCORE", key, greatest, least, *_scores(withscores), "LIMIT", start, num)
        return self._say(span, _reader(withscores))

    def wait(self, replicas: int, timeout_ms: int) -> Any:  # noqa: ANN401 -- as above
        return self._say(("WAIT", replicas, timeout_ms))


class RedisWire(_Commands):
    """One server, at an address that `can_speak_to` allows; threads may share it.

    A connection is kept between calls, and one that its peer has closed meanwhile is replaced before
    anything is sent. Nothing is ever sent twice: what a failed command has done is not known here.

    Raises:
        RedisWireError: by every command, when the server refuses it or does not speak Redis.
        OSError: by every command, when there is no answer within the time-out.

    """

    def __init__(self, redis_url: str, *, timeout_seconds: float) -> None:
        self._url = redis_url
        self._timeout = timeout_seconds
        self._idle: list[_Connection] = []
        self._digests: dict[str, str] = {}

    def __del__(self) -> None:
        """Close what nobody can use any more."""
        self.close()

    def pipeline(self, *, transaction: bool) -> _Pipeline:
        """Collect commands that go out together, and come back as one list; none is a transaction."""
        if transaction:
            raise NotImplementedError("A script is what is atomic here.")
        return _Pipeline(self._exchange)

    def register_script(self, script: str) -> Callable[..., Any]:
        """Give what runs a Lua script: one round trip, and one more on a server that has not met it."""
        return partial(self._run, script)

    def _run(self, script: str, *, keys: Sequence[str], args: Sequence[Word]) -> Any:  # noqa: ANN401 -- as above
        digest = self._digests.get(script)
        if digest is None:
            # The name that EVALSHA knows it by, no matter of security.
            digest = self._digests[script] = hashlib.sha1(script.encode()).hexdigest()  # noqa: S324 -- see above
        call = ("EVALSHA", digest, len(keys), *keys, *args)
        (reply,) = self._exchange([call])
        if isinstance(reply, RedisWireError) and reply.code == "NOSCRIPT":
            _, reply = self._exchange([("SCRIPT", "LOAD", script), call])
        return _unless_refused(reply)

    def _say(self, words: tuple[Word, ...], read: Reader | None = None) -> Any:  # noqa: ANN401 -- as above
        (reply,) = self._exchange([words])
        _unless_refused(reply)
        return reply if read is None else read(reply)

    def _exchange(self, commands: Sequence[tuple[Word, ...]]) -> list[Any]:
        connection = self._connection()
        try:
            replies = connection.exchange(commands)
        except BaseException:
            # Its next bytes would be the answer to something else.
            connection.close()
            raise
        self._idle.append(connection)
        return replies

    def _connection(self) -> _Connection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return _connect(self._url, self._timeout)
            if connection.is_quiet():
                return connection
            connection.close()

    def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            self._idle.pop().close()


class _Pipeline(_Commands):
    """Commands that have not been sent."""

    def __init__(self, exchange: Callable[[Sequence[tuple[Word, ...]]], list[Any]]) -> None:
        self._exchange = exchange
        self._commands: list[tuple[Word, ...]] = []
        self._readers: list[Reader | None] = []

    def _say(self, words: tuple[Word, ...], read: Reader | None = None) -> Any:  # noqa: ANN401 -- as above
        self._commands.append(words)
        self._readers.append(read)

    def execute(self) -> list[Any]:
        """Send them in one piece, and read all replies before the first refusal counts."""
        replies = [_unless_refused(reply) for reply in self._exchange(self._commands)]
        return [
            reply if read is None else read(reply) for reply, read in zip(replies, self._readers, strict=True)
        ]


class _Connection:
    """One connection: who we are has been said on it, and nothing more."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._replies: IO[bytes] = connected.makefile("rb")
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)

    def __del__(self) -> None:
        """Close as above, where it is in use in the end."""
        self.close()

    def exchange(self, commands: Sequence[tuple[Word, ...]]) -> list[Any]:
        """Send commands and read as many replies; a refusal is one of them."""
        self._socket.sendall(b"".join(map(_spelled, commands)))
        return [_read_reply(self._replies) for _ in commands]

    def is_quiet(self) -> bool:
        """Whether nothing has come since the last reply: what comes unasked is an end, or a defect."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Hang up."""
        self._replies.close()
        self._socket.close()


def _connect(redis_url: str, timeout: float) -> _Connection:
    url = urlsplit(redis_url)
    is_local = url.scheme == "unix"
    path, host = unquote(url.path), url.hostname or "localhost"
    plain = _local(path, timeout) if is_local else _remote(host, url.port or _DEFAULT_PORT, timeout)
    connection = _Connection(_encrypted(plain, host) if url.scheme == "rediss" else plain)
    database = parse_qs(url.query).get("db", [("" if is_local else path.strip("/")) or "0"])[0]
    names = [unquote(name) for name in (url.username, url.password) if name]
    opening: list[tuple[Word, ...]] = [("AUTH", *names)] if names else []
    opening += [("SELECT", database)] if database != "0" else []
    try:
        # Together in one round trip, and what comes after them only once both have been accepted.
        for reply in connection.exchange(opening) if opening else ():
            _unless_refused(reply)
    except BaseException:
        connection.close()
        raise
    return connection


def _local(path: str, timeout: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _remote(host: str, port: int, timeout: float) -> socket.socket:
    connection = socket.create_connection((host, port), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _encrypted(plain: socket.socket, host: str) -> socket.socket:
    import ssl  # noqa: PLC0415 -- only a store behind TLS has to pay

    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


class _Heads(dict[int, str]):
    """The line that goes before a text, by its length; made once for short ones, which most are."""

    def __missing__(self, length: int) -> str:
        head = f"${length}"
        if length < _LONGEST_KNOWN_HEAD:
            self[length] = head
        return head


_HEADS = _Heads()


def _spelled(words: tuple[Word, ...]) -> bytes:
    texts = list(map(str, words))
    # By slices, which take less time than one format for each text.
    lines = [f"*{len(texts)}", *texts, *texts, ""]
    lines[1:-1:2], lines[2:-1:2] = map(_HEADS.__getitem__, map(len, texts)), texts
    whole = "\r\n".join(lines)
    if whole.isascii():
        return whole.encode("ascii")
    # A length counts bytes.
    encoded = [text.encode() for text in texts]
    return b"*%d\r\n%b" % (len(encoded), b"".join(b"$%d\r\n%b\r\n" % (len(it), it) for it in encoded))


def _read_reply(replies: IO[bytes]) -> Any:  # noqa: ANN401 -- as above
    line = replies.readline(_LONGEST_LINE)
    if line[-2:] != b"\r\n":
        raise RedisWireError("CLOSED in the middle of a reply.")
    kind = line[0]
    if kind == _TEXT:
        return _read_text(replies, int(line[1:]))
    if kind == _NUMBER:
        return int(line[1:])
    if kind == _LIST:
        count = int(line[1:])
        return None if count < 0 else [_read_reply(replies) for _ in range(count)]
    if kind == _STATUS:
        return line[1:-2].decode()
    if kind == _REFUSAL:
        return RedisWireError(line[1:-2].decode(errors="replace"))
    raise RedisWireError("UNREADABLE: this is not Redis.")


def _read_text(replies: IO[bytes], length: int) -> str | None:
    if length < 0:
        return None
    text = replies.read(length + 2)
    if len(text) != length + 2:
        raise RedisWireError("CLOSED in the middle of a text.")
    return text[:-2].decode()


def _unless_refused(reply: Any) -> Any:  # noqa: ANN401 -- as above
    if isinstance(reply, RedisWireError):
        raise reply
    return reply


def _scores(wanted: bool) -> tuple[str, ...]:  # noqa: FBT001 -- it is the one option there is
    return ("WITHSCORES",) if wanted else ()


def _reader(with_scores: bool) -> Reader | None:  # noqa: FBT001 -- as above
    return _with_scores if with_scores else None


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _with_scores(flat: list[str]) -> list[tuple[str, float]]:
    return [(member, float(score)) for member, score in zip(flat[::2], flat[1::2], strict=True)]


def _score(text: str | None) -> float | None:
    return None if text is None else float(text)
