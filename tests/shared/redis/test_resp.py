from __future__ import annotations

import resource
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import tcp
from shared.redis import resp
from shared.redis.redis_py import RedisPyClient
from shared.redis.resp import MAX_IDLE_SECONDS, RespClient, RespError, supports
from tests.cluster.valkey_server import ValkeyServer
from tests.shared.loopback_peer import HOST, RawPeer, behind_tls, refused_port, relay_to, swallowing_port
from tests.shared.name_service import serving_names

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    import trustme

    from shared.redis.resp import ScriptCall
    from shared.store.connection import RedisClient

KEY = "resp:{1}"
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
REPLY = b"*4\r\n$6\r\nh\xc3\xa9llo\r\n:-42\r\n$-1\r\n*2\r\n+OK\r\n*-1\r\n"
OF_THE_SERVER = ("READONLY", "MASTERDOWN", "LOADING", "MOVED", "CLUSTERDOWN", "NOREPLICAS", "NOAUTH")
PARSED = ["héllo", -42, None, ["OK", None]]
_same_store = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def client_to(url: str, *, clock: Callable[[], float] = time.monotonic) -> RespClient:
    """Connect as the store does, with time-outs for a busy machine."""
    return RespClient(url, timeout_seconds=30.0, call_seconds=60.0, clock=clock)


@contextmanager
def talk(
    speak: Callable[[socket.socket], None], url: str = "redis://"
) -> Iterator[tuple[RespClient, RawPeer]]:
    """Connect to a peer that answers so; `url` is the address before its host."""
    with RawPeer(speak) as peer, closing(client_to(f"{url}{HOST}:{peer.port}")) as client:
        yield client, peer


def answer(*replies: bytes) -> Callable[[socket.socket], None]:
    """Return a `speak` that answers each command with the next of these bytes, then closes the connection."""

    def speak(connection: socket.socket) -> None:
        for reply in replies:
            connection.recv(65536)
            connection.sendall(reply)

    return speak


@pytest.fixture
def client(valkey_url: str) -> Iterator[RespClient]:
    """Connect to the one Valkey."""
    with closing(client_to(valkey_url)) as client:
        yield client


@_same_store
@given(fields=st.dictionaries(WORDS, WORDS, min_size=1, max_size=5), missing=WORDS)
def test_any_text_is_sent_and_read_back(client: RespClient, fields: dict[str, str], missing: str) -> None:
    """Field names and values arrive unchanged; what is missing is None."""
    client.execute("DEL", KEY)
    for field, value in fields.items():
        assert client.execute("HSET", KEY, field, value) == 1

    assert dict(zip(*[iter(client.execute("HGETALL", KEY))] * 2, strict=True)) == fields
    assert client.execute("HMGET", KEY, *fields, missing) == [*fields.values(), fields.get(missing)]


@_same_store
@given(arguments=st.lists(st.one_of(WORDS, st.integers(-(2**63), 2**63), st.floats()), max_size=6))
def test_script_gets_its_arguments_and_gives_every_kind_of_reply(
    client: RespClient, server: redis.Redis, arguments: list[str | int | float]
) -> None:
    """Numbers arrive as Python writes them; integers, texts, lists and nothing come back; flushed or not."""
    source = "return {#ARGV, KEYS, ARGV, false, {{'nested'}}, redis.status_reply('OK')}"
    server.script_flush()
    expected = [len(arguments), [KEY], [str(word) for word in arguments], None, [["nested"]], "OK"]

    assert client.script(source, [KEY], arguments) == expected
    assert client.script(source, [KEY], arguments) == expected


INCREMENT = "return redis.call('INCR', KEYS[1])"
HALF = "redis.call('INCR', KEYS[1]) return redis.call('FLUSHALL')"


@pytest.fixture(params=[RespClient, RedisPyClient])
def connect(request: pytest.FixtureRequest) -> Callable[[str], RedisClient]:
    """Connect with either client."""
    return partial(request.param, timeout_seconds=30.0, call_seconds=60.0)


