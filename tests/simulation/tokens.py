"""Users' tokens: those of the login service, and those with which nobody may get in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

JWT_SECRET = "the-secret-of-the-login-service-0001"
AUDIENCES = ("uploads", "lessons")
"""What JWT_AUDIENCE names in half of all seeds; the others leave it out."""
LIFE_SECONDS, FAR_SECONDS = 5400, 8000
"""Both are longer than the difference of two clocks, and than any leeway."""


def valid_token(user: str, *, now: float, audiences: Sequence[str], random: Random) -> str:
    """Return a token of the login service, for any of the audiences if there are some."""
    claims: dict[str, Any] = {"sub": user, "exp": int(now) + LIFE_SECONDS}
    if audiences:
        audience = random.choice(audiences)
        claims["aud"] = random.choice((audience, ["others", audience]))
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


def worthless_tokens(user: str, *, now: float, audiences: Sequence[str]) -> dict[str, str]:
    """Return tokens of which each fails one check, by what is wrong with it."""
    good: dict[str, Any] = {"sub": user, "exp": int(now) + LIFE_SECONDS}
    if audiences:
        good["aud"] = audiences[0]
    others = {name: value for name, value in good.items() if name != "exp"}
    claims = {
        "another audience": {**good, "aud": "another-service"},
        "expired": {**good, "exp": int(now) - FAR_SECONDS},
        "not valid yet": {**good, "nbf": int(now) + FAR_SECONDS},
        "no expiry": others,
        "no user": {name: value for name, value in good.items() if name != "sub"},
    }
    tokens = {name: jwt.encode(each, JWT_SECRET, algorithm="HS256") for name, each in claims.items()}
    tokens["another secret"] = jwt.encode(good, "the-secret-of-another-service-000001", algorithm="HS256")
    tokens["no signature"] = jwt.encode(good, "", algorithm="none")
    tokens["an extension"] = jwt.encode(good, JWT_SECRET, algorithm="HS256", headers={"crit": ["exp"]})
    if audiences:
        unnamed = {name: value for name, value in good.items() if name != "aud"}
        tokens["no audience"] = jwt.encode(unnamed, JWT_SECRET, algorithm="HS256")
    return tokens
