"""The deployment under examination: its environment variables and what the operator expects of VOD.

`local.doctor.sources` reads the variables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Origin = Literal["file", "environment", "local stack"]
Mode = Literal["PUSH", "PULL"]
MOST_INSTANCES = 500
"""Of 256 MB, in the account's 128,000 MB of a large region (doc 583/11637)."""


@dataclass(frozen=True)
class Deployment:
    """One deployment and the VOD configuration that the operator expects.

    `mode` and `callback_url` are what VOD should be set to; None: not specified. `callback_url` may omit the
    token at its end, to keep the token off the command line. `signature_url` and `status_url` are of the two
    other functions. `token` is a user's. `instances` may run at once. `probe` allows checks that leave
    traces: an event to the callback URL, and two to the app. `ambient` names variables of the examining
    process that are not the deployment's own.
    """

    environment: Mapping[str, str] = field(repr=False)
    origin: Origin
    mode: Mode | None = None
    callback_url: str | None = field(default=None, repr=False)
    signature_url: str | None = None
    status_url: str | None = None
    token: str | None = field(default=None, repr=False)
    instances: int = MOST_INSTANCES
    probe: bool = False
    ambient: frozenset[str] = frozenset()


def with_token(callback_url: str, tokens: Sequence[str]) -> str:
    """Return the callback URL ending in a valid token; the newest is added if it has none."""
    url = callback_url.rstrip("/")
    return url if token_of(url, tokens) else f"{url}/{tokens[0]}"


def without_token(callback_url: str) -> str:
    """Return the URL without its last path segment."""
    return callback_url.rpartition("/")[0]


def token_of(callback_url: str, tokens: Sequence[str]) -> str | None:
    """Return the valid token that a URL ends in, or None."""
    last = callback_url.rpartition("/")[2]
    return next((token for token in tokens if token == last), None)


def shown_url(callback_url: str, tokens: Sequence[str]) -> str:
    """Format a callback URL without its token.

    Of a URL that ends in none of `tokens` no path is shown, since it may be secret.
    """
    if not callback_url:
        return "(none)"
    try:
        parts = urlsplit(callback_url)
        place = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return "(unreadable)"
    token = token_of(callback_url, tokens)
    if token is None:
        return place + "/..."
    which = "newest" if token == tokens[0] else "older"
    return f"{place}{without_token(parts.path)}/[{which} token]"
