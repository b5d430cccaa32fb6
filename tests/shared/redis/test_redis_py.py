"""The client for clusters and for addresses with options: it gives what `RespClient` gives."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from shared.redis.redis_py import RedisPyClient
from shared.redis.resp import RespClient, RespError
from tests.shared.loopback_peer import HOST, RawPeer, behind_tls, refused_port, relay_to, say_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import trustme

    from shared.redis.resp import Command, Reply, ScriptCall
    from shared.store.connection import RedisClient

KEY = "both:{1}"
SCRIPT = "return {KEYS[1], ARGV[1], 7, false, {'nested'}, redis.status_reply('OK')}"
COMMANDS: list[Command] = [
    ("SET", KEY, "é", "EX", 100, "NX"),
    ("SET", KEY, "é", "EX", 100, "NX"),
    ("GET", KEY),
    ("DEL", KEY),
    ("HSET", KEY, "field", "value"),
    ("HMGET", KEY, "field", "missing"),
    ("HGETALL", KEY),
    ("HDEL", KEY, "field"),
    ("ZADD", KEY, 1, "a", 2.5, "b"),
    ("ZADD", KEY, "XX", "GT", 2, "a"),
    ("ZSCORE", KEY, "a"),
    ("ZSCORE", KEY, "missing"),
    ("ZCARD", KEY),
    ("ZCOUNT", KEY, 2, "+inf"),
    ("ZRANGE", KEY, 0, 0, "WITHSCORES"),
    ("ZRANGEBYSCORE", KEY, "-inf", 2, "LIMIT", 0, 10),
    ("ZREVRANGEBYSCORE", KEY, "+inf", "-inf", "WITHSCORES", "LIMIT", 0, 10),
    ("ZREM", KEY, "a"),
    ("PING",),
    ("CONFIG", "GET", "save"),
]
"""What the stores and the doctor send."""


@contextmanager
def client_to(url: str) -> Iterator[RedisPyClient]:
    """Connect as the store does."""
    client = RedisPyClient(url, timeout_seconds=0.4, call_seconds=0.9)
    try:
        yield client
    finally:
        client._client.close()  # noqa: SLF001  # a store keeps its client until the process ends


def replies_to(client: RedisClient) -> list[Reply]:
    """Send all commands one by one, then in one piece, then a script that the server does not have."""
    client.execute("SCRIPT", "FLUSH")
    client.execute("DEL", KEY)
    alone = [client.execute(*words) for words in COMMANDS]
    client.execute("DEL", KEY)
    together = client.pipeline(COMMANDS)
    calls: list[ScriptCall] = [([KEY], [1.5]), (["other:{2}"], ["x"])]
    return [alone, together, client.script(SCRIPT, [KEY], [1.5]), client.scripts(SCRIPT, calls)]


@pytest.mark.parametrize("kind", ["valkey_url", "cluster_url"])
def test_replies_have_the_shapes_of_resp(kind: str, request: pytest.FixtureRequest) -> None:
    """HGETALL is a flat list, a score is a text, SET is OK or nothing: both clients give one shape."""
    url = str(request.getfixturevalue(kind))
    with client_to(url) as client:
        replies = replies_to(client)
    node = RespClient(url.replace("+cluster", ""), timeout_seconds=0.4, call_seconds=0.9)

    assert replies == replies_to(node)


@pytest.mark.parametrize("call", ["execute", "pipeline"])
def test_error_reply_has_its_code(valkey_url: str, call: str) -> None:
    """The code is kept, although redis-py cuts it off, and takes a refused password for a lost connection."""
    commands: list[Command] = [("HGETALL", KEY), ("EVALSHA", "0" * 40, 1, KEY), ("NOSUCH", KEY)]
    codes = []
    wrong = f"redis://:wrong@{HOST}:{urlsplit(valkey_url).port}"
    with client_to(wrong) as client, pytest.raises(RespError) as failure:
        client.execute("GET", KEY)
    codes.append(failure.value.code)
    with client_to(valkey_url) as client:
        client.execute("SET", KEY, "text")
        for words in commands:
            with pytest.raises(RespError) as failure:
                client.execute(*words) if call == "execute" else client.pipeline([("GET", KEY), words])
            codes.append(failure.value.code)

    assert codes == ["WRONGPASS", "WRONGTYPE", "NOSCRIPT", "ERR"]


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
def test_failure_of_the_connection_is_an_os_error(scheme: str) -> None:
    """A port that refuses: of a server, or of the one node of a cluster that is known."""
    client = RedisPyClient(f"{scheme}://{HOST}:{refused_port()}", timeout_seconds=0.4, call_seconds=0.9)

    with pytest.raises(ConnectionError):
        client.execute("GET", KEY)


def test_reply_that_does_not_come_in_time_is_an_os_error() -> None:
    """The server has the command, and says nothing."""
    with (
        RawPeer(say_nothing) as peer,
        client_to(f"redis://{HOST}:{peer.port}") as client,
        pytest.raises(TimeoutError),
    ):
        client.execute("GET", KEY)


def test_address_may_name_a_certificate_file(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, valkey_url: str
) -> None:
    """An option of redis-py's: an authority that this machine does not know is trusted for the store."""
    monkeypatch.delenv("SSL_CERT_FILE")
    parts = urlsplit(valkey_url)

    with RawPeer(behind_tls(authority, HOST, relay_to(int(parts.port or 0)))) as peer:
        url = f"rediss://:{parts.password}@{HOST}:{peer.port}/0"
        with client_to(f"{url}?ssl_ca_certs={tmp_path / 'authority.pem'}") as client:
            assert client.execute("PING") == "PONG"
        with client_to(url) as client, pytest.raises(ConnectionError):
            client.execute("PING")
