"""Users who upload all the time, and an app that verifies each webhook."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from tests.shared.loopback_peer import Reply
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.shared.loopback_peer import Received

USERS = 2


@dataclass
class VerifyingApp:
    """The app's back end: it knows one secret at a time, and accepts what is signed with it."""

    secret: str
    events: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    refused: int = 0

    def answer(self, request: Received) -> Reply:
        """Accept one webhook, or count it as refused."""
        try:
            Webhook(self.secret).verify(request.body, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return Reply(401)
        event = json.loads(request.body)
        if event["type"] == "upload.completed":
            self.events[event["data"]["uploadId"]] = event
        return Reply(204)


class _Client(UploadClient):
    """Asks the login service for a token each time, as an app does."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        super().__init__(url)
        self._token = token

    def _sign(self, token: str, wanted: Mapping[str, object]) -> dict[str, Any]:
        assert token
        return super()._sign(self._token(), wanted)


class UploadingUsers:
    """Some users, each of whom makes one upload after the other under new names, until the end."""

    def __init__(self, url: str, media: Path, app: VerifyingApp, login: Callable[[str], str]) -> None:
        """Start the users; `login` creates their tokens, and changes as a login service changes its key."""
        self.login = login
        self.pause_seconds = 0.0
        self.stored: set[str] = set()
        self.failures: list[str] = []
        self._url, self._media, self._app = url, media, app
        self._ended = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._upload_on) for _ in range(USERS)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Let every upload that was begun finish, and be heard of."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._wait_for_events()

    def settle(self, least: int = 0) -> None:
        """Wait until more uploads are stored, `least` in all; the app has heard of all before them."""
        enough = max(least, len(self.stored) + 2 * USERS)
        wait_until(lambda: len(self.stored) >= enough or self.failures, "uploads")
        self._wait_for_events()

    def _wait_for_events(self) -> None:
        stored = set(self.stored)
        wait_until(lambda: stored <= self._app.events.keys() or self.failures, "their events")

    def _upload_on(self) -> None:
        while not self._ended.is_set():
            user = f"user-{next(self._numbers)}"
            client = _Client(self._url, lambda: self.login(user))  # noqa: B023 -- called before the next iteration
            try:
                with contextlib.closing(client):
                    order = UploadOrder(self._media, user)
                    self.stored.add(client.upload(order, lambda *_: None).upload_id)
            except Exception as error:  # noqa: BLE001 -- each is a failed upload, whatever it was
                self.failures.append(repr(error))
            self._ended.wait(self.pause_seconds)
