"""Faults of the settings, of VOD's configuration and of the app, each seeded into a sound deployment."""

from __future__ import annotations

import json

from tests.local.doctor.seeded import Seeded
from tests.shared.loopback_peer import HOST, Reply

NOBODY = 1
"""A port on which nothing listens."""
TOO_LONG = json.dumps(
    {"default": {}, **{f"p{number}": {"fileTypes": ["t" * 16] * 4} for number in range(60)}}
)


SETTINGS = {
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
    "webhook in a private network": Seeded(
        "event_delivery", ".env.example explains each", settings={"APP_WEBHOOK_ALLOW_INSECURE": "0"}
    ),
    "a policy for nobody": Seeded(
        "claim rules",
        "Correct the rule in UPLOAD_POLICIES",
        settings={"UPLOAD_POLICIES": '{"default": {}, "course": {"claims": {"iat": ["today"]}}}'},
    ),
    "a key for two purposes": Seeded(
        "keys", "Make a new one for either", settings={"JWT_SECRETS": "k" * 40, "CALLBACK_TOKENS": "k" * 40}
    ),
}
VOD = {
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
    "missing right of the role": Seeded(
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
}
APP = {
    "app that is down": Seeded(
        "test event",
        "See the app's log",
        settings={"APP_WEBHOOK_URL": f"http://{HOST}:{NOBODY}/"},
        words=("--probe",),
    ),
    "app that takes what is signed wrongly": Seeded(
        "wrong signature",
        "it must check webhook-signature",
        peers={"APP_WEBHOOK_URL": Reply(204)},
        words=("--probe",),
    ),
    "app on an address that is private": Seeded(
        "event_delivery",
        ".env.example explains each",
        settings={"APP_WEBHOOK_URL": "https://10.0.0.1/hook", "APP_WEBHOOK_ALLOW_INSECURE": None},
    ),
}