@pytest.fixture
def user(valkey_url: str, server: redis.Redis) -> Iterator[Callable[..., str]]:
    """Create a user who may do everything but some commands; return the address with the user in it."""

    def user(*commands: str) -> str:
        server.acl_setuser(
            "user", enabled=True, passwords=["+word"], keys=["*"], categories=["+@all"], commands=commands
        )
        return f"redis://user:word@{HOST}:{urlsplit(valkey_url).port}"

    yield user
    server.acl_deluser("user")


@pytest.mark.parametrize("rights", [["-script"], ["-script|load"], ["-evalsha"], ["-evalsha", "-script"]])
def test_script_runs_for_a_user_who_may_only_eval(
    server: redis.Redis, connect: Callable[[str], RedisClient], user: Callable[..., str], rights: list[str]
) -> None:
    """EVAL is used where SCRIPT or EVALSHA is not allowed; each call runs the script once."""
    server.script_flush()
    client = connect(user(*rights))

    assert [client.script(INCREMENT, [KEY], []) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("command", ["SCRIPT", "EVALSHA"])
def test_script_runs_on_a_server_that_has_only_eval(
    tmp_path: Path, connect: Callable[[str], RedisClient], command: str
) -> None:
    """EVAL is used where the server does not know SCRIPT or EVALSHA, as some proxies do not."""
    with ValkeyServer(tmp_path, {"rename-command": f'{command} ""', "save": '""'}) as without:
        client = connect(without.url)

        assert [client.script(INCREMENT, [KEY], []) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("rights", [[], ["-script"], ["-evalsha"]])
def test_script_runs_once_for_each_of_several_calls(
    server: redis.Redis, connect: Callable[[str], RedisClient], user: Callable[..., str], rights: list[str]
) -> None:
    """Whatever the server has or allows; what one call meets is its own reply, and the others have theirs."""
    server.script_flush()
    server.set("{k}:text", "no number")
    client = connect(user(*rights))
    calls: list[ScriptCall] = [([key], []) for key in ("{k}:a", "{k}:text", "{k}:a", "{k}:b")]

    for first in (1, 3):
        one, refused, two, other = client.scripts(INCREMENT, calls)
        assert (one, two, other) == (first, first + 1, first // 2 + 1)
        assert isinstance(refused, RespError)


def test_caller_works_while_the_script_runs(connect: Callable[[str], RedisClient]) -> None:
    """What it does begins when the command has come to the server, and ends before the reply is awaited."""
    received, worked = threading.Event(), threading.Event()

    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        received.set()
        if worked.wait(60):
            connection.sendall(b":7\r\n")

    def work() -> None:
        if received.wait(60):
            worked.set()

    with RawPeer(speak) as peer:
        assert connect(f"redis://{HOST}:{peer.port}").script(INCREMENT, [KEY], [], work) == 7


def test_caller_works_once_for_a_script_that_takes_several_round_trips(
    server: redis.Redis, connect: Callable[[str], RedisClient], user: Callable[..., str]
) -> None:
    """The server does not have it, and the user may not load it."""
    server.script_flush()
    worked: list[None] = []

    assert connect(user("-script")).script(INCREMENT, [KEY], [], lambda: worked.append(None)) == 1
    assert len(worked) == 1


def test_failure_of_the_caller_takes_no_reply_from_the_next_call(
    server: redis.Redis, connect: Callable[[str], RedisClient], valkey_url: str
) -> None:
    """The script has run or will: its reply is for nobody."""
    server.set(KEY, 41)
    client = connect(valkey_url)

    with pytest.raises(ZeroDivisionError):
        client.script(INCREMENT, [KEY], [], lambda: 1 // 0)

    assert client.execute("ECHO", "mine") == "mine"


def test_script_that_was_refused_half_way_is_not_run_again(
    server: redis.Redis, connect: Callable[[str], RedisClient], user: Callable[..., str]
) -> None:
    """A script is not repeated after it may have written: Redis does not roll back."""
    with pytest.raises(RespError):
        connect(user("-flushall")).script(HALF, [KEY], [])

    assert server.get(KEY) == "1"


def test_error_within_a_pipeline_is_raised_and_the_connection_stays_in_step(client: RespClient) -> None:
    """The replies after it are read, so that no later command gets them."""
    assert client.pipeline([]) == []
    client.execute("SET", KEY, "text")

    with pytest.raises(RespError) as failure:
        client.pipeline([("HGETALL", KEY), ("GET", KEY)])
    assert failure.value.code == "WRONGTYPE"
    assert client.execute("GET", KEY) == "text"


def test_threads_share_a_client_and_each_gets_its_own_replies(client: RespClient) -> None:
    """No reply ever goes to another thread."""

    def ask(number: int) -> bool:
        client.execute("SET", f"{KEY}:{number}", number)
        return bool(client.execute("GET", f"{KEY}:{number}") == str(number))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(400)))


def test_connection_that_was_closed_meanwhile_loses_no_call(client: RespClient, server: redis.Redis) -> None:
    """A server that closes idle connections, or was restarted, is connected to again: no call fails."""
    client.execute("SET", KEY, "kept")
    for _ in range(3):
        server.client_kill_filter(_type="normal", skipme=True)

        assert client.execute("GET", KEY) == "kept"


def test_nothing_is_sent_twice() -> None:
    """A server that closes the connection on a command may have run it, so the command is not repeated."""
    received: list[bytes] = []

    with (
        talk(lambda connection: received.append(connection.recv(65536))) as (client, _),
        pytest.raises(ConnectionError),
    ):
        client.execute("GET", KEY)

    assert received == [b"*2\r\n$3\r\nGET\r\n$8\r\nresp:{1}\r\n"]


@pytest.mark.parametrize("extra", [b"+extra\r\n", b"+ext", b"\r\n"])
@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_unread_bytes_after_a_reply_answer_no_later_command(
    authority: trustme.CA, extra: bytes, scheme: str, *, is_late: bool
) -> None:
    """The next command has a new connection, whether they came in the segment or TLS record of the reply."""
    replies, all_sent = count(1), threading.Event()

    def speak(connection: socket.socket) -> None:
        while connection.recv(65536):
            reply = b"+%d\r\n" % next(replies)
            for segment in (reply, extra) if is_late else (reply + extra,):
                connection.sendall(segment)
            all_sent.set()

    spoken = behind_tls(authority, HOST, speak) if scheme == "rediss" else speak
    with talk(spoken, f"{scheme}://") as (client, peer):
        for number in "123":
            all_sent.clear()
            assert client.execute("PING") == number
            assert all_sent.wait(5)

        assert len(peer.connections) == 3


@pytest.mark.parametrize(
    "reply", [b"", b"+OK", b"$5\r\nab", b"$5\r\nabcde\r", b"*2\r\n+OK\r\n", b"*1\r\n" * 50]
)
def test_reply_that_is_cut_short_is_a_lost_connection(reply: bytes) -> None:
    """Nothing is made up of half a reply, however deep it is nested."""
    with talk(answer(reply)) as (client, _), pytest.raises(ConnectionError):
        client.execute("GET", KEY)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Let this process have 2 GB more than it has, so that a list of 34 GB cannot be made anywhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**31, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 70_000,
        b"$x\r\n",
        b":one\r\n",
        b"$-2\r\n",
        b"*4294967295\r\n",
        b"*9223372036854775807\r\n",
        b"*1\r\n" * 1_000_000,
        b"$99999999\r\n" + b"x" * 70_000,
        b"+" + b"x" * 70_000,
    ],
    ids=lambda reply: repr(reply[:20]),
)
def test_reply_that_is_no_resp_is_an_error_and_ends_the_connection(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Garbage, hostile lengths, endless nesting and replies beyond the bound: what is left is not read."""
    monkeypatch.setattr(resp, "_LARGEST_REPLY", 65_536)
    replies = [reply + b"+left over\r\n", b"+fresh\r\n"]

    def speak(connection: socket.socket) -> None:
        answer(replies.pop(0))(connection)

    with talk(speak) as (client, _):
        with pytest.raises(RespError) as failure:
            client.execute("GET", KEY)

        assert failure.value.code == "PROTOCOL"
        assert client.execute("GET", KEY) == "fresh"


@pytest.mark.parametrize("chunk_bytes", range(1, len(REPLY) + 1))
def test_reply_may_be_split_anywhere(chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the network cuts two replies into pieces, they are read as they were sent."""
    monkeypatch.setattr(resp, "_CHUNK_BYTES", chunk_bytes)
    with talk(answer(REPLY + REPLY)) as (client, _):
        assert client.pipeline([("GET", KEY), ("GET", KEY)]) == [PARSED, PARSED]


def test_reply_that_drips_in_ends_the_call_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait is short enough, all of them together are not: no further wait begins."""
    ticks = count(step=3.0)
    monkeypatch.setattr(resp, "_CHUNK_BYTES", 1)

    with RawPeer(answer(b"$1000\r\n")) as peer, pytest.raises(TimeoutError):
        client_to(f"redis://{HOST}:{peer.port}", clock=lambda: next(ticks)).execute("GET", KEY)


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_next_address_of_a_name_is_connected_to(
    scheme: str, valkey_url: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that refuses or is silent is passed over; TLS has the name without a trailing dot."""
    monkeypatch.setattr(tcp, "ATTEMPT_SECONDS", 0.01)
    parts = urlsplit(valkey_url)
    relay = relay_to(int(parts.port or 0))
    speak = behind_tls(authority, "store.test", relay) if scheme == "rediss" else relay
    with swallowing_port() as dead, RawPeer(speak) as peer, serving_names() as names:
        names.places["store.test."] = [(HOST, refused_port()), (HOST, dead), (HOST, peer.port)]
        with closing(client_to(f"{scheme}://:{parts.password}@store.test.")) as client:
            assert client.execute("SET", KEY, "1") == "OK"


@pytest.mark.parametrize(
    ("reply", "code", "connections"),
    [
        *((f"{code} of the server", code, 2) for code in (*OF_THE_SERVER, "UNHEARD")),
        (
            "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY x",
            "READONLY",
            2,
        ),
        *((f"{code} of the command", code, 1) for code in ("ERR", "WRONGTYPE", "NOPERM", "OOM")),
        *(("something else", "ERR", 1), ("", "ERR", 1)),
    ],
)
def test_connection_to_a_server_that_is_not_the_one_is_discarded(
    reply: str, code: str, connections: int
) -> None:
    """A refusal about the server closes the connection; one about the command does not."""

    def speak(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(f"-{reply}\r\n".encode())

    with talk(speak) as (client, peer):
        for _ in range(2):
            with pytest.raises(RespError) as failure:
                client.execute("GET", KEY)
            assert failure.value.code == code

        assert len(peer.connections) == connections


def test_discarded_connection_takes_the_other_idle_ones_with_it() -> None:
    """All idle connections lead to the same server, so all are closed."""
    together = threading.Barrier(2)

    def speak(connection: socket.socket) -> None:
        while command := connection.recv(65536):
            if b"GET" in command:
                together.wait(60)
            connection.sendall(b"+OK\r\n" if b"GET" in command else b"-READONLY replica\r\n")

    with talk(speak) as (client, peer):
        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(lambda _: client.execute("GET", KEY), range(2))) == ["OK", "OK"]
        for _ in range(2):
            with pytest.raises(RespError):
                client.execute("SET", KEY, "1")

        assert len(peer.connections) == 3


def test_connection_that_was_idle_for_long_is_not_used(valkey_url: str) -> None:
    """A connection is closed after MAX_IDLE_SECONDS without a call."""
    times, ids = [0.0], []
    with closing(client_to(valkey_url, clock=lambda: times[0])) as client:
        for pause in (0, MAX_IDLE_SECONDS, MAX_IDLE_SECONDS + 0.1):
            times[0] += pause
            ids.append(client.execute("CLIENT", "ID"))

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("database", ["/3", "?db=3"])
def test_database_of_the_address_is_selected_before_any_command(
    valkey_url: str, server: redis.Redis, database: str
) -> None:
    """It is a number at the end, or `db`: what is kept there is not seen elsewhere."""
    url = valkey_url.removesuffix("/0") + database
    with closing(client_to(url)) as client, redis.Redis.from_url(url, decode_responses=True) as there:
        client.execute("SET", KEY, "1")

        assert (server.get(KEY), there.get(KEY)) == (None, "1")


@pytest.mark.parametrize(
    ("password", "database", "code"),
    [("wrong", 0, "WRONGPASS"), (None, 999, "ERR"), ("", 0, "NOAUTH")],
    ids=["wrong password", "no such database", "no password"],
)
def test_server_that_refuses_the_opening_gets_no_command(
    valkey_url: str, server: redis.Redis, password: str | None, database: int, code: str
) -> None:
    """Otherwise a command would run in another database, or as another user."""
    parts = urlsplit(valkey_url)
    word = parts.password if password is None else password
    with pytest.raises(RespError) as failure:
        client_to(f"redis://:{word}@{HOST}:{parts.port}/{database}").execute("SET", KEY, "1")

    assert failure.value.code == code
    assert server.get(KEY) is None


@pytest.mark.parametrize(
    ("name", "password", "login"),
    [
        ("nobody", {"nopass": True}, "nobody:"),
        ("some/body", {"passwords": ["+p@ss:w/r#d?%"]}, "some%2Fbody:p%40ss%3Aw%2Fr%23d%3F%25"),
    ],
)
def test_user_of_the_address_is_logged_in(
    valkey_url: str, server: redis.Redis, name: str, password: dict[str, Any], login: str
) -> None:
    """Name and password are percent-encoded there; the password of a user who needs none is empty."""
    server.acl_setuser(name, enabled=True, keys=["*"], commands=["+@all"], **password)
    with closing(client_to(f"redis://{login}@{HOST}:{urlsplit(valkey_url).port}")) as client:
        assert client.execute("ACL", "WHOAMI") == name
    server.acl_deluser(name)


def test_connection_over_tls_is_kept(authority: trustme.CA, valkey_url: str) -> None:
    """rediss:// is the same, encrypted."""
    parts = urlsplit(valkey_url)
    speak = behind_tls(authority, HOST, relay_to(int(parts.port or 0)))
    with talk(speak, f"rediss://:{parts.password}@") as (client, peer):
        for number in range(3):
            client.execute("SET", KEY, number)
            assert client.execute("GET", KEY) == str(number)

        assert len(peer.connections) == 1


def test_certificate_of_another_name_is_not_trusted(authority: trustme.CA) -> None:
    """The password goes to the server that the address names, and to nobody in between."""
    speak = behind_tls(authority, "somewhere.example", answer())
    with talk(speak, "rediss://:secret@") as (client, _), pytest.raises(ssl.SSLCertVerificationError):
        client.execute("GET", KEY)


def test_unix_socket_is_connected_to(tmp_path: Path) -> None:
    """unix:// names a file; the database is in the query there."""
    file = tmp_path / "store.sock"
    with ValkeyServer(tmp_path, {"unixsocket": str(file), "save": '""'}) as server:
        word = urlsplit(server.url).password
        with closing(client_to(f"unix://:{word}@{file}?db=2")) as client:
            assert client.execute("SET", KEY, "1") == "OK"


def test_cluster_and_options_are_not_supported() -> None:
    """An address that asks for more than this client has needs redis-py."""
    assert all(map(supports, ("redis://:secret@host:6380/3", "rediss://host", "unix:///file?db=1")))
    for more in ("redis+cluster://host", "rediss+cluster://host", "rediss://host?ssl_ca_certs=/etc/ca.pem"):
        assert not supports(more)
