"""The local stack's configuration of the functions: demo secrets, policies and addresses.

The secrets are random, kept in the stack's folder and valid nowhere else.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt

from local.stack.certificates import DamagedFileError, write_private
from shared.http.hs256 import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STORAGE_REGIONS = ("ap-singapore", "ap-seoul", "ap-chongqing")
VOD_API_HOST = "vod.tencentcloudapi.com"
VOD_CONTROL_HOSTS = ("vod2.qcloud.com", "vod2.dnsv1.com", "vodreport.qcloud.com", VOD_API_HOST)
STORAGE_SUFFIXES = ("myqcloud.com", "tencentcos.cn")
APP_HOST = "upload.test"
"""The name of the stack itself for phones, which leave a proxy out for 127.0.0.1."""
RECEIVER = "local-stack"
"""The name of the stack's own receiver among the endpoints of APP_WEBHOOKS."""
DEMO_PROCEDURE = "LongVideoPreset"
DEMO_AUDIENCE = "vod-upload-functions"

POLICIES: Mapping[str, Mapping[str, object]] = {
    "default": {"storageRegions": list(STORAGE_REGIONS)},
    "course": {"procedures": [DEMO_PROCEDURE], "taskNotifyMode": "Change"},
    "reusable": {"oneTime": False},
    "strict": {"fileTypes": ["mp4"], "maxFileSize": 10 * 1024 * 1024, "storageRegions": ["ap-seoul"]},
    "mobile": {"client": "mobile", "ttlSeconds": 43_200},
}

_OWN_HOST = re.compile(
    r"(([a-z0-9-]+\.)*(localhost|test|internal)|[0-9.]+|\[[0-9a-f:.]+\])?(:[0-9]+)?", re.IGNORECASE
)
"""An address, or a name below a domain that nobody can register, such as host.docker.internal."""
_USER = re.compile(r"[a-z0-9_.-]{1,64}")
_SECRETS_FILE = "demo-secrets.json"


@dataclass(frozen=True)
class LocalAddresses:
    """Where the parts of the stack listen: `url` and `tls_url` without a slash at the end."""

    url: str
    tls_url: str
    redis_url: str


def demo_environment(folder: Path, addresses: LocalAddresses) -> dict[str, str]:
    """Return every environment variable that the functions read."""
    return {
        **_kept_secrets(folder / _SECRETS_FILE),
        "VOD_API_URL": addresses.url,
        "INVOKE_API_URL": addresses.url,
        "REDIS_URL": addresses.redis_url,
        "JWT_AUDIENCE": DEMO_AUDIENCE,
        "UPLOAD_POLICIES": json.dumps(POLICIES, separators=(",", ":")),
        "COVER_CHANGES": "on",
        "APP_WEBHOOK_URL": f"{addresses.url}/local/receiver",
        "APP_WEBHOOK_ALLOW_INSECURE": "1",
        "STAGE": "local",
    }


def with_receiver(environment: Mapping[str, str]) -> dict[str, str]:
    """Add the stack's own receiver, which takes every event, to the endpoints of APP_WEBHOOKS, if it is set.

    An endpoint without secrets has those of the receiver.
    """
    entries = json.loads(environment.get("APP_WEBHOOKS") or "[]")
    if not entries or not isinstance(entries, list):
        return dict(environment)
    secrets_of = {"secrets": receiver_secrets(environment)}
    own = {"name": RECEIVER, "url": environment["APP_WEBHOOK_URL"], **secrets_of}
    theirs = [{**secrets_of, **entry} if isinstance(entry, dict) else entry for entry in entries]
    single = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": ""}
    return {**environment, "APP_WEBHOOKS": json.dumps([*theirs, own]), **single}


def receiver_secrets(environment: Mapping[str, str]) -> list[str]:
    """Return the secrets of the stack's own receiver, the newest first."""
    if environment["APP_WEBHOOK_SECRETS"]:
        return environment["APP_WEBHOOK_SECRETS"].split(",")
    secrets: list[str] = json.loads(environment["APP_WEBHOOKS"])[-1]["secrets"]
    return secrets


