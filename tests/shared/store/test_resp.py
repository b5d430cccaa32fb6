from __future__ import annotations

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.store.resp import RedisWire, RedisWireError, can_speak_to
from tests.shared.loopback_peer import HOST, RawPeer, refused_port, relay_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "wire:{1}"
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCORES = st.integers(-(2**40), 2**40)
_same_store = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def wire_to(url: str) -> RedisWire:
    """Connect as the store does."""
    return RedisWire(url, timeout_seconds=0.4)


def url_of(port: int) -> str:
    """Give the address of a peer."""
    return f"redis://{HOST}:{port}"


@pytest.fixture
def wire(valkey_url: str) -> Iterator[RedisWire]:
    """Speak to the one Valkey."""
    client = wire_to(valkey_url)
    yield client
    client.close()


@pytest.fixture
def other(valkey_url: str) -> Iterator[redis.Redis]:
    """Have redis-py say the same to the same server."""
    with redis.Redis.from_url(valkey_url, decode_responses=True, protocol=2) as client:
        yield client


class TestSameAsRedisPy:
    """Whatever is said, both clients find and leave the same."""

    @_same_store
    @given(fields=st.dictionaries(WORDS, WORDS, min_size=1, max_size=5), missing=WORDS)
    def test_hashes(self, wire: RedisWire, other: redis.Redis, fields: dict[str, str], missing: str) -> None:
        """Any text goes there and comes back, as a field and as a value; what is not there is None."""
        other.delete(KEY)
        for field, value in fields.items():
            assert wire.hset(KEY, field, value) == 1

        assert wire.hgetall(KEY) == other.hgetall(KEY) == fields
        assert wire.hmget(KEY, [*fields, missing]) == other.hmget(KEY, [*fields, missing])
        assert wire.hdel(KEY, *fields) == len(fields)
        assert wire.hgetall(KEY) == other.hgetall(KEY) == {}

    @_same_store
    @given(
        scores=st.dictionaries(WORDS, SCORES, min_size=1, max_size=8), least=SCORES, start=st.integers(0, 3)
    )
    def test_sorted_sets(
        self, wire: RedisWire, other: redis.Redis, scores: dict[str, int], least: int, start: int
    ) -> None:
        """Members, scores, ranges and counts are the same."""
        other.delete(KEY)
        assert wire.zadd(KEY, scores) == other.zcard(KEY) == len(scores)
        clients: list[Any] = [wire, other]
        member = next(iter(scores))
        answers = [
            [
                client.zcard(KEY),
                client.zcount(KEY, least, "+inf"),
                client.zscore(KEY, member),
                client.zscore(KEY, "no such member, however long"),
                client.zrange(KEY, 0, 0, withscores=True),
                client.zrange(KEY, 0, -1),
                client.zrangebyscore(KEY, "-inf", least, start=start, num=3),
                client.zrevrangebyscore(KEY, "+inf", least, start=start, num=3, withscores=True),
                client.zadd(KEY, {member: scores[member]}, xx=True, gt=True),
            ]
            for client in clients
        ]

        assert answers[0] == answers[1]
        assert wire.zrem(KEY, member) == 1
        assert other.zscore(KEY, member) is None

    @_same_store
    @given(text=WORDS)
    def test_single_values(self, wire: RedisWire, other: redis.Redis, text: str) -> None:
        """A value is set for a time, and with `nx` only once."""
        other.delete(KEY)
        assert wire.get(KEY) is None
        assert wire.set(KEY, text, ex=100, nx=True) is True
        assert wire.set(KEY, "later", ex=100, nx=True) is False
        assert wire.get(KEY) == other.get(KEY) == text
        assert 0 < int(str(other.ttl(KEY))) <= 100
        assert wire.set(KEY, "in any case", ex=100) is True

    @_same_store
    @given(arguments=st.lists(st.one_of(WORDS, SCORES), max_size=6))
    def test_scripts(self, wire: RedisWire, other: redis.Redis, arguments: list[str | int]) -> None:
        """Scripts get the same keys and arguments, and give back numbers, texts, lists and nothing."""
        script = "return {#ARGV, KEYS, ARGV, false, {{'nested'}}, redis.status_reply('OK')}"
        other.script_flush()
        clients: list[Any] = [wire, other]
        first, second = (client.register_script(script)(keys=[KEY], args=arguments) for client in clients)

        assert first == second


