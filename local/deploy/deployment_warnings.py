"""Warnings about a deployment that is valid and perhaps not intended, from its variables alone.

No value of a variable is shown.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Caution:
    """One warning before a deployment; `advice` is what to do if it is not intended."""

    detail: str
    advice: str


def about_callers(variables: Mapping[str, str]) -> Iterator[Caution]:
    """Yield a warning if users need no token, or if tokens for other services could count as well."""
    if variables.get("AUTH_MODE") == "anonymous":
        yield Caution(
            "AUTH_MODE is anonymous: anybody who finds the functions' URLs may upload, at your cost, and "
            "callers behind one address are one user",
            "Set AUTH_MODE=jwt, and the login service's key, when the trial is over.",
        )
    elif not variables.get("JWT_AUDIENCE", "").strip(" ,") and not variables.get("JWT_ISSUERS"):
        yield Caution(
            "JWT_AUDIENCE is not set: a user's token that names an audience (aud) is refused, and one that "
            "names none counts, whatever service it was issued for",
            "Set it to what your tokens name in aud, or in the claim of JWT_AUDIENCE_CLAIM; "
            "python -m local token explain shows it.",
        )


def about_the_store(variables: Mapping[str, str]) -> Iterator[Caution]:
    """Yield warnings about who else could read or write the store, as far as its URL shows."""
    try:
        url = urlsplit(variables.get("REDIS_URL", ""))
        network = _network_of(url)
    except ValueError:
        # A fault of the settings, and told as such.
        return
    if network == "this machine" or not url.scheme.startswith("redis"):
        return
    if not url.scheme.startswith("rediss") and network != "private":
        yield Caution(
            "REDIS_URL is not encrypted, and its host is no private address",
            "Write rediss:// if the store speaks TLS, or use its address in a private network that is yours.",
        )
    if not url.password:
        yield Caution(
            "REDIS_URL has no password: whoever reaches the store can make up uploads and events",
            "Give it a user with the rights in docs/security.md, and that user's password.",
        )


def _network_of(url: SplitResult) -> str:
    host = url.hostname or "localhost"
    if host == "localhost":
        return "this machine"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    return "this machine" if address.is_loopback else "private" if address.is_private else "public"
