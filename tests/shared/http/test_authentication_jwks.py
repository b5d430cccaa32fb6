"""Tokens that are verified by a published key set; how the set itself is fetched and kept: test_jwks.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jwt
import pytest

from shared.errors import KeysUnavailableError
from shared.http.authentication import Caller
from tests.keys import ec_key, rsa_key
from tests.shared.http.test_authentication import CLAIMS, caller, is_refused
from tests.shared.jwks_server import KeyServer, ec_jwk, rsa_jwk

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """Run an endpoint that publishes one RSA key, `first`, and one elliptic curve key, `curve`."""
    with KeyServer() as keys:
        keys.publish(rsa_jwk("first"), ec_jwk("curve"))
        yield keys


def token(name: str, *, key: str | None = None, **header: object) -> str:
    """Sign with the RSA key of a name, which is also the `kid`."""
    return jwt.encode(CLAIMS, rsa_key(key or name), algorithm="RS256", headers={"kid": name, **header})


def test_published_keys_verify(server: KeyServer) -> None:
    """The token names its key, the endpoint has it, and RS256 and ES256 can be mixed."""
    by_curve = jwt.encode(CLAIMS, ec_key("curve"), algorithm="ES256", headers={"kid": "curve"})

    assert caller(token("first"), JWT_JWKS_URL=server.keys_url) == Caller("alice")
    assert caller(by_curve, JWT_JWKS_URL=server.keys_url) == Caller("alice")
    assert server.fetches == 1


@pytest.mark.parametrize("kid", [None, 7, "", {}, "first\n"])
def test_key_id_must_be_a_published_one(server: KeyServer, kid: object) -> None:
    """Without a key id there is no guessing among the keys."""
    header = jwt.utils.base64url_encode(json.dumps({"alg": "RS256", "kid": kid}).encode()).decode()

    assert is_refused(".".join([header, *token("first").split(".")[1:]]), JWT_JWKS_URL=server.keys_url)


def test_token_of_another_key_under_a_published_id_is_refused(server: KeyServer) -> None:
    """A published key id does not make another key valid."""
    assert is_refused(token("first", key="other"), JWT_JWKS_URL=server.keys_url)


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_addresses_in_a_token_are_never_asked(server: KeyServer, name: str) -> None:
    """Only the configured endpoint says which keys count."""
    with KeyServer() as foreign:
        foreign.publish(rsa_jwk("theirs"))

        assert is_refused(token("theirs", **{name: foreign.keys_url}), JWT_JWKS_URL=server.keys_url)
        assert is_refused(
            token("first", key="theirs", **{name: foreign.keys_url}), JWT_JWKS_URL=server.keys_url
        )
        assert foreign.fetches == 0


def test_endpoint_that_is_down_is_503() -> None:
    """As long as nothing was ever fetched; keys that are known go on counting."""
    with KeyServer() as ended:
        ended.publish(rsa_jwk("first"))
    with pytest.raises(KeysUnavailableError):
        caller(token("first"), JWT_JWKS_URL=ended.keys_url)

    with KeyServer() as ending:
        ending.publish(rsa_jwk("first"))
        caller(token("first"), JWT_JWKS_URL=ending.keys_url)
    assert caller(token("first"), JWT_JWKS_URL=ending.keys_url) == Caller("alice")
