"""The key set against real servers: what it requests, how often, and how long it lasts without them."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from jwt.algorithms import RSAAlgorithm

from shared.errors import KeysUnavailableError
from shared.http import jwks as key_set
from shared.http.jwks import COOLDOWN_SECONDS, FRESH_SECONDS, LAST_GOOD_SECONDS, RETRY_SECONDS, KeySet
from shared.invocation_log import recorded
from tests.keys import rsa_key
from tests.shared.jwks_server import KeyServer, ec_jwk, key_pair_jwk, rsa_jwk
from tests.shared.loopback_peer import RawPeer, Reply, drip, refused_port, server_side
from tests.shared.name_service import serving_names
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import trustme


NOW = 1_793_318_400.0


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """Run an endpoint that publishes one key, `first`."""
    with KeyServer() as keys:
        keys.publish(rsa_jwk("first"))
        yield keys


@pytest.fixture
def known(server: KeyServer) -> KeySet:
    """Create a key set that has been fetched once."""
    keys = KeySet(server.keys_url)
    assert keys.find("first", now=NOW)
    return keys


def is_unavailable(keys: KeySet, key_id: str = "first", *, now: float = NOW) -> bool:
    """Return whether the key set cannot be had."""
    with pytest.raises(KeysUnavailableError) as caught:
        keys.find(key_id, now=now)
    return "127.0.0.1" not in str(caught.value)


def test_flood_from_many_threads_leads_to_one_fetch(server: KeyServer) -> None:
    """Sixty-four at once, a thousand invented ids between genuine ones, at the very start (S05)."""
    server.delay_seconds = 0.2
    keys = KeySet(server.keys_url)
    gate = threading.Barrier(64)

    def ask(worker: int) -> list[bool]:
        gate.wait()
        invented = [keys.find(f"invented-{worker}-{n}", now=NOW + n % 10) is None for n in range(16)]
        return [*invented, keys.find("first", now=NOW) is not None]

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(ask, range(64)))

    assert all(all(row) for row in answers)
    assert server.fetches == 1


def test_known_key_waits_for_nobody_who_asks(
    known: KeySet, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the endpoint holds its answer to one thread, users with a known key are served (S05)."""
    monkeypatch.setattr(key_set, "TIMEOUT_SECONDS", 60.0)
    later, answer, released = NOW + FRESH_SECONDS + 1, server.answer, threading.Event()
    server.answer = lambda request: answer(request) if released.wait(60) else Reply(500)
    asking = threading.Thread(target=known.find, args=("unknown",), kwargs={"now": later})
    asking.start()
    wait_until(lambda: server.fetches == 2)

    assert all(known.find("first", now=later) for _ in range(100))
    assert asking.is_alive()

    released.set()
    asking.join()
    assert server.fetches == 2


def test_withdrawn_key_ends_and_a_new_one_is_found(known: KeySet, server: KeyServer) -> None:
    """A new key counts half a minute after the last fetch, a withdrawn one ends within five minutes."""
    server.publish(rsa_jwk("second"))

    assert known.find("second", now=NOW + COOLDOWN_SECONDS - 1) is None
    assert known.find("second", now=NOW + COOLDOWN_SECONDS)
    assert known.find("first", now=NOW + COOLDOWN_SECONDS + FRESH_SECONDS + 1) is None


def test_new_key_is_had_by_all_who_wait_for_it(known: KeySet, server: KeyServer) -> None:
    """Whoever comes with it during the fetch is not told that it is unknown."""
    server.delay_seconds = 0.2
    server.publish(rsa_jwk("second"))
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: known.find("second", now=NOW + COOLDOWN_SECONDS), range(16)))

    assert all(found)
    assert server.fetches == 2


NONE_USABLE = (
    "the key set was fetched, and of its {} keys none is usable: RSA of 2048 bits or more, P-256, "
    "P-384, P-521 or EdDSA, public, for signatures, with a kid"
)
LONG = json.dumps({"keys": [rsa_jwk("first")]}).encode() + b" " * key_set.MAX_BYTES
TOO_LONG, CUT = "the answer has more than 262144 bytes", {"Content-Length": "9999", "Connection": "close"}
ES384 = b'{"keys": [{"kty": "EC", "crv": "P-384", "kid": "k", "use": "sig", "alg": "ES384", "x": "..."}]}'
NO_LIST = "the answer is no key set: it has no list named keys"
TROUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "a login that signs with HS256": ({"body": b'{"keys": []}'}, NONE_USABLE.format(0)),
    "a login that signs with ES384": ({"body": ES384}, NONE_USABLE.format(1)),
    "a page": ({"body": b"<html>Sign in"}, "the answer is no JSON object"),
    "the document that names the key set": ({"body": b'{"issuer": "https://a.test"}'}, NO_LIST),
    "a long answer": ({"body": LONG}, TOO_LONG),
    "a length that is stated": ({"body": LONG, "headers": {"Content-Length": str(len(LONG))}}, TOO_LONG),
    "a redirect": (
        {"status": 302, "headers": {"Location": "/"}},
        "HTTP 302, and redirects are not followed",
    ),
    "a failure": ({"status": 500}, "HTTP 500"),
    "an answer that breaks off": ({"headers": CUT}, "the answer is shorter than its Content-Length"),
    "an answer in an hour": ({"delay_seconds": 3600}, "no answer (TimeoutError)"),
}
"""What is wrong with an endpoint, all else being valid, and what the log says of it."""


