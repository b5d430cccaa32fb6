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

import requests

from local.repository import REPOSITORY
from local.upload.client import UploadClient
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
        info = self._session.get(f"{url}/local/info", timeout=_SECONDS).json()
        self._callback, _, self.callback_token = str(info["callbackUrl"]).rpartition("/")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def post(
        self,
        event: Mapping[str, object],
        *,
        token: str | None = None,
        signature: Mapping[str, object] | None = None,
    ) -> int:
        """Call back as VOD would, or as somebody who knows its URL and its Sign; return the status."""
        address = f"{self._callback}/{self.callback_token if token is None else token}"
        body: Any = {**event, **(self.signature(good_for=600) if signature is None else signature)}
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
            stored = client.upload(
                UploadOrder(file=file, user=user, policy=policy), lambda _part, _size: None
            )
        return self.seen(stored.upload_id, stored.file_id)

    def upload_late(self, file: Path, user: str, *, days: int) -> Uploaded:
        """Upload a file with a signature of so many days ago, whose session has ended."""
        issued_at = int(time.time()) - days * 86_400
        upload_id = new_upload_id(now=issued_at, random=secrets.randbits(80))
        context = UploadContext(upload_id, user)
        token = seal(context, keys=self.settings.context_keys, stage=self.settings.stage)
        with contextlib.closing(_OldSignature(self.url)) as client:
            client.secrets = self._environment["VOD_SECRET_ID"], self._environment["VOD_SECRET_KEY"]
            client.parts = upload_id, token
            stored = client.upload(UploadOrder(file=file, user=user), lambda _part, _size: None)
        return self.seen(stored.upload_id, stored.file_id)

    def seen(self, upload_id: str, file_id: str) -> Uploaded:
        """Read VOD's records of a file."""
        media: Any = self.vod.media_info(file_id, timeout_seconds=_SECONDS)
        tasks = self.vod.tasks_of_file(file_id, timeout_seconds=_SECONDS)
        task_ids = {str(task["TaskType"]): str(task["TaskId"]) for task in tasks}
        token = str(media["BasicInfo"]["SourceInfo"]["SourceContext"])
        event = upload_event(media, task_ids)
        return Uploaded(upload_id, file_id, token, task_ids.get("Procedure", ""), event)

    def heard(self) -> list[dict[str, Any]]:
        """Return the events that the app has received."""
        received = self._session.get(f"{self.url}/local/events", timeout=_SECONDS).json()
        return [event["body"] for event in received]

    def status(self, upload: Uploaded, user: str) -> dict[str, Any]:
        """Return the status of an upload, as its owner sees it."""
        query = {"user": user}
        token = self._session.get(f"{self.url}/local/token", params=query, timeout=_SECONDS).text
        headers = {"Authorization": f"Bearer {token}"}
        address = f"{self.url}/uploads/{upload.upload_id}"
        answer: dict[str, Any] = self._session.get(address, headers=headers, timeout=_SECONDS).json()
        return answer

    def listed(self, state: str) -> list[dict[str, Any]]:
        """Return the events of a state, as the command lists them."""
        command = [sys.executable, "-m", "local", "events", "list", "--state", state, "--json", "--full"]
        options = ["--folder", str(self._folder), "--limit", "1000"]
        shown = subprocess.run(  # noqa: S603  # our own command
            [*command, *options], capture_output=True, cwd=REPOSITORY, check=True, timeout=60
        )
        events: list[dict[str, Any]] = json.loads(shown.stdout)
        return events


class _OldSignature(UploadClient):
    """A client with a signature that VOD still accepts, of an upload our service has forgotten."""

    secrets: tuple[str, str]
    parts: tuple[str, str]

    def _sign(self, token: str, wanted: Mapping[str, object]) -> dict[str, Any]:
        assert token
        assert wanted is not None
        now, (secret_id, secret_key), (upload_id, context) = int(time.time()), self.secrets, self.parts
        parameters = SignatureParameters(
            secret_id=secret_id,
            current_time_stamp=now,
            expire_time=now + 600,
            random=secrets.randbits(32),
            source_context=context,
            session_context=context,
        )
        signature = sign(parameters, secret_key=secret_key)
        return {"signature": signature, "uploadId": upload_id}
