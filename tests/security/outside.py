"""What an outsider can do to a running stack and see of it: HTTP and commands."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import redis
import requests

from local.repository import REPOSITORY
from local.upload.client import StoredUpload, UploadClient
from local.upload.order import UploadOrder
from shared.config.settings import EventNotificationSettings, load_settings
from shared.domain.upload_id import new_upload_id
from shared.flows.verify_event import upload_event
from shared.vod.context_token import UploadContext, seal
from shared.vod.signature import SignatureParameters, sign
from shared.vod_api import VodApi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SECONDS = 10


@dataclass(frozen=True)
class Uploaded:
    """A user's uploaded file: its upload, its token, which the user can read, and its true event."""

    upload_id: str
    file_id: str
    token: str
    task_id: str
    event: dict[str, Any]


class Outside:
    """One stack and its `folder`; the environment gives access to what VOD and the app know."""

    def __init__(self, url: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.url, self._folder, self._environment = url, folder, environment
        self.settings = load_settings(EventNotificationSettings, environment)
        self.vod = VodApi(self.settings)
        self._session = requests.Session()
        # Proxies of the environment must not see what is meant for this machine.
        self._session.trust_env = False
        info = self._get("/local/info").json()
        self._callback, _, self.callback_token = str(info["callbackUrl"]).rpartition("/")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def post(self, event: Mapping[str, object], token: str | None = None, **signature: object) -> int:
        """Call back as VOD would, or as somebody who knows its URL and its Sign; return the status."""
        address = f"{self._callback}/{self.callback_token if token is None else token}"
        body: Any = {**event, **self.signature(good_for=600), **signature}
        return self._session.post(address, json=body, timeout=_SECONDS).status_code

    def signature(self, *, good_for: int) -> dict[str, object]:
        """Return VOD's Sign and T, which cover no body: whoever has seen a pair can use it."""
        key, expires_at = self.settings.callback_sign_key, int(time.time()) + good_for
        if key is None:
            return {}
        digest = hashlib.md5(f"{key}{expires_at}".encode(), usedforsecurity=False).hexdigest()
        return {"Sign": digest, "T": expires_at}

    def control(self, path: str, document: dict[str, Any]) -> None:
        """Change the behaviour of the simulated VOD."""
        self._session.put(f"{self.url}/local/{path}", json=document, timeout=_SECONDS).raise_for_status()

    def upload(self, file: Path, user: str, *, policy: str = "default") -> Uploaded:
        """Upload a file as a user."""
        with contextlib.closing(UploadClient(self.url)) as client:
            return self._seen(client.upload(UploadOrder(file, user, policy=policy), lambda *_: None))

    def upload_late(self, file: Path, user: str, *, days: int) -> Uploaded:
        """Upload a file with a signature of so many days ago, whose session has ended."""
        now = int(time.time())
        upload_id = new_upload_id(now=now - days * 86_400, random=secrets.randbits(80))
        context = UploadContext(upload_id, user)
        token = seal(context, keys=self.settings.context_keys, stage=self.settings.stage)
        parameters = SignatureParameters(
            secret_id=self._environment["VOD_SECRET_ID"],
            current_time_stamp=now,
            expire_time=now + 600,
            random=secrets.randbits(32),
            source_context=token,
            session_context=token,
        )
        signature = sign(parameters, secret_key=self._environment["VOD_SECRET_KEY"])
        issued = {"signature": signature, "uploadId": upload_id}
        with contextlib.closing(UploadClient(self.url)) as client, patch.object(client, "_sign") as signing:
            signing.return_value = issued
            return self._seen(client.upload(UploadOrder(file, user), lambda *_: None))

    def _seen(self, stored: StoredUpload) -> Uploaded:
        """Read VOD's records of a file."""
        media: Any = self.vod.media_info(stored.file_id, timeout_seconds=_SECONDS)
        task_ids = self.task_ids(stored.file_id)
        token, task_id = media["BasicInfo"]["SourceInfo"]["SourceContext"], task_ids.get("Procedure", "")
        return Uploaded(stored.upload_id, stored.file_id, token, task_id, upload_event(media, task_ids))

    def task_ids(self, file_id: str) -> dict[str, str]:
        """Return the id of each task about a file, by its type."""
        tasks = self.vod.tasks_of_file(file_id, timeout_seconds=_SECONDS)
        return {str(task["TaskType"]): str(task["TaskId"]) for task in tasks}

    def heard(self) -> list[dict[str, Any]]:
        """Return the events that the app has received."""
        return [event["body"] for event in self._get("/local/events").json()]

    def used_memory(self) -> int:
        """Return how many bytes the store takes."""
        with redis.Redis.from_url(self.settings.redis_url) as client:
            return int(client.info("memory")["used_memory"])

    def status(self, upload: Uploaded, user: str) -> dict[str, Any]:
        """Return the status of an upload, as its owner sees it."""
        token = self._get(f"/local/token?user={user}").text
        answer = self._get(f"/uploads/{upload.upload_id}", Authorization=f"Bearer {token}")
        status: dict[str, Any] = answer.json()
        return status

    def listed(self, state: str) -> list[dict[str, Any]]:
        """Return the events of a state, as the command lists them."""
        options = f"--state {state} --json --full --limit 1000 --folder".split()
        shown = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "local", "events", "list", *options, str(self._folder)],
            capture_output=True,
            cwd=REPOSITORY,
            check=True,
            timeout=60,
        )
        events: list[dict[str, Any]] = json.loads(shown.stdout)
        return events

    def _get(self, path: str, **headers: str) -> requests.Response:
        return self._session.get(self.url + path, headers=headers, timeout=_SECONDS)
