"""The app's back end: accepts every webhook over real HTTP, and counts them.

The tests of the sender verify the signatures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.shared.loopback_peer import HttpPeer, Received, Reply


@dataclass(frozen=True)
class Webhook:
    """One received webhook: its id and its body."""

    webhook_id: str
    body: dict[str, Any]

    @property
    def subject(self) -> tuple[str, str]:
        """The event type, and the upload, or the file if the upload is not ours."""
        content = self.body["data"]
        return self.body["type"], content["uploadId"] or content["fileId"]


class AppReceiver(HttpPeer):
    """An HTTP server on a free port that answers 200 to everything; `with` starts and stops it."""

    def __init__(self) -> None:
        super().__init__(self._take)
        self.webhooks: list[Webhook] = []

    @property
    def ids(self) -> dict[tuple[str, str], set[str]]:
        """The webhook-ids of every subject."""
        ids: dict[tuple[str, str], set[str]] = {}
        for webhook in tuple(self.webhooks):
            ids.setdefault(webhook.subject, set()).add(webhook.webhook_id)
        return ids

    def _take(self, request: Received) -> Reply:
        self.webhooks.append(Webhook(request.headers["webhook-id"], json.loads(request.body)))
        return Reply()
