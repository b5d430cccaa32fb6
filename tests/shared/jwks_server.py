"""A login service's key endpoint: a real HTTP server on a loopback port, with TLS on request."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import jwt
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.keys import ec_key, key_for, rsa_key
from tests.shared.loopback_peer import HttpPeer, Reply

if TYPE_CHECKING:
    import ssl


class KeyServer(HttpPeer):
    """The endpoint; what it answers may be changed, and `received` tells how often it was asked."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(
            lambda _request: Reply(self.status, self.body, self.headers, self.delay_seconds), tls=tls
        )
        self.path = f"/{secrets.token_hex(8)}/keys.json"
        self.delay_seconds = 0.0
        self.status = 200
        self.headers = {"Content-Type": "application/json"}
        self.body = b""

    @property
    def keys_url(self) -> str:
        """Where the keys are."""
        return self.url + self.path

    @property
    def fetches(self) -> int:
        """How often it was asked."""
        return len(self.received)

    def publish(self, *keys: dict[str, object]) -> None:
        """Answer with this key set from now on."""
        self.body = json.dumps({"keys": keys}).encode()


def rsa_jwk(name: str) -> dict[str, object]:
    """Encode the public half of the RSA key of this name, which is also its `kid`."""
    return {**RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True), "kid": name, "use": "sig"}


def ec_jwk(name: str) -> dict[str, object]:
    """Encode the public half of the elliptic curve key of this name, which is also its `kid`."""
    return {**ECAlgorithm.to_jwk(ec_key(name).public_key(), as_dict=True), "kid": name, "use": "sig"}


def key_pair_jwk(name: str, algorithm: str) -> dict[str, object]:
    """Encode the public half of the key of this name and algorithm, without naming the algorithm."""
    public = key_for(algorithm, name).public_key()
    jwk: dict[str, object] = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    return {**jwk, "kid": name, "use": "sig"}
