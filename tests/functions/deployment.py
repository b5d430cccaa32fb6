"""A deployment for tests: its environment variables, its users' tokens, its cached state.

Only the secrets are invented: words that can be searched for.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import jwt

from shared.config.settings import (
    EventDeliverySettings,
    EventNotificationSettings,
    ReliableNotificationSettings,
    UploadSignatureSettings,
    variables_of,
)
from shared.runtime import bootstrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

SECRET_ID = "AKIDcanaryOfTheTests0000"
SECRET_KEY = "canary-of-the-secret-key-0000001"
CONTEXT_KEY = "canary-of-the-context-key-newest-one"
OLD_CONTEXT_KEY = "canary-of-the-context-key-oldest-one"
JWT_SECRET = "canary-of-the-jwt-secret-newest-one"
OLD_JWT_SECRET = "canary-of-the-jwt-secret-oldest-one"
CALLBACK_TOKEN = "canary-of-the-callback-token-0001"
WEBHOOK_SECRET = "whsec_Y2FuYXJ5LW9mLXRoZS13ZWJob29rLXNlY3JldC0wMDE="
ORIGIN = "https://app.example.test"
VARIABLES = variables_of(UploadSignatureSettings) | variables_of(EventNotificationSettings)
VARIABLES |= variables_of(ReliableNotificationSettings) | variables_of(EventDeliverySettings)
"""Every variable that the functions read."""

POLICIES = {
    "default": {"storageRegions": ["ap-seoul", "ap-singapore"], "classIds": [0, 7011]},
    "course": {"procedures": ["LongVideoPreset", "Short"], "taskPriority": 5, "taskNotifyMode": "Change"},
    "quiet": {"procedures": ["LongVideoPreset"], "taskNotifyMode": "None"},
    "reusable": {"oneTime": False, "ttlSeconds": 1200, "vodSubAppId": 1500099999},
    "strict": {"fileTypes": ["mp4", "mov"], "maxFileSize": 1000},
}

WITH_TINY = json.dumps({**POLICIES, "tiny": {"maxFileSize": 1, "onViolation": "forbid"}})
"""The same, and one that forbids files; the release before this one does not read it."""


def environment(redis_url: str, **changes: str) -> dict[str, str]:
    """Return every variable that the HTTP functions read; an empty text removes one."""
    variables = {
        "REDIS_URL": redis_url,
        "STAGE": "test",
        "VOD_SECRET_ID": SECRET_ID,
        "VOD_SECRET_KEY": SECRET_KEY,
        "UPLOAD_POLICIES": json.dumps(POLICIES),
        "CONTEXT_KEYS": f"{CONTEXT_KEY},{OLD_CONTEXT_KEY}",
        "JWT_SECRETS": f"{JWT_SECRET},{OLD_JWT_SECRET}",
        "CALLBACK_TOKENS": CALLBACK_TOKEN,
        "READ_BACK": "off",
        "APP_WEBHOOK_URL": "off",
        "CORS_ORIGINS": f"{ORIGIN}, https://second.example.test",
        "NEW_UPLOADS_PER_MINUTE": "100000",
        "RENEWALS_PER_MINUTE": "100000",
        "NETWORK_UPLOADS_PER_MINUTE": "0",
        "OPEN_UPLOADS": "0",
        "NEW_UPLOADS_PER_DAY": "0",
        **changes,
    }
    return {name: value for name, value in variables.items() if value}


def services_of(vod_url: str, webhook_url: str) -> dict[str, str]:
    """Create the variables for a simulated account of VOD and an app on this machine."""
    return {
        "VOD_SECRET_ID": "AKIDsimulated00000000000000000000000",
        "VOD_SECRET_KEY": "simulated-secret-key",
        "VOD_API_URL": vod_url,
        "APP_WEBHOOK_URL": webhook_url,
        "APP_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "APP_WEBHOOK_ALLOW_INSECURE": "1",
    }


def user_token(user: str = "alice", *, secret: str = JWT_SECRET, **claims: object) -> str:
    """Sign a token that is valid for a minute, as the app's login service would."""
    return jwt.encode({"sub": user, "exp": int(time.time()) + 60, **claims}, secret, algorithm="HS256")


def deploy_here(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy in this process: its next call is a cold start with these variables."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    start_anew()


def start_anew() -> None:
    """Clear everything a process caches: the next call is a cold start."""
    for built in vars(bootstrap).values():
        if hasattr(built, "cache_clear") and not isinstance(built, type):
            built.cache_clear()
