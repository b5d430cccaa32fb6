"""Parsers and checks of single values, which the models name and functions run.

They raise ValueError; no message repeats any part of a value.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from shared.domain.policy import DEFAULT_POLICY

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from pydantic import ValidationInfo

MIN_KEY_LENGTH = 32
"""192 bits, if the characters are random ones of the 64 of Base64."""
WEBHOOK_PORTS = (443, 8443)
"""The ports of HTTPS: no event is sent to what listens on another port."""
WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 -- the prefix that Standard Webhooks gives to secrets
_WEBHOOK_SECRET_BYTES = range(24, 65)
_MIN_RSA_BITS = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
BASE64_PREFIX = "base64:"
_MIN_HS256_BYTES = 32
_ORIGIN_SCHEMES = {"https": "443", "http": "80", "capacitor": "", "ionic": "", "tauri": ""}
"""The schemes of pages and of apps' web views, each with its default port."""
_MAX_PORT = 65_535
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----")
_Policies = TypeVar("_Policies", bound="dict[str, object]")


def split_list(value: object) -> object:
    """Split a comma-separated list; blanks around the entries do not count."""
    if not isinstance(value, str):
        return value
    return tuple(entry.strip() for entry in value.split(",") if entry.strip())


def require_entry(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Check that a list is not empty; one with a wrong entry is not reported as empty besides."""
    if not entries:
        raise ValueError("needs at least one entry")
    return entries


def parse_json(value: object) -> object:
    """Parse a text as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON") from None


def require_default_policy(policies: _Policies) -> _Policies:
    """Check that a request which names no policy gets one."""
    if DEFAULT_POLICY not in policies:
        raise ValueError(f"needs a policy named {DEFAULT_POLICY!r}")
    return policies


def require_limit(measure: str, info: ValidationInfo) -> str:
    """Check that a policy which forbids or deletes files has a limit that a file can exceed."""
    # A limit with a fault of its own is not in `info.data`, and was given all the same.
    limits = [info.data.get(name, "given") for name in ("file_types", "max_file_size", "max_duration")]
    if measure != "report" and not any(limits):
        raise ValueError("needs fileTypes, maxFileSize or maxDuration in the same policy")
    return measure


def check_jwt_secret(value: str) -> str:
    """Check that what follows `base64:` encodes at least 32 bytes, in either alphabet (RFC 7518, 3.2)."""
    if value.startswith(BASE64_PREFIX):
        text = value.removeprefix(BASE64_PREFIX).rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            key = b""
        if len(key) < _MIN_HS256_BYTES:
            raise ValueError("must be base64: followed by the Base64 of at least 32 bytes")
    return value


def parse_public_keys(value: object) -> object:
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
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa  # noqa: PLC0415 -- see above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 -- see above

    try:
        key = load_pem_public_key(value.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a readable public key in PEM") from None
    is_strong_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA_BITS
    is_on_curve = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES
    if not (
        is_strong_rsa or is_on_curve or isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey))
    ):
        raise ValueError(
            "must be an RSA key of at least 2048 bits, or one on P-256, P-384, P-521 or for EdDSA"
        )
    return value


def none_if_off(value: object) -> object:
    """Return None for the word `off`."""
    return None if value == "off" else value