@pytest.mark.parametrize(("changes", "problem"), TROUBLES.values(), ids=list(TROUBLES))
def test_last_good_keys_count_until_a_stated_age(
    known: KeySet, server: KeyServer, changes: dict[str, Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six hours; then nobody can be told genuine, until the endpoint is well again, as the log says (S06)."""
    monkeypatch.setattr(key_set, "TIMEOUT_SECONDS", 0.3 if "delay_seconds" in changes else 60.0)
    with patch.multiple(server, **changes):
        for age in (FRESH_SECONDS + 1, 3600, LAST_GOOD_SECONDS):
            with recorded() as record:
                assert known.find("first", now=NOW + age)
            assert record.about == {"keySetProblem": problem}
        assert is_unavailable(known, "unknown", now=NOW + LAST_GOOD_SECONDS)
        with recorded() as record:
            assert is_unavailable(known, now=NOW + LAST_GOOD_SECONDS + 1)
        assert record.about == {"keySetProblem": problem}

    monkeypatch.undo()
    assert known.find("first", now=NOW + LAST_GOOD_SECONDS + COOLDOWN_SECONDS)
    assert known.find("unknown", now=NOW + LAST_GOOD_SECONDS + COOLDOWN_SECONDS) is None


def test_endpoint_in_trouble_is_asked_seldom(known: KeySet, server: KeyServer) -> None:
    """A failing endpoint is requested twice a minute, not once for each user."""
    server.status = 500
    for second in range(60):
        known.find("first", now=NOW + FRESH_SECONDS + 1 + second)

    assert server.fetches == 1 + 2


def test_first_fetch_that_failed_is_tried_again_soon(server: KeyServer) -> None:
    """Until then the answer is 503, at once and without asking."""
    server.status = 500
    keys = KeySet(server.keys_url)
    for second in range(RETRY_SECONDS):
        assert is_unavailable(keys, now=NOW + second)
    assert server.fetches == 1

    server.status = 200
    assert keys.find("first", now=NOW + RETRY_SECONDS)


def test_clock_that_is_set_back_locks_nobody_out(known: KeySet, server: KeyServer) -> None:
    """If the clock is set back, the keys are fetched as if they were old."""
    server.publish(rsa_jwk("second"))

    assert known.find("second", now=NOW - 3600)
    assert server.fetches == 2


def test_largest_answer_is_taken(server: KeyServer) -> None:
    """An answer of exactly 256 KB is accepted."""
    server.body += b" " * (key_set.MAX_BYTES - len(server.body))

    assert KeySet(server.keys_url).find("first", now=NOW)


def test_answer_that_drips_in_is_cut_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out covers the whole fetch, not each byte; the endpoint never ends by itself."""
    monkeypatch.setattr(key_set, "TIMEOUT_SECONDS", 0.1)
    with RawPeer(partial(drip, beginning=b"HTTP/1.1 200 OK\r\n\r\n{")) as peer:
        assert problem_of(f"http://127.0.0.1:{peer.port}/keys") == "no answer (TimeoutError)"


def problem_of(url: str) -> object:
    """Fetch once and return what is logged about it; the error for the caller is the same for all."""
    with recorded() as record:
        assert is_unavailable(KeySet(url))
    return record.about["keySetProblem"]


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("no-such-host.invalid", "The host name has no address."),
        ("127.0.0.1:{refused_port}", "no answer (ConnectionRefusedError)"),
        ("swallowed-login.example.test", "The host name was not resolved in time."),
    ],
)
def test_endpoint_that_cannot_be_reached_is_503(
    host: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown name, a closed port and a silent name service give 503; the log has the cause."""
    with serving_names() as names:
        if host.startswith("swallowed"):
            monkeypatch.setattr(key_set, "TIMEOUT_SECONDS", 0.01)
            names.is_answering.clear()

        assert problem_of(f"https://{host.format(refused_port=refused_port())}/keys?of=app") == problem


def test_request_says_who_asks_and_for_what(known: KeySet, server: KeyServer) -> None:
    """The request has a User-Agent, which some firewalls require, and accepts both media types."""
    assert known.find("first", now=NOW)
    (request,) = server.received

    assert request.headers["user-agent"] == "vod-upload-functions"
    assert request.headers["accept"] == "application/jwk-set+json, application/json"


def test_certificate_must_be_the_hosts(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who can answer in the login service's place can be any user."""
    for name, trusted, expected in (("127.0.0.1", True, 1), ("a.test", True, 0), ("127.0.0.1", False, 0)):
        if not trusted:
            monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
        with KeyServer(server_side(authority, name)) as keys:
            keys.publish(rsa_jwk("first"))
            asked = KeySet(keys.keys_url)

            assert bool(asked.find("first", now=NOW)) if expected else is_unavailable(asked)
            assert keys.fetches == expected


def weak_jwk(name: str) -> dict[str, object]:
    """Encode a key of 1024 bits, which verifies nothing here, as with JWT_PUBLIC_KEY."""
    public = rsa_key("weak", 1024).public_key()
    return {**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": name, "use": "sig"}


NO_KEYS: list[object] = [None, 7, "first", [], {}, {"kid": "bad"}]
NO_KEYS += [{"kid": "bad", "kty": "oct", "k": "eHh4" * 11}]
OF_RSA = [{"use": "enc"}, {"use": []}, {"crv": "P-256"}, {"alg": []}, {"alg": "none"}, {"alg": "HS256"}]
OF_RSA += [{"alg": "ES256"}, {"kty": []}, {"n": 7}, {"n": ""}, {"e": ["AQAB"]}, {"n": "AQAB"}, {"d": "AQAB"}]
OF_RSA += [{"kid": None}, {"kid": 7}]
OF_CURVE = [{"crv": "P-384"}, {"crv": {}}, {"x": "AA"}, {"x": "A" * 43}, {"d": "AQAB"}]
MEMBERS: list[tuple[Callable[[str], dict[str, object]] | None, Any]] = [(None, member) for member in NO_KEYS]
MEMBERS += [(rsa_jwk, changes) for changes in OF_RSA] + [(ec_jwk, changes) for changes in OF_CURVE]
MEMBERS += [(weak_jwk, {})]


@pytest.mark.parametrize(
    ("make", "changes"), MEMBERS, ids=lambda value: getattr(value, "__name__", str(value)[:40])
)
def test_key_that_cannot_be_used_is_passed_over(
    server: KeyServer,
    make: Callable[[str], dict[str, object]] | None,
    changes: Any,  # noqa: ANN401  # any JSON
) -> None:
    """The others of the set count all the same, and a set with nothing else is none."""
    member = changes if make is None else {**make("bad"), **changes}
    server.publish(member, rsa_jwk("first"))
    keys = KeySet(server.keys_url)

    assert keys.find("first", now=NOW)
    assert keys.find("bad", now=NOW) is None
    assert keys.find("7", now=NOW) is None

    server.publish(member)
    assert is_unavailable(KeySet(server.keys_url), "bad")


def test_first_of_two_keys_with_one_id_counts(server: KeyServer) -> None:
    """A second key with the same id is ignored."""
    server.publish(rsa_jwk("first"), {**ec_jwk("curve"), "kid": "first"})
    found = KeySet(server.keys_url).find("first", now=NOW)

    assert found is not None
    assert "RS256" in found.algorithms


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        (rsa_jwk("first"), "RS256 RS384 RS512 PS256 PS384 PS512"),
        ({**rsa_jwk("first"), "alg": "PS384"}, "PS384"),
        (ec_jwk("first"), "ES256"),
        (key_pair_jwk("first", "ES384"), "ES384"),
        (key_pair_jwk("first", "ES512"), "ES512"),
        (key_pair_jwk("first", "EdDSA"), "EdDSA"),
    ],
    ids=["RSA", "RSA for PS384 alone", "P-256", "P-384", "P-521", "Ed25519"],
)
def test_key_has_the_algorithms_of_its_type(
    server: KeyServer, jwk: dict[str, object], algorithms: str
) -> None:
    """One that names its algorithm has that one alone (RFC 8725, section 3.1)."""
    server.publish(jwk)
    found = KeySet(server.keys_url).find("first", now=NOW)

    assert found is not None
    assert " ".join(found.algorithms) == algorithms


BODIES = [
    b"[" * 100_000,
    b'{"keys": [' + b'{"a":' * 1000,
    b'{"keys": {}}',
    b'{"keys": "first"}',
    b"\xff",
    b"null",
]
BODIES += [b'{"keys": [], ' + json.dumps({"keys": [rsa_jwk("first")]}).encode()[1:], b"", b"<html>", b"{"]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body[:20]))
def test_hostile_document_is_no_key_set(server: KeyServer, body: bytes) -> None:
    """Deep, cut off, of another shape, or with two members of one name: none of it is an accident."""
    server.body = body

    assert is_unavailable(KeySet(server.keys_url))
