"""Check the claims of a user's token: whose it is, when it is valid, who issued it and for whom (RFC 7519).

Each check gives a word for the log and for `python -m local token explain`; docs/operations.md lists them.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.config.settings import CallerSettings

LEEWAY_SECONDS = 60
MAX_USER_ID_BYTES = 128
"""In UTF-8: the user id and the app's own context share the 250 characters that VOD carries."""
_OR_NUMBER = ":number"
_USER_ID = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")


def claim_checks(
    claims: Mapping[str, Any], settings: CallerSettings, *, now: int
) -> Iterator[tuple[str, str]]:
    """Check each claim: its name, and the word for what is wrong with it, "" if nothing is."""
    yield settings.jwt_user_claim.removesuffix(_OR_NUMBER), _user_problem(named_user(claims, settings))
    yield "exp", "exp_missing" if claims.get("exp") is None else _time_problem(claims, "exp", now)
    yield "nbf", _time_problem(claims, "nbf", now)
    yield "iat", _time_problem(claims, "iat", now)
    yield "jti", "" if isinstance(claims.get("jti", ""), str) else "jti_invalid"
    yield "iss", _issuer_problem(claims.get("iss"), settings.jwt_issuer)
    yield settings.jwt_audience_claim, _audience_problem(claims, settings)


def named_user(claims: Mapping[str, Any], settings: CallerSettings) -> object:
    """Return what the claim of JWT_USER_CLAIM says, behind JWT_USER_PREFIX.

    A whole number counts as its digits, if that allows one; what is no user's id has no prefix.
    """
    name = settings.jwt_user_claim.removesuffix(_OR_NUMBER)
    user = claims.get(name)
    is_number = name != settings.jwt_user_claim and type(user) is int and user >= 0
    told = str(user) if is_number else user
    prefix = settings.jwt_user_prefix
    return prefix + told if prefix and isinstance(told, str) and told else told


def is_user_id(text: str) -> bool:
    """Return whether a text is a valid user id: no control characters, 1 to 128 bytes."""
    return bool(_USER_ID.fullmatch(text)) and len(text.encode()) <= MAX_USER_ID_BYTES


def _user_problem(user: object) -> str:
    if user is None:
        return "sub_missing"
    return "" if isinstance(user, str) and is_user_id(user) else "sub_invalid"


def _time_problem(claims: Mapping[str, object], name: str, now: int) -> str:
    """Check one instant of the token, which is valid from `nbf` and `iat` until `exp`."""
    if name not in claims:
        return ""
    instant = _instant(claims[name])
    if instant is None:
        return f"{name}_invalid"
    if name == "exp":
        return "" if now < instant + LEEWAY_SECONDS else "expired"
    return "" if instant <= now + LEEWAY_SECONDS else "not_yet_valid"


def _instant(value: object) -> float | None:
    """Read a NumericDate (RFC 7519, section 2); None for NaN, Infinity and anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def _issuer_problem(issuer: object, expected: str | None) -> str:
    if expected is None or issuer == expected:
        return ""
    return "iss_missing" if issuer is None else "iss_mismatch"


def _audience_problem(claims: Mapping[str, object], settings: CallerSettings) -> str:
    """Check for whom the token is; without JWT_AUDIENCE, only for nobody in particular (section 4.1.3)."""
    if not settings.jwt_audience:
        return "aud_unexpected" if "aud" in claims else ""
    named = claims.get(settings.jwt_audience_claim)
    if named is None:
        return "aud_missing"
    audiences = named if isinstance(named, list) else [named]
    is_readable = all(isinstance(it, str) for it in audiences)
    return "" if is_readable and not {*settings.jwt_audience}.isdisjoint(audiences) else "aud_mismatch"
