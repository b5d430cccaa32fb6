"""Verify a JWT signed with a shared secret (HS256; RFC 7515, 7518 section 3.2, 7519).

PyJWT imports `cryptography`, TLS, HTTP and mail: a third of a signature's cold start (docs/performance.md).
It verifies the tokens signed with a private key, and a test compares this module with it.
"""

from __future__ import annotations

import hmac
import json
import re
from functools import lru_cache
from typing import Any

from shared.vod.context_token import base64url_decode

_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
"""Header, claims and signature: 32 bytes are 43 characters of Base64 without padding."""
_OTHER_KINDS = ("-----BEGIN ", "ssh-", "ecdsa-", "---- BEGIN ")
"""How public keys begin: used as a shared secret, one would let anybody sign (RFC 8725, section 2.1)."""


def claims_signed_with(
    secret: str, token: str, *, issuer: str | None, audience: str | None
) -> dict[str, Any] | None:
    """Return the claims of a token signed with this secret, for this audience, with `sub` and `exp`.

    None for any other token. The caller checks the times.
    """
    parts = _FORM.fullmatch(token)
    if parts is None or any(mark in secret for mark in _OTHER_KINDS):
        return None
    signed = token[: parts.end(2)].encode("ascii")
    if not hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256"), base64url_decode(parts[3])):
        return None
    header, claims = _header_in(parts[1]), _object_in(parts[2])
    if header.get("alg") != "HS256" or header.keys() & {"crit", "b64"}:
        return None
    return claims if _are_for_us(claims, issuer, audience) else None


def _are_for_us(claims: dict[str, Any], issuer: str | None, audience: str | None) -> bool:
    if not isinstance(claims.get("sub"), str) or claims.get("exp") is None:
        return False
    if not isinstance(claims.get("jti", ""), str):
        return False
    if issuer is not None and claims.get("iss") != issuer:
        return False
    named = claims.get("aud")
    audiences = named if isinstance(named, list) else [named]
    return audience is None or (audience in audiences and all(isinstance(it, str) for it in audiences))


@lru_cache(maxsize=16)
def _header_in(part: str) -> dict[str, Any]:
    """Read a header; cached, because a login service writes the same one into all its tokens."""
    return _object_in(part)


def _object_in(part: str) -> dict[str, Any]:
    """Read a part as a JSON object; empty for anything else, which then lacks the required claims."""
    try:
        value = json.loads(base64url_decode(part))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