def test_pipeline_is_one_exchange_with_all_the_answers(wire: RedisWire) -> None:
    """The answers come in the order of the commands, each as the command alone would give it."""
    pipeline = wire.pipeline(transaction=False)
    pipeline.hset(KEY, "a", "1")
    pipeline.hgetall(KEY)
    pipeline.get("nothing")

    assert pipeline.execute() == [1, {"a": "1"}, None]


def test_refused_command_of_a_pipeline_is_told_and_the_connection_stays_in_step(wire: RedisWire) -> None:
    """A refusal does not leave the other answers to be read by whoever comes next."""
    wire.set(KEY, "text", ex=100)
    pipeline = wire.pipeline(transaction=False)
    pipeline.hgetall(KEY)
    pipeline.get(KEY)

    with pytest.raises(RedisWireError) as refusal:
        pipeline.execute()
    assert refusal.value.code == "WRONGTYPE"
    assert wire.get(KEY) == "text"


def test_transaction_is_not_pretended(wire: RedisWire) -> None:
    """Who asks for one is told that there is none."""
    with pytest.raises(NotImplementedError):
        wire.pipeline(transaction=True)


def test_calls_share_one_connection(wire: RedisWire, other: redis.Redis) -> None:
    """Connecting costs more than asking, so it is done once."""
    before = int(other.info("stats")["total_connections_received"])
    for _ in range(20):
        wire.get(KEY)

    assert int(other.info("stats")["total_connections_received"]) == before + 1


def test_threads_share_a_client_and_each_hears_its_own_answer(wire: RedisWire) -> None:
    """No answer ever goes to somebody else."""

    def ask(number: int) -> bool:
        wire.set(f"{KEY}:{number}", number, ex=100)
        return bool(wire.get(f"{KEY}:{number}") == str(number))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(400)))


def test_connection_that_was_closed_meanwhile_loses_no_call(wire: RedisWire, other: redis.Redis) -> None:
    """A server that hangs up on who is idle, or was started anew, is connected to again: no call fails."""
    wire.set(KEY, "kept", ex=100)
    for _ in range(3):
        other.client_kill_filter(_type="normal", skipme=True)

        assert wire.get(KEY) == "kept"


def test_nothing_is_sent_twice() -> None:
    """A server that hangs up on a command may have done it, so it is told, and not said again."""
    heard: list[bytes] = []

    def hang_up(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    with RawPeer(hang_up) as peer, pytest.raises(RedisWireError):
        wire_to(url_of(peer.port)).get(KEY)

    assert heard == [b"*2\r\n$3\r\nGET\r\n$8\r\nwire:{1}\r\n"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"+OK",
        b"$5\r\nab",
        b"$5\r\nabcdef",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*2\r\n+OK\r\n",
        b"+" + b"x" * 70_000,
    ],
)
def test_answer_that_is_cut_short_or_no_redis_is_an_error(answer: bytes) -> None:
    """Nothing is made up of half an answer."""

    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with RawPeer(speak) as peer, pytest.raises(RedisWireError):
        wire_to(url_of(peer.port)).get(KEY)


@pytest.mark.parametrize("answer", [b"$x\r\n", b":one\r\n", b"$2\r\n\xff\xff\r\n"])
def test_answer_that_cannot_be_read_ends_the_connection(answer: bytes) -> None:
    """What is left of it must not be taken for the next answer."""
    answers = [answer + b"+left over\r\n", b"+fresh\r\n"]

    def speak(connection: socket.socket) -> None:
        mine = answers.pop(0)
        while connection.recv(65536):
            connection.sendall(mine)

    with RawPeer(speak) as peer:
        wire = wire_to(url_of(peer.port))
        with pytest.raises(ValueError, match=r".+"):
            wire.get(KEY)

        assert wire.get(KEY) == "fresh"
        wire.close()


def test_list_that_is_nothing_is_nothing() -> None:
    """An older server says `nothing` as a list without length."""

    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"*-1\r\n")
        connection.recv(65536)

    with RawPeer(speak) as peer:
        wire = wire_to(url_of(peer.port))

        assert wire.hmget(KEY, ["a"]) is None
        wire.close()


def test_database_of_the_address_is_chosen_before_anything_is_said(
    valkey_url: str, other: redis.Redis
) -> None:
    """A number at the end, or as `db`: what is kept there is not seen elsewhere."""
    base = valkey_url.removesuffix("/0")
    for url in (f"{base}/3", f"{base}?db=3"):
        wire = wire_to(url)
        wire.set(KEY, url, ex=100)
        assert other.get(KEY) is None
        with redis.Redis.from_url(url, decode_responses=True) as there:
            assert there.get(KEY) == url
        wire.close()


