"""`.env.example`, filled in for a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "canary-of-a-secret-that-nobody-may-see"
VALUES = {
    "VOD_SECRET_ID": "AKIDcanaryOfTheChecks",
    "VOD_SECRET_KEY": f"{SECRET}-1",
    "UPLOAD_POLICIES": '{"default": {"client": "web", "storageRegions": ["ap-seoul"]}}',
    "CONTEXT_KEYS": f"{SECRET}-2",
    "JWT_SECRETS": f"{SECRET}-3",
    "JWT_AUDIENCE": "uploads",
    "CALLBACK_TOKENS": f"{SECRET}-4",
    "APP_WEBHOOK_URL": "https://app.example.test/events",
    "APP_WEBHOOK_SECRETS": "whsec_" + "c2VjcmV0" * 4,
    "REDIS_URL": f"redis://:{SECRET}@10.0.0.1:6379",
    "DEPLOY_REGION": "ap-singapore",
    "DEPLOY_ROLE_EVENT_NOTIFICATION": "vod-upload-event-notification",
    "DEPLOY_ROLE_RELIABLE_NOTIFICATION": "vod-upload-reliable-notification",
    "DEPLOY_ROLE_EVENT_DELIVERY": "vod-upload-event-delivery",
    "DEPLOY_VPC_ID": "vpc-1a2b3c4d",
    "DEPLOY_SUBNET_ID": "subnet-1a2b3c4d",
    "DEPLOY_CLS_LOGSET_ID": "5cd3a17e-fb0b-418c-afd7-77b365397426",
    "DEPLOY_CLS_TOPIC_ID": "5cd3a17e-fb0b-418c-afd7-77b365397427",
}
EXAMPLE = (REPOSITORY / ".env.example").read_text(encoding="utf-8")


def filled_example(changes: Mapping[str, str | None]) -> str:
    """Return the example filled in, with some values changed or, by None, their lines removed."""
    values: dict[str, str | None] = {**VALUES, **changes}
    lines = []
    for line in EXAMPLE.splitlines():
        name, assigns, _ = line.partition("=")
        if line.startswith("#") or not assigns:
            lines.append(line)
        elif (value := values.get(name, "")) is not None:
            lines.append(f"{name}={value}")
    return "\n".join(lines)
