"""Users who upload all the time, and an app that verifies each webhook."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from tests.shared.loopback_peer import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from tests.shared.loopback_peer import Received

_SECONDS = 30.0


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

    def __init__(self, url: str, media: Path, app: VerifyingApp, *, users: int = 2) -> None:
        self.login: Callable[[str], str] = str
        """Creates the token of a user; the tests change it as a login service changes its key."""
        self.stored: set[str] = set()
        self.failures: list[str] = []
        self._url, self._media, self._app = url, media, app
        self._ended = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._upload_on) for _ in range(users)]

    def __enter__(self) -> Self:
        """Start the users."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let every upload that was begun finish."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def settle(self) -> None:
        """Wait until some more uploads are stored, and the app has received the events of all before them."""
        enough = len(self.stored) + 2 * len(self._threads)
        self._wait(lambda: len(self.stored) >= enough or bool(self.failures))
        stored = set(self.stored)
        self._wait(lambda: stored <= self._app.events.keys())

    def _wait(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SECONDS
        while not is_done() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _upload_on(self) -> None:
        while not self._ended.is_set():
            user = f"user-{next(self._numbers)}"
            order = UploadOrder(file=self._media, user=user, cover=None, policy=None, context=None)
            try:
                with contextlib.closing(_Client(self._url, lambda: self.login(user))) as client:  # noqa: B023 -- called before the next iteration
                    self.stored.add(client.upload(order, lambda *_: None).upload_id)
            except Exception as error:  # noqa: BLE001 -- each is a failed upload, whatever it was
                self.failures.append(repr(error))
