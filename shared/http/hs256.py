"""Read a JWT, and verify one signed with a shared secret (HS256; RFC 7515, 7518 section 3.2, 7519).

PyJWT imports `cryptography`, TLS, HTTP and mail: a third of a signature's cold start (docs/performance.md).
It verifies the tokens signed with a private key, and a test compares this module with it.
"""

from __future__ import annotations

import hmac
import json
import re
from functools import lru_cache
from typing import Any

from shared.schema.values import BASE64_PREFIX
from shared.vod.context_token import base64url_decode, base64url_encode

_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*", re.ASCII)
_OTHER_KINDS = ("-----BEGIN ", "ssh-", "ecdsa-", "---- BEGIN ")
"""How public keys begin: used as a shared secret, one would let anybody sign (RFC 8725, section 2.1)."""


class Token:
    """A token that was read; nothing in it is verified."""

    def __init__(self, text: str, header: dict[str, Any], claims: dict[str, Any]) -> None:
        self.text = text
        self.header = header
        self.claims = claims


def read_token(text: str) -> Token | None:
    """Read the compact form (RFC 7515, section 3.1); None for anything else."""
    parts = _FORM.fullmatch(text)
    header = parts and _header_in(parts[1])
    claims = parts and _object_in(parts[2])
    return None if header is None or claims is None else Token(text, header, claims)


def is_signed_with(secret: str, token: Token) -> bool:
    """Return whether the signature is the HMAC of this secret, whatever the header says."""
    if _is_of_another_kind(secret):
        return False
    signed, _, signature = token.text.rpartition(".")
    genuine = hmac.digest(key_of(secret), signed.encode("ascii"), "sha256")
    return hmac.compare_digest(base64url_encode(genuine), signature)


@lru_cache(maxsize=16)
def _is_of_another_kind(secret: str) -> bool:
    return any(mark in secret for mark in _OTHER_KINDS)


@lru_cache(maxsize=16)
def key_of(secret: str) -> bytes:
    """Return the bytes of a key: those of the text, or what stands behind `base64:`, in either alphabet."""
    if secret.startswith(BASE64_PREFIX):
        return base64url_decode(secret.removeprefix(BASE64_PREFIX).rstrip("="))
    return secret.encode()


@lru_cache(maxsize=16)
def _header_in(part: str) -> dict[str, Any] | None:
    """Read a header; cached, because a login service writes the same one into all its tokens."""
    return _object_in(part)


def _object_in(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64url_decode(part).decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
