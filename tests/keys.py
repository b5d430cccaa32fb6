"""Key pairs for the tests that need asymmetric ones; each is created once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@lru_cache
def rsa_key(name: str = "first", bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return an RSA key; each name has its own."""
    assert name
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@lru_cache
def ec_key(name: str = "first", curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    """Return an elliptic curve key; each name has its own."""
    assert name
    return ec.generate_private_key(curve())


@lru_cache
def edwards_key(name: str = "first") -> ed25519.Ed25519PrivateKey:
    """Return an Ed25519 key; each name has its own."""
    assert name
    return ed25519.Ed25519PrivateKey.generate()


def key_for(algorithm: str, name: str = "first") -> PrivateKey:
    """Return a key of the type that an algorithm of JWT needs."""
    curves = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
    if algorithm in curves:
        return ec_key(name, curves[algorithm])
    return edwards_key(name) if algorithm == "EdDSA" else rsa_key(name)


def public_pem(key: PrivateKey) -> str:
    """Encode the public half as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
