"""Parsers and checks of single settings, and the rule that no key serves two purposes.

No message repeats any part of a value.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

from shared.domain.policy import DEFAULT_POLICY, Policy
from shared.field_types import AfterValidator, BeforeValidator, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MIN_KEY_LENGTH = 32
"""192 bits, if the characters are random ones of the 64 of Base64."""
_LEAST_RSA_BITS = 2048
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----")
_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the prefix that Standard Webhooks gives to secrets
_WEBHOOK_SECRET_BYTES = range(24, 65)


def _split(value: object) -> object:
    """Read a comma-separated list; blanks around the entries do not count."""
    return (
        tuple(entry.strip() for entry in value.split(",") if entry.strip())
        if isinstance(value, str)
        else value
    )


def _read_policies(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON") from None


def _check_default_policy(policies: dict[str, Policy]) -> dict[str, Policy]:
    if DEFAULT_POLICY not in policies:
        raise ValueError(f"needs a policy named {DEFAULT_POLICY!r}")
    return policies


def _read_public_keys(value: object) -> object:
    """Split concatenated PEM texts, whose line breaks may be escaped."""
    if not isinstance(value, str):
        return value
    text = value.replace("\\n", "\n")
    keys = tuple(_PEM.findall(text))
    if not keys or _PEM.sub("", text).strip():
        raise ValueError("is not a readable public key in PEM")
    return tuple(_check_public_key(key) for key in keys)


def _check_public_key(value: str) -> str:
    # Only a deployment that sets such a key pays for these imports.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 -- see above
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 -- see above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 -- see above

    try:
        key = load_pem_public_key(value.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a readable public key in PEM") from None
    strong_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS
    p_256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not strong_rsa and not p_256:
        raise ValueError("must be an RSA key of at least 2048 bits (RS256) or a P-256 key (ES256)")
    return value


def _none_if_off(value: object) -> object:
    return None if value == "off" else value


def _read_webhook_secret(value: str) -> bytes:
    try:
        key = base64.b64decode(value.removeprefix(_WEBHOOK_SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not value.startswith(_WEBHOOK_SECRET_PREFIX) or len(key) not in _WEBHOOK_SECRET_BYTES:
        raise ValueError("must be whsec_ followed by the Base64 of 24 to 64 bytes")
    return key


def _check_http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_readable:
        raise ValueError("must be an http or https URL")
    if parts.username is not None or parts.fragment:
        raise ValueError("must have no user name and no fragment")
    return value


def _check_jwks_url(value: str) -> str:
    parts = urlsplit(_check_http_url(value))
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_HOSTS:
        raise ValueError("must be an https URL, because who can change the keys can be any user")
    return value


def _check_redis_url(value: str) -> str:
    try:
        urlsplit(value).port  # noqa: B018 -- it is read on demand, and then it complains
    except ValueError:
        raise ValueError("is not a URL") from None
    return value


_Key = Annotated[str, StringConstraints(min_length=MIN_KEY_LENGTH)]
_Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/*\s]+$")]
_CallbackToken = Annotated[
    str, StringConstraints(min_length=MIN_KEY_LENGTH, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")
]
_WebhookSecret = Annotated[bytes, BeforeValidator(lambda value: _read_webhook_secret(str(value)))]

RedisUrl = Annotated[
    str, StringConstraints(pattern=r"^(rediss?(\+cluster)?|unix)://"), AfterValidator(_check_redis_url)
]
HttpUrl = Annotated[str, AfterValidator(_check_http_url)]
HttpUrlOrOff = Annotated[HttpUrl | None, BeforeValidator(_none_if_off)]
JwksUrl = Annotated[str, AfterValidator(_check_jwks_url)]
PublicKeys = Annotated[tuple[str, ...], BeforeValidator(_read_public_keys)]
Keys = Annotated[tuple[_Key, ...], BeforeValidator(_split)]
Origins = Annotated[tuple[_Origin, ...], BeforeValidator(_split)]
CallbackTokens = Annotated[tuple[_CallbackToken, ...], BeforeValidator(_split)]
WebhookSecrets = Annotated[tuple[_WebhookSecret, ...], BeforeValidator(_split)]
Policies = Annotated[
    dict[str, Policy], BeforeValidator(_read_policies), AfterValidator(_check_default_policy)
]


KEY_SETTINGS = (
    "VOD_SECRET_KEY",
    "CONTEXT_KEYS",
    "JWT_SECRETS",
    "ANONYMOUS_KEY",
    "CALLBACK_TOKENS",
    "VOD_CALLBACK_SIGN_KEY",
    "APP_WEBHOOK_SECRETS",
)
"""The settings that hold keys, lists of them in some; REDIS_URL has a password besides."""

_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the prefix that Standard Webhooks gives to secrets


def shared_keys(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Map each setting to one that contains the same key, for all that are set."""
    owners: dict[bytes, str] = {}
    for name in (*KEY_SETTINGS, "REDIS_URL"):
        others = sorted({owners.setdefault(key, name) for key in _keys_in(name, variables.get(name, ""))})
        yield from ((name, other) for other in others if other != name)


def _keys_in(name: str, text: str) -> Iterator[bytes]:
    entries = (_password_in(text),) if name == "REDIS_URL" else text.split(",")
    for entry in entries:
        if key := entry.strip():
            # The dictionary compares digests, so that its timing reveals nothing about the keys.
            yield hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
            if key.startswith(_WEBHOOK_SECRET_PREFIX):
                yield hashlib.sha256(_decoded(key.removeprefix(_WEBHOOK_SECRET_PREFIX))).digest()


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
