"""Which settings each function reads: what it is deployed with, and what its package may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.config import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS: Mapping[str, type[settings.SettingsGroup]] = {
    "upload_signature": settings.UploadSignatureSettings,
    "upload_status": settings.UploadStatusSettings,
    "event_notification": settings.EventNotificationSettings,
    "reliable_notification": settings.ReliableNotificationSettings,
    "event_delivery": settings.EventDeliverySettings,
}
ROLE_VARIABLES = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
"""Variables that the platform sets for a function with an execution role."""
CLOUD_VARIABLES = {"TENCENTCLOUD_RUNENV": "SCF"}
"""The variable by which a function recognizes that it runs in the cloud."""
SIGNING_PAIR = frozenset({"VOD_SECRET_ID", "VOD_SECRET_KEY"})
DEVELOPER_ONLY = "APP_WEBHOOK_ALLOW_INSECURE"
_SET_BY_SCF = frozenset({*ROLE_VARIABLES, *CLOUD_VARIABLES, "SCF_FUNCTIONNAME"})


def calls_the_vod_api(function: str) -> bool:
    """Return whether a function calls the VOD API, and so has a role."""
    return settings.variables_of(SETTINGS[function]) >= frozenset(ROLE_VARIABLES)


def deployed_settings(function: str) -> frozenset[str]:
    """Return the settings that a function is deployed with; one with a role gets no signing key pair."""
    pair = SIGNING_PAIR if calls_the_vod_api(function) else frozenset()
    return settings.variables_of(SETTINGS[function]) - _SET_BY_SCF - {DEVELOPER_ONLY} - pair


def reads_file(function: str, name: str) -> bool:
    """Return whether a file of `settings/` is for this function: its name is a setting's, up to a dot."""
    return name.partition(".")[0].upper() in deployed_settings(function)
