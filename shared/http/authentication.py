"""Authenticate the caller: by the end user's JWT, or in a trial without tokens by the client's network.

A deployment has one kind of key, and so one family of algorithms (RFC 8725, section 3.1).
"""

from __future__ import annotations

import hmac
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.addresses import networks_of
from shared.errors import UnauthenticatedError
from shared.http.hs256 import claims_signed_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.settings import CallerSettings
    from shared.http.jwks import KeySet

LEEWAY_SECONDS = 60
MAX_TOKEN_LENGTH = 8192
_ASYMMETRIC = ["RS256", "ES256"]
MAX_USER_ID_BYTES = 128
"""In UTF-8: the user id and the app's own context share the 250 characters that VOD carries."""
_USER_ID = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
_REFUSAL = "Send a valid user token as Authorization: Bearer <JWT>."


@dataclass(frozen=True)
class Caller:
    """An end user: the `sub` of the token, the IP address of the request ("" if unknown), and all claims."""

    user_id: str
    address: str = ""
    claims: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


def authenticate(
    headers: Mapping[str, str], settings: CallerSettings, *, now: int, client_address: str = ""
) -> Caller:
    """Verify the credentials of a request; `headers` have lower-case names, `now` is in Unix seconds.

    `client_address` is the address that the platform reports; with AUTH_MODE=anonymous nothing else counts.

    Raises:
        UnauthenticatedError: no token, or an invalid one (the message never says which check failed); or no
            address, with AUTH_MODE=anonymous.
        KeysUnavailableError: the keys could not be fetched.

    """
    if settings.auth_mode == "anonymous":
        return _anonymous(client_address, key=str(settings.anonymous_key))
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.isascii() or not 0 < len(token) <= MAX_TOKEN_LENGTH:
        raise UnauthenticatedError(_REFUSAL)
    claims = _verified_claims(token, settings, now=now)
    user_id = claims["sub"]
    if not _is_current(claims, now) or not is_user_id(user_id):
        raise UnauthenticatedError(_REFUSAL)
    return Caller(user_id, client_address, claims)


def _anonymous(address: str, *, key: str) -> Caller:
    """Derive a pseudonymous user id from the client's network (keyed HMAC)."""
    networks = networks_of(address)
    if not networks:
        raise UnauthenticatedError("Nobody can be told from another here: the platform gave no address.")
    user_id = "anonymous-" + hmac.digest(key.encode(), networks[0].encode(), "sha256").hex()[:24]
    return Caller(user_id, address)


def _verified_claims(token: str, settings: CallerSettings, *, now: int) -> dict[str, Any]:
    """Check the signature, the issuer, the audience and that `sub` and `exp` are present."""
    issuer, audience = settings.jwt_issuer, settings.jwt_audience
    for secret in settings.jwt_secrets:
        claims = claims_signed_with(secret, token, issuer=issuer, audience=audience)
        if claims is not None:
            return claims
    for key in _keys(token, settings, now=now):
        claims = _claims_signed_with(key, token, settings)
        if claims is not None:
            return claims
    raise UnauthenticatedError(_REFUSAL)


def _claims_signed_with(key: Any, token: str, settings: CallerSettings) -> dict[str, Any] | None:  # noqa: ANN401 -- PyJWT's own type of key
    import jwt  # noqa: PLC0415 -- a deployment with shared secrets does without, see shared.http.hs256

    try:
        return jwt.decode(
            token,
            key,
            algorithms=_ASYMMETRIC,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            # Times are checked here against `now`, because PyJWT reads the clock itself.
            options={
                "require": ["exp", "sub"],
                "verify_aud": settings.jwt_audience is not None,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.PyJWTError:
        return None


def _keys(token: str, settings: CallerSettings, *, now: int) -> tuple[Any, ...]:
    if settings.jwt_secrets:
        return ()
    if settings.jwt_public_keys:
        return settings.jwt_public_keys
    import jwt  # noqa: PLC0415 -- as above

    try:
        key_id = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        return ()
    # A token without a key id is refused instead of tried with every key.
    key = _key_set(str(settings.jwt_jwks_url)).find(key_id, now=now) if key_id else None
    return () if key is None else (key,)


@lru_cache(maxsize=1)
def _key_set(url: str) -> KeySet:
    """Return the process's one key set, which caches the keys."""
    from shared.http.jwks import KeySet  # noqa: PLC0415 -- only a deployment with such a URL pays for it

    return KeySet(url)


def is_user_id(text: str) -> bool:
    """Return whether a text is a valid user id: no control characters, 1 to 128 bytes."""
    return bool(_USER_ID.fullmatch(text)) and len(text.encode()) <= MAX_USER_ID_BYTES


def _is_current(claims: Mapping[str, object], now: int) -> bool:
    expires_at, starts_at, issued_at = (_instant(claims.get(name, now)) for name in ("exp", "nbf", "iat"))
    if expires_at is None or starts_at is None or issued_at is None:
        return False
    return max(starts_at, issued_at) <= now + LEEWAY_SECONDS and now < expires_at + LEEWAY_SECONDS


def _instant(value: object) -> float | None:
    """Read a NumericDate (RFC 7519, section 2); None for NaN, Infinity and anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None
