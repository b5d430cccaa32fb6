"""Faults that deployments have, seeded one at a time: each is reported with advice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.shared.loopback_peer import HOST

if TYPE_CHECKING:
    import redis

    from tests.local.doctor.patient import Patient

NOBODY = 1
"""A port on which nothing listens."""
TOO_LONG = json.dumps(
    {"default": {}, **{f"p{number}": {"fileTypes": ["t" * 16] * 4} for number in range(60)}}
)


@dataclass(frozen=True)
class Seeded:
    """One fault: what is configured wrong, the check that must find it, and words of its advice."""

    check: str
    advice: str
    settings: dict[str, str | None] = field(default_factory=dict)
    store: dict[str, str] = field(default_factory=dict)
    vod: dict[str, Any] = field(default_factory=dict)
    api: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


FAULTS = {
    "no store URL": Seeded("upload_signature", ".env.example explains each", settings={"REDIS_URL": None}),
    "short context key": Seeded(
        "upload_signature", ".env.example explains each", settings={"CONTEXT_KEYS": "short"}
    ),
    "policies that are no JSON": Seeded(
        "upload_signature", ".env.example explains each", settings={"UPLOAD_POLICIES": "{"}
    ),
    "no way to know users": Seeded(
        "upload_status", ".env.example explains each", settings={"JWT_SECRETS": ""}
    ),
    "webhook without secrets": Seeded(
        "event_delivery", ".env.example explains each", settings={"APP_WEBHOOK_SECRETS": ""}
    ),
    "environment over 4 KB": Seeded(
        "environment size",
        "shorten the policies",
        settings={"UPLOAD_POLICIES": TOO_LONG},
    ),
    "reserved name": Seeded(
        "variable names", "Remove them from the file", settings={"SCF_REGION": "ap-seoul"}
    ),
    "store that is down": Seeded(
        "reachable", "Does the store run", settings={"REDIS_URL": f"redis://{HOST}:{NOBODY}/0"}
    ),
    "store that may evict": Seeded(
        "eviction", "Set maxmemory-policy to noeviction", store={"maxmemory-policy": "allkeys-lru"}
    ),
    "store that keeps nothing": Seeded(
        "durability", "Set appendonly to yes", store={"appendonly": "no", "save": ""}
    ),
    "unknown signing pair": Seeded(
        "credentials", "take a pair of the console", settings={"VOD_SECRET_ID": "AKIDofNobodyAtAll"}
    ),
    "wrong key of the pair": Seeded(
        "credentials", "copy both anew", settings={"VOD_SECRET_KEY": "not-the-key-of-the-account"}
    ),
    "API that is down": Seeded(
        "credentials",
        "See whether VOD_API_URL is right",
        settings={"VOD_API_URL": f"http://{HOST}:{NOBODY}"},
    ),
    "missing right": Seeded(
        "rights",
        "Add them to the role of the function",
        api={"action": "SearchMedia", "code": "UnauthorizedOperation"},
    ),
    "sub-application of somebody else": Seeded(
        "sub-application",
        "Name applications of this account in VOD_SUB_APP_ID",
        settings={"VOD_SUB_APP_ID": "1500099999"},
    ),
    "region that VOD has not": Seeded(
        "storage regions",
        "Open the region in VOD's console",
        settings={"UPLOAD_POLICIES": '{"default": {"storageRegions": ["eu-nowhere"]}}'},
    ),
    "procedure that VOD has not": Seeded(
        "procedures",
        "Make a task-flow template of this name",
        settings={"UPLOAD_POLICIES": '{"default": {"procedures": ["NoSuchFlow"]}}'},
    ),
    "upload-complete switch off": Seeded(
        "upload-complete switch",
        "Turn UploadMediaCompleteEventSwitch on: --fix does it.",
        vod={"upload_complete": "OFF"},
    ),
    "no callback URL in VOD": Seeded(
        "callback URL in VOD", "Name it with --callback-url: --fix does it.", vod={"notification_url": ""}
    ),
    "callback URL of somebody else": Seeded(
        "callback URL in VOD",
        "Name the right one with --callback-url: --fix does it.",
        vod={"notification_url": "https://elsewhere.example.test/hook"},
    ),
    "pull where push is meant": Seeded(
        "mode", "Set Mode to PUSH: --fix does it.", vod={"mode": "PULL"}, words=("--mode", "push")
    ),
    "push where pull is meant": Seeded("mode", "Set Mode to PULL: --fix does it.", words=("--mode", "pull")),
    "callback that is not deployed": Seeded(
        "callback URL",
        "See that the function is deployed",
        words=("--callback-url", f"http://{HOST}:{NOBODY}/vod-callback"),
    ),
    "app that is down": Seeded(
        "test event",
        "See the app's log",
        settings={"APP_WEBHOOK_URL": f"http://{HOST}:{NOBODY}/"},
        words=("--probe",),
    ),
    "webhook in a private network": Seeded(
        "event_delivery", ".env.example explains each", settings={"APP_WEBHOOK_ALLOW_INSECURE": "0"}
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_seeded_fault_is_named_with_the_right_advice(patient: Patient, store: redis.Redis, name: str) -> None:
    """Of all that is examined, what was seeded is a fault, and its advice says what to do."""
    seeded = FAULTS[name]
    for setting, value in seeded.store.items():
        store.config_set(setting, value)
    if seeded.vod:
        patient.set_event_configuration(replace(patient.event_configuration(), **seeded.vod))
    if seeded.api:
        patient.set_fault(kind="refuse", **seeded.api)
    outcome = patient.examine(*seeded.words, **seeded.settings)
    found = [finding for finding in outcome.named(seeded.check) if finding["level"] == "fault"]

    assert outcome.code == 1
    assert [seeded.advice in finding["advice"] for finding in found] == [True]
