"""A value for every secret setting that can be recognized wherever it appears, and in any encoding.

Which settings are secret is declared in `shared.schema.models.settings`: those that no model shows.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.schema.models import settings as models

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STRETCH = 12
"""How many consecutive characters of a canary count as a leak."""


def _canary(name: str, length: int = 40) -> str:
    """Return letters and digits that appear nowhere else."""
    return hashlib.sha256(f"canary of {name}".encode()).hexdigest().translate(_LETTERS)[:length]


_LETTERS = str.maketrans("0123456789abcdef", "Zq7WxKj4VyRh9BmG")

STORE_PASSWORD = _canary("store")
CANARIES: dict[str, tuple[str, ...]] = {
    "REDIS_URL": (STORE_PASSWORD,),
    "JWT_SECRETS": (_canary("jwt"), _canary("older jwt")),
    "JWT_ISSUERS": (_canary("issuers"),),
    "ANONYMOUS_KEY": (_canary("anonymous"),),
    "HEALTH_TOKEN": (_canary("health"),),
    "CONTEXT_KEYS": (_canary("context"), _canary("older context")),
    "VOD_SECRET_ID": ("AKID" + _canary("id", 28),),
    "VOD_SECRET_KEY": (_canary("key", 32),),
    "CALLBACK_TOKENS": (_canary("callback"), _canary("older callback")),
    "VOD_CALLBACK_SIGN_KEY": (_canary("sign", 32),),
    "TENCENTCLOUD_SECRETID": ("AKID" + _canary("role's id", 32),),
    "TENCENTCLOUD_SECRETKEY": (_canary("role's key", 32),),
    "TENCENTCLOUD_SESSIONTOKEN": (_canary("role's token", 60),),
    "APP_WEBHOOKS": (_canary("endpoints"),),
    "APP_WEBHOOK_SECRETS": tuple(
        f"whsec_{base64.b64encode(_canary(name, 36).encode()).decode()}" for name in ("hook", "older hook")
    ),
}
"""Variable -> the secrets in it; of the store's address the secret is its password."""


def secret_variables() -> set[str]:
    """Return every variable whose value the settings never show."""
    groups = [kind for kind in vars(models).values() if isinstance(kind, type)]
    return {
        str(field.alias)
        for kind in groups
        if issubclass(kind, models.SettingsGroup)
        for field in kind.model_fields.values()
        if not field.repr
    }


def canary_environment(redis_url: str) -> dict[str, str]:
    """Return the canaries as the functions' variables, but for the lists that exclude other secrets."""
    lists = ("JWT_ISSUERS", "APP_WEBHOOKS")
    given = {name: ",".join(secrets) for name, secrets in CANARIES.items() if name not in lists}
    return {**given, "REDIS_URL": redis_url}


def found(text: str, secrets: Iterable[str]) -> list[str]:
    """Return the forms in which a part of one of the secrets appears in the text."""
    lowered = text.lower()
    return [form for secret in secrets for form in forms(secret) if form.lower() in lowered]


def forms(secret: str) -> Iterator[str]:
    """Yield every stretch of a secret plainly and in hex, and all of it as JSON, in URLs and in Base64."""
    plain = [secret]
    if secret.startswith("whsec_"):
        plain = [secret.removeprefix("whsec_"), base64.b64decode(secret.removeprefix("whsec_")).decode()]
    for text in plain:
        for start in range(len(text) - STRETCH + 1):
            yield text[start : start + STRETCH]
            yield text[start : start + STRETCH].encode().hex()
        yield json.dumps(text)[1:-1]
        yield "".join(f"%{byte:02x}" for byte in text.encode())
        yield quote(text, safe="")
        yield from _base64_forms(text.encode())


def _base64_forms(content: bytes) -> Iterator[str]:
    """Yield the Base64 at each of the three alignments, without the ends, which mix with other bytes."""
    for before in range(3):
        inside = base64.b64encode(b"\0" * before + content).decode()[4 if before else 0 :]
        whole = inside[: len(inside) // 4 * 4 - 4]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))