def local_info(
    addresses: LocalAddresses,
    environment: Mapping[str, str],
    *,
    ca_file: Path,
    callback_url: str | None,
    embedded: bool,
) -> dict[str, object]:
    """Return what GET /local/info shows; a storage host is one of `vodHosts` or a subdomain of one."""
    policies = json.loads(environment["UPLOAD_POLICIES"])
    storage = [f"cos.{region}.{suffix}" for region in STORAGE_REGIONS for suffix in STORAGE_SUFFIXES]
    return {
        "url": addresses.url,
        "tlsUrl": addresses.tls_url,
        "tlsPort": int(addresses.tls_url.rpartition(":")[2]),
        "folder": str(ca_file.parent),
        "caFile": str(ca_file),
        "callbackUrl": callback_url,
        "policies": list(policies),
        "policyDetails": policies,
        "vodHosts": [*VOD_CONTROL_HOSTS, *storage],
        "redis": "embedded" if embedded else "external",
    }


def user_token(environment: Mapping[str, str], *, user: str, ttl_seconds: int) -> str:
    """Sign a token for a demo user, as the app's own login service would.

    Raises:
        ValueError: the user name or the time to live is out of range; the message says which.

    """
    if not _USER.fullmatch(user):
        raise ValueError("user: 1 to 64 characters out of a-z 0-9 _ . -")
    if not -86_400 <= ttl_seconds <= 86_400:  # noqa: PLR2004  # one day; below zero is for expired tokens
        raise ValueError("ttl: seconds, at most one day")
    if not environment["JWT_SECRETS"]:
        raise ValueError("your own login makes the tokens, because its keys were given")
    now = int(time.time())
    user_claim = (environment.get("JWT_USER_CLAIM") or "sub").removesuffix(":number")
    claims: dict[str, object] = {user_claim: user, "iat": now + min(0, ttl_seconds), "exp": now + ttl_seconds}
    if environment.get("JWT_ISSUER"):
        claims["iss"] = environment["JWT_ISSUER"]
    if environment.get("JWT_AUDIENCE"):
        claims[environment.get("JWT_AUDIENCE_CLAIM") or "aud"] = first_of(environment["JWT_AUDIENCE"])
    return jwt.encode(claims, key_of(first_of(environment["JWT_SECRETS"])), algorithm="HS256")


def first_of(value: str) -> str:
    """Return the newest entry of a comma separated setting."""
    return value.partition(",")[0].strip()


def tls_hosts() -> list[str]:
    """Return every name that the TLS port's certificate covers."""
    storage = [
        f"{prefix}cos.{region}.{suffix}"
        for region in STORAGE_REGIONS
        for suffix in STORAGE_SUFFIXES
        for prefix in ("", "*.")
    ]
    return ["localhost", "127.0.0.1", APP_HOST, *VOD_CONTROL_HOSTS, *storage]


def is_own_host(host: str) -> bool:
    """Return whether a Host header names this machine, by an address or a name that no web site can have.

    The name of a site can be made to lead to 127.0.0.1 (DNS rebinding), and its pages could then read tokens.
    """
    return _OWN_HOST.fullmatch(host) is not None


def is_vod_host(host: str) -> bool:
    """Return whether a Host header, with or without a port, names a part of VOD or its storage."""
    name = host.partition(":")[0].lower().rstrip(".")
    return name in VOD_CONTROL_HOSTS or name.endswith(tuple(f".{suffix}" for suffix in STORAGE_SUFFIXES))


def _kept_secrets(path: Path) -> dict[str, str]:
    made = {
        "VOD_SECRET_ID": "AKIDlocal" + secrets.token_hex(12),
        "VOD_SECRET_KEY": secrets.token_hex(16),
        "CONTEXT_KEYS": secrets.token_urlsafe(32),
        "JWT_SECRETS": secrets.token_urlsafe(48),
        "CALLBACK_TOKENS": secrets.token_urlsafe(24),
        "HEALTH_TOKEN": secrets.token_urlsafe(24),
        "APP_WEBHOOK_SECRETS": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    try:
        kept = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise DamagedFileError(path)
    if not kept.keys() >= made.keys():
        kept = {**made, **kept}
        write_private(path, json.dumps(kept, indent=1).encode())
    return {name: str(kept[name]) for name in made}
