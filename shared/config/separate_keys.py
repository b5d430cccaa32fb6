"""The rule that no key serves two purposes: whoever learns one must not hold another."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from shared.schema.values import WEBHOOK_SECRET_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY_SETTINGS = (
    "VOD_SECRET_KEY",
    "CONTEXT_KEYS",
    "JWT_SECRETS",
    "ANONYMOUS_KEY",
    "HEALTH_TOKEN",
    "CALLBACK_TOKENS",
    "VOD_CALLBACK_SIGN_KEY",
    "APP_WEBHOOK_SECRETS",
    "APP_WEBHOOKS",
)
"""The settings that hold keys, lists of them in some; REDIS_URL has a password besides."""


def shared_keys(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Map each setting to one that contains the same key, for all that are set."""
    owners: dict[bytes, str] = {}
    for name in (*KEY_SETTINGS, "REDIS_URL"):
        others = sorted({owners.setdefault(key, name) for key in _keys_in(name, variables.get(name, ""))})
        yield from ((name, other) for other in others if other != name)


def _keys_in(name: str, text: str) -> Iterator[bytes]:
    # The texts of JSON are between quotation marks.
    listed = text.replace('"', ",") if name == "APP_WEBHOOKS" else text
    entries = (_password_in(text),) if name == "REDIS_URL" else listed.split(",")
    for entry in entries:
        if key := entry.strip():
            # The dictionary compares digests, so that its timing reveals nothing about the keys.
            yield hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
            if key.startswith(WEBHOOK_SECRET_PREFIX):
                yield hashlib.sha256(_decoded(key.removeprefix(WEBHOOK_SECRET_PREFIX))).digest()


def _password_in(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def _decoded(text: str) -> bytes:
    """Decode the Base64 of a webhook secret, which could be another setting's key."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return text.encode("utf-8", "surrogatepass")