def decode_webhook_secret(value: object) -> bytes:
    """Decode a secret as Standard Webhooks writes it: `whsec_` and Base64."""
    text = str(value)
    try:
        key = base64.b64decode(text.removeprefix(WEBHOOK_SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(WEBHOOK_SECRET_PREFIX) or len(key) not in _WEBHOOK_SECRET_BYTES:
        raise ValueError("must be whsec_ followed by the Base64 of 24 to 64 bytes")
    return key


def canonical_origin(value: str) -> str:
    """Return an origin as browsers write it in Origin (RFC 6454, section 6.2), with which it is compared."""
    scheme, separator, host = value.lower().removesuffix("/").partition("://")
    if not separator or scheme not in _ORIGIN_SCHEMES:
        raise ValueError("must have the scheme https, http, capacitor, ionic or tauri")
    name, port = host, ""
    if not host.endswith("]") and ":" in host:
        name, _, port = host.rpartition(":")
        if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _MAX_PORT):
            raise ValueError("must have a port from 1 to 65535, or none")
        port = str(int(port))
    if name.startswith("["):
        name = _canonical_address(name)
    elif not name.isascii() or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ValueError("must be scheme://host or scheme://host:port, a host in another script as xn--…")
    return f"{scheme}://{name}" + (f":{port}" if port and port != _ORIGIN_SCHEMES[scheme] else "")


def _canonical_address(bracketed: str) -> str:
    from ipaddress import IPv6Address  # noqa: PLC0415 -- few origins are such an address

    try:
        return f"[{IPv6Address(bracketed.removeprefix('[').removesuffix(']'))}]"
    except ValueError:
        raise ValueError("has no readable IPv6 address") from None


def check_http_url(value: str) -> str:
    """Check the parts of an http or https URL; the port, if any, must be possible."""
    # RFC 3986 allows nothing else, and programs differ in how they encode a name (IDNA).
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be ASCII without blanks: percent-encode the path, write the host as xn--…")
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


def check_jwks_url(value: str) -> str:
    """Check that the key set comes encrypted, or from this machine."""
    parts = urlsplit(check_http_url(value))
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_HOSTS:
        raise ValueError("must be an https URL, because who can change the keys can be any user")
    return value


def check_redis_url(value: str) -> str:
    """Check that host, user name, password and database can be read in one way only."""
    url = _readable_redis_url(value)
    if url is None:
        raise ValueError(
            "is not a URL: within user name and password / ? # [ ] @ and % are written "
            "%2F %3F %23 %5B %5D %40 and %25"
        )
    if url.username and url.password is None:
        raise ValueError("has a user name alone: write user:password@, or :password@ for a password alone")
    if url.scheme != "unix" and not (url.hostname and url.hostname.isascii()):
        raise ValueError("must name a host in ASCII")
    databases = parse_qs(url.query).get("db", ["" if url.scheme == "unix" else url.path.strip("/")])
    if not all(database.isascii() and database.isdigit() for database in databases if database):
        raise ValueError("must name the database by its number")
    return value


def _readable_redis_url(value: str) -> SplitResult | None:
    """Split the URL; None if a part of its password may have been read as another part."""
    try:
        url = urlsplit(value)
        account = url.netloc.rpartition("@")[0]
        unquote(account, errors="strict")
        url.port  # noqa: B018 -- the property parses it, and raises
    except ValueError:
        return None
    is_cut = "@" in url.path + url.query or bool(url.fragment)
    escapes = [part[:2] for part in account.split("%")[1:]]
    return None if is_cut or not all(map(_is_hexadecimal, escapes)) else url


def _is_hexadecimal(text: str) -> bool:
    return len(text) == len("2F") and all(character in "0123456789abcdefABCDEF" for character in text)


def require_anonymous_key(key: str | None, info: ValidationInfo) -> str | None:
    """Check ANONYMOUS_KEY together with AUTH_MODE."""
    if key is None and info.data.get("auth_mode") == "anonymous":
        raise ValueError("needed with AUTH_MODE=anonymous, to name callers by their networks")
    return key


def require_consent_in_cloud(consent: str | None, info: ValidationInfo) -> str | None:
    """Check ANONYMOUS_IN_CLOUD together with AUTH_MODE and what the platform sets."""
    in_cloud = info.data.get("run_environment") or info.data.get("function_name")
    if consent is None and in_cloud and info.data.get("auth_mode") == "anonymous":
        raise ValueError("AUTH_MODE=anonymous counts in the cloud only if this says anybody-may-upload")
    return consent


def require_one_key_source(url: str | None, info: ValidationInfo) -> str | None:
    """Check that exactly one kind of key verifies tokens."""
    if info.data.get("auth_mode", "jwt") == "anonymous":
        return url
    # A key with a fault of its own is not in `info.data`, and was given all the same.
    others = [info.data.get(name, "given") for name in ("jwt_secrets", "jwt_public_keys", "jwt_issuers")]
    if [bool(key) for key in (*others, url)].count(True) != 1:
        raise ValueError("set exactly one of JWT_SECRETS, JWT_PUBLIC_KEY, JWT_JWKS_URL and JWT_ISSUERS")
    return url


def require_claim_name(value: str) -> str:
    """Check that a claim has a name: `:number` alone is none."""
    if value.startswith(":"):
        raise ValueError("must begin with the name of a claim")
    return value


def require_audience(claim: str, info: ValidationInfo) -> str:
    """Check that there is an audience to look for in another claim than `aud`."""
    if claim != "aud" and not info.data.get("jwt_audience"):
        raise ValueError("needs JWT_AUDIENCE: the values that this claim may have")
    return claim


def require_credentials(key: str | None, info: ValidationInfo) -> str | None:
    """Check that the role or the long-term key pair is there, and whole."""
    role = [info.data.get(f"role_{name}") for name in ("secret_id", "secret_key", "session_token")]
    if not all(role) and not (info.data.get("long_term_secret_id") and key):
        raise ValueError("the server API needs an execution role, or VOD_SECRET_ID and VOD_SECRET_KEY")
    return key


def require_public_address(url: str | None, info: ValidationInfo) -> str | None:
    """Check that the app's events go to the public Internet, unless APP_WEBHOOK_ALLOW_INSECURE is set."""
    if url is None or info.data.get("app_webhook_allow_insecure", False):
        return url
    from shared.addresses import is_public_host  # noqa: PLC0415 -- only a function that sends events pays

    parts = urlsplit(url)
    if parts.scheme != "https":
        raise ValueError("must be an https URL")
    if parts.port not in (None, *WEBHOOK_PORTS):
        raise ValueError("must have no port, or 443 or 8443")
    if not is_public_host(str(parts.hostname)):
        raise ValueError("must name a host of the open Internet, by its full name or a public address")
    return url


def require_webhook_secrets(secrets: tuple[bytes, ...], info: ValidationInfo) -> tuple[bytes, ...]:
    """Check that there is a secret where there is an address, and none beside several endpoints."""
    if secrets and info.data.get("app_webhooks"):
        raise ValueError("must not be set beside APP_WEBHOOKS: each endpoint has its own")
    if not secrets and info.data.get("app_webhook_url") is not None:
        raise ValueError("needed to sign what goes to APP_WEBHOOK_URL")
    return secrets


def require_one_form_of_webhook(webhooks: tuple[object, ...], info: ValidationInfo) -> tuple[object, ...]:
    """Check that several endpoints are not set beside the single one."""
    if webhooks and info.data.get("app_webhook_url"):
        raise ValueError("set APP_WEBHOOK_URL to off: each endpoint has its own")
    return webhooks
