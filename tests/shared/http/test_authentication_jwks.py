from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING

import jwt
import pytest

from shared.config.settings import CallerSettings, load_settings
from shared.errors import KeysUnavailableError, UnauthenticatedError
from shared.http import jwks as key_set
from shared.http.authentication import Caller, authenticate
from tests.keys import ec_key, rsa_key
from tests.shared.jwks_server import KeyServer, ec_jwk, rsa_jwk, serving_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_793_318_400
CLAIMS = {"sub": "alice", "exp": NOW + 600}


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """Run an endpoint that publishes one RSA key, `first`, and one elliptic curve key, `curve`."""
    with serving_keys() as keys:
        keys.publish(rsa_jwk("first"), ec_jwk("curve"))
        yield keys


def token(name: str, *, key: str | None = None, **header: object) -> str:
    """Sign with the RSA key of a name, which is also the `kid`."""
    return jwt.encode(CLAIMS, rsa_key(key or name), algorithm="RS256", headers={"kid": name, **header})


def caller(shown: str, server: KeyServer, *, after: int = 0) -> Caller:
    """Authenticate a request with this token, so many seconds later."""
    settings = load_settings(CallerSettings, {"JWT_JWKS_URL": server.url})
    return authenticate({"authorization": f"Bearer {shown}"}, settings, now=NOW + after)


def is_refused(shown: str, server: KeyServer, *, after: int = 0) -> bool:
    """Return whether this token gets 401."""
    with pytest.raises(UnauthenticatedError):
        caller(shown, server, after=after)
    return True


def test_published_keys_verify(server: KeyServer) -> None:
    """The token names its key, the endpoint has it, and RS256 and ES256 can be mixed."""
    by_curve = jwt.encode(CLAIMS, ec_key("curve"), algorithm="ES256", headers={"kid": "curve"})

    assert caller(token("first"), server) == Caller("alice")
    assert caller(by_curve, server) == Caller("alice")
    assert server.fetches == 1


def test_keys_are_fetched_once_for_many_requests(server: KeyServer) -> None:
    """The endpoint is not asked for every user."""
    for _ in range(20):
        caller(token("first"), server)

    assert server.fetches == 1


def test_unknown_keys_lead_to_one_fetch_at_most(server: KeyServer) -> None:
    """A thousand invented key ids within ten seconds: one fetch, and genuine users notice nothing (S05)."""
    genuine, forged = token("first"), token("invented", key="other")
    header, rest = forged.split(".", 1)
    assert header
    for number in range(1000):
        invented = json.dumps({"alg": "RS256", "kid": f"invented-{number}"}).encode()
        shown = f"{jwt.utils.base64url_encode(invented).decode()}.{rest}"
        assert is_refused(shown, server, after=number // 100)
        if number % 50 == 0:
            assert caller(genuine, server, after=number // 100) == Caller("alice")

    assert server.fetches == 1


def test_new_key_is_found_after_the_cooldown(server: KeyServer) -> None:
    """A login service can change its key without a deployment here: half a minute, and it counts."""
    caller(token("first"), server)

    server.publish(rsa_jwk("first"), rsa_jwk("second"))

    assert is_refused(token("second"), server, after=29)
    assert caller(token("second"), server, after=30) == Caller("alice")
    assert caller(token("first"), server, after=30) == Caller("alice")
    assert server.fetches == 2

    server.publish(rsa_jwk("second"))

    assert is_refused(token("unknown", key="other"), server, after=60)
    assert is_refused(token("first"), server, after=60)


@pytest.mark.parametrize("kid", [None, 7, "", [], {}, "FIRST", "first\n"])
def test_key_id_must_be_a_published_one(server: KeyServer, kid: object) -> None:
    """Without a key id there is no guessing among the keys."""
    header = jwt.utils.base64url_encode(json.dumps({"alg": "RS256", "kid": kid}).encode()).decode()

    assert is_refused(".".join([header, *token("first").split(".")[1:]]), server)


def test_token_of_another_key_under_a_published_id_is_refused(server: KeyServer) -> None:
    """A published key id does not make another key valid."""
    assert is_refused(token("first", key="other"), server)


@pytest.mark.parametrize("raw", ["", "x", "a.b.c", "e30.e30.", "W10.e30.e30"])
def test_garbage_is_refused(server: KeyServer, raw: str) -> None:
    """A malformed token is refused without a search for its key."""
    assert is_refused(raw, server)


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_addresses_in_a_token_are_never_asked(server: KeyServer, name: str) -> None:
    """Only the configured endpoint says which keys count."""
    with serving_keys() as foreign:
        foreign.publish(rsa_jwk("theirs"))

        assert is_refused(token("theirs", **{name: foreign.url}), server)
        assert is_refused(token("first", key="theirs", **{name: foreign.url}), server)
        assert foreign.fetches == 0


def test_secret_key_in_the_set_verifies_nothing(server: KeyServer) -> None:
    """A key for HS256 does not belong in a public key set, and is not used if it is there."""
    server.publish(rsa_jwk("first"), {"kty": "oct", "kid": "shared", "alg": "HS256", "k": "eHh4" * 11})
    shown = jwt.encode(CLAIMS, b"xxx" * 11, algorithm="HS256", headers={"kid": "shared"})

    assert is_refused(shown, server)
    assert caller(token("first"), server) == Caller("alice")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b'{"keys": []}',
        b'{"keys": 7}',
        b'{"error": "later"}',
        b"\xff\xfe",
        b'{"keys": [{"kty": "x"}]}',
    ],
)
def test_endpoint_that_answers_rubbish_is_503(server: KeyServer, body: bytes) -> None:
    """Without a readable key set the answer is 503, neither acceptance nor 401."""
    server.body = body

    with pytest.raises(KeysUnavailableError):
        caller(token("first"), server)

    server.publish(rsa_jwk("first"))
    assert caller(token("first"), server, after=key_set.RETRY_SECONDS) == Caller("alice")


@pytest.mark.parametrize(("status", "headers"), [(500, {}), (404, {}), (302, {"Location": "/keys2.json"})])
def test_endpoint_that_answers_no_200_is_503(server: KeyServer, status: int, headers: dict[str, str]) -> None:
    """Nor are redirects followed: the keys come from the address that was configured."""
    server.status, server.headers = status, headers

    with pytest.raises(KeysUnavailableError) as caught:
        caller(token("first"), server)

    assert caught.value.status == 503
    assert server.url not in str(caught.value)
    assert server.fetches == 1


def test_endpoint_that_breaks_off_is_503(server: KeyServer) -> None:
    """An incomplete answer is refused."""
    server.headers = {"Content-Length": "9999"}

    with pytest.raises(KeysUnavailableError):
        caller(token("first"), server)


def test_endpoint_that_is_down_is_503() -> None:
    """As long as nothing was ever fetched; keys that are known go on counting."""
    with serving_keys() as ended:
        ended.publish(rsa_jwk("first"))
    with pytest.raises(KeysUnavailableError):
        caller(token("first"), ended)

    with serving_keys() as ending:
        ending.publish(rsa_jwk("first"))
        caller(token("first"), ending)
    assert caller(token("first"), ending) == Caller("alice")


def test_endpoint_that_says_nothing_is_503_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two seconds, which are made fewer for this test."""
    monkeypatch.setattr(key_set, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        with pytest.raises(KeysUnavailableError):
            caller(token("first"), KeyServer(silent.getsockname()[1]))

    assert time.monotonic() - before < 1.5
