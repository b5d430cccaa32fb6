"""From the end user's JWT to a caller.

One kind of key per deployment, and with it one family of algorithms (RFC 8725, section 3.1); what
a caller may do is left to `shared.upload_policy`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jwt

from shared.errors import ServiceError, UnauthenticatedError
from shared.policy_claims import NO_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.settings import CallerSettings

LEEWAY_SECONDS = 60
MAX_TOKEN_LENGTH = 8192
JWKS_TIMEOUT_SECONDS = 2
JWKS_COOLDOWN_SECONDS = 30
"""How long after a fetch no unknown key id leads to another; a new key is accepted after that time."""
_ASYMMETRIC = ["RS256", "ES256"]
_USER_ID = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,128}")
_REFUSAL = "Send a valid user token as Authorization: Bearer <JWT>."


class KeysUnavailableError(ServiceError):
    """The JWKS endpoint did not answer, and no keys are known yet."""

    status = 503
    code = "keys-unavailable"
    title = "Temporarily unavailable"


@dataclass(frozen=True)
class Caller:
    """An authenticated end user; `user_id` is the token's `sub`, `claims` is all it says."""

    user_id: str
    claims: Mapping[str, object] = field(default=NO_CLAIMS, repr=False, compare=False)


def authenticate(headers: Mapping[str, str], settings: CallerSettings, *, now: int) -> Caller:
    """Find out who calls; `headers` have lower-case names, `now` is in Unix seconds.

    Raises:
        UnauthenticatedError: no token, or none of ours; the message never says which check failed.
        KeysUnavailableError: the keys could not be fetched.

    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.isascii() or not 0 < len(token) <= MAX_TOKEN_LENGTH:
        raise UnauthenticatedError(_REFUSAL)
    claims = _verified_claims(token, settings)
    user_id = claims["sub"]
    if not _is_current(claims, now) or not _USER_ID.fullmatch(user_id):
        raise UnauthenticatedError(_REFUSAL)
    return Caller(user_id, claims)


def _verified_claims(token: str, settings: CallerSettings) -> dict[str, Any]:
    """Check the signature, the issuer, the audience and that `sub` and `exp` are there."""
    for key in _keys(token, settings):
        claims = _claims_signed_with(key, token, settings)
        if claims is not None:
            return claims
    raise UnauthenticatedError(_REFUSAL)


def _claims_signed_with(key: Any, token: str, settings: CallerSettings) -> dict[str, Any] | None:  # noqa: ANN401 -- PyJWT's own type of key
    try:
        return jwt.decode(
            token,
            key,
            algorithms=["HS256"] if settings.jwt_secrets else _ASYMMETRIC,
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


def _keys(token: str, settings: CallerSettings) -> tuple[Any, ...]:
    if settings.jwt_secrets:
        return settings.jwt_secrets
    if settings.jwt_public_key is not None:
        return (settings.jwt_public_key,)
    try:
        return (_jwks_client(str(settings.jwt_jwks_url)).get_signing_key_from_jwt(token),)
    except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, OSError, ValueError):
        # The last two: a connection that broke in the middle, and an answer that is no JSON.
        raise KeysUnavailableError("The keys of the token's issuer cannot be fetched now.") from None
    except jwt.PyJWTError:
        return ()


@lru_cache(maxsize=1)
def _jwks_client(url: str) -> jwt.PyJWKClient:
    """One client per process: it keeps the key set, for five minutes or until an unknown key id comes."""
    return jwt.PyJWKClient(url, timeout=JWKS_TIMEOUT_SECONDS, cooldown_duration=JWKS_COOLDOWN_SECONDS)


def _is_current(claims: Mapping[str, object], now: int) -> bool:
    expires_at, starts_at, issued_at = (_instant(claims.get(name, now)) for name in ("exp", "nbf", "iat"))
    if expires_at is None or starts_at is None or issued_at is None:
        return False
    return max(starts_at, issued_at) <= now + LEEWAY_SECONDS and now < expires_at + LEEWAY_SECONDS


def _instant(value: object) -> float | None:
    """Read a NumericDate (RFC 7519, section 2), which neither NaN nor Infinity is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None