@pytest.mark.parametrize("change", ["wrong password", "no such database"])
def test_server_that_refuses_the_opening_hears_no_command(
    valkey_url: str, other: redis.Redis, change: str
) -> None:
    """Were it said in one go, a command would be done in another database, or as somebody else."""
    parts = urlsplit(valkey_url)
    url = {
        "wrong password": f"redis://:wrong@{HOST}:{parts.port}/0",
        "no such database": valkey_url.removesuffix("/0") + "/999",
    }[change]
    with pytest.raises(RedisWireError) as refusal:
        wire_to(url).set(KEY, "1", ex=100)

    assert refusal.value.code in ("WRONGPASS", "ERR")
    assert other.get(KEY) is None


def test_user_name_and_password_may_have_any_character(valkey_url: str, other: redis.Redis) -> None:
    """They are percent-encoded in the address, as everywhere."""
    other.acl_setuser("somebody/else", enabled=True, passwords=["+p@ss:w/rd"], keys=["*"], commands=["+@all"])
    url = f"redis://somebody%2Felse:p%40ss%3Aw%2Frd@{HOST}:{urlsplit(valkey_url).port}"
    wire = wire_to(url)

    assert wire.get(KEY) is None
    wire.close()
    other.acl_deluser("somebody/else")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Make an authority that this machine trusts."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


def behind_tls(authority: trustme.CA, name: str, valkey_url: str) -> Callable[[socket.socket], None]:
    """Make a `speak` that ends TLS in front of the one Valkey."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    relay = relay_to(int(urlsplit(valkey_url).port or 0))

    def speak(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            relay(encrypted)

    return speak


def test_store_behind_tls_is_spoken_to(authority: trustme.CA, valkey_url: str) -> None:
    """rediss:// is the same, encrypted; a connection is kept as well."""
    accepted = []

    def speak(connection: socket.socket) -> None:
        accepted.append(1)
        behind_tls(authority, HOST, valkey_url)(connection)

    with RawPeer(speak) as peer:
        wire = wire_to(f"rediss://:{urlsplit(valkey_url).password}@{HOST}:{peer.port}")
        for number in range(3):
            wire.set(KEY, number, ex=100)
            assert wire.get(KEY) == str(number)
        wire.close()
    assert len(accepted) == 1


def test_certificate_of_another_name_is_not_trusted(authority: trustme.CA, valkey_url: str) -> None:
    """The password goes to the server that the address names, and to nobody in between."""
    speak = behind_tls(authority, "somewhere.example", valkey_url)
    with RawPeer(speak) as peer, pytest.raises(ssl.SSLCertVerificationError):
        wire_to(f"rediss://{HOST}:{peer.port}").get(KEY)


def test_store_at_a_local_socket_is_spoken_to(tmp_path: Path, valkey_url: str) -> None:
    """unix:// names a file; the database is in the query there."""
    parts = urlsplit(valkey_url)
    file = tmp_path / "store.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(file))
        listener.listen()
        relay = relay_to(int(parts.port or 0))

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                relay(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        wire = wire_to(f"unix://:{parts.password}@{file}?db=2")

        assert wire.set(KEY, "1", ex=100) is True
        wire.close()
        thread.join()


def test_local_socket_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """As with a port on which nobody listens."""
    with pytest.raises(FileNotFoundError):
        wire_to(f"unix://{tmp_path / 'nothing'}").get(KEY)
    with pytest.raises(ConnectionRefusedError):
        wire_to(url_of(refused_port())).get(KEY)


@pytest.mark.parametrize(
    ("url", "spoken"),
    [
        ("redis://host", True),
        ("redis://:secret@host:6380/3", True),
        ("rediss://host", True),
        ("unix:///file?db=1", True),
        ("redis+cluster://host", False),
        ("rediss+cluster://host", False),
        ("rediss://host?ssl_ca_certs=/etc/ca.pem", False),
    ],
)
def test_address_that_asks_for_more_is_left_to_redis_py(url: str, *, spoken: bool) -> None:
    """A cluster, or an option that only the whole client knows."""
    assert can_speak_to(url) is spoken


def test_answer_of_wait_is_the_number_of_replicas(wire: RedisWire) -> None:
    """One server alone has none."""
    assert wire.wait(0, 10) == 0
