"""What is examined: the variables of one deployment, and what the person who asks says about it.

Where the variables come from is left to `local.doctor.sources`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Origin = Literal["file", "environment", "local stack"]
Mode = Literal["PUSH", "PULL"]


@dataclass(frozen=True)
class Deployment:
    """One deployment; `mode` and `callback_url` are what VOD should be set to, None: nothing was said.

    `callback_url` may lack the token at its end, so that nobody has to write one on a command line.
    `probe` allows what leaves traces: an event to the callback URL, and two to the app. `ambient` names
    the variables that are not the deployment's own, but of the process that examines it.
    """

    environment: Mapping[str, str] = field(repr=False)
    origin: Origin
    mode: Mode | None = None
    callback_url: str | None = field(default=None, repr=False)
    probe: bool = False
    ambient: frozenset[str] = frozenset()


def with_token(callback_url: str, tokens: Sequence[str]) -> str:
    """Complete a callback URL with the newest token, unless it ends in a valid one."""
    url = callback_url.rstrip("/")
    return url if token_of(url, tokens) else f"{url}/{tokens[0]}"


def without_token(callback_url: str) -> str:
    """Cut off the last part of the path."""
    return callback_url.rpartition("/")[0]


def token_of(callback_url: str, tokens: Sequence[str]) -> str | None:
    """Tell in which of the valid tokens a URL ends; None: in none of them."""
    last = callback_url.rpartition("/")[2]
    return next((token for token in tokens if token == last), None)


def shown_url(callback_url: str, tokens: Sequence[str]) -> str:
    """Spell a callback URL without its token; of a foreign one no part of the path, which may be secret."""
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
