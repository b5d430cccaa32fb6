"""The app's back end: accepts every webhook over real HTTP, and counts them.

The tests of the sender verify the signatures.
"""

from __future__ import annotations

import json
from typing import Any

from tests.shared.loopback_peer import HttpPeer, Reply


class AppReceiver(HttpPeer):
    """An HTTP server on a free port that answers 200 to everything; `with` starts and stops it."""

    def __init__(self) -> None:
        super().__init__(lambda _request: Reply())

    @property
    def heard(self) -> list[str]:
        """The webhook-id of each webhook."""
        return [request.headers["webhook-id"] for request in tuple(self.received)]

    @property
    def told(self) -> list[dict[str, Any]]:
        """The content (`data`) of each webhook."""
        return [json.loads(request.body)["data"] for request in tuple(self.received)]

    @property
    def ids(self) -> dict[tuple[str, str], set[str]]:
        """The webhook-ids by event type and upload, or file if the upload is not ours."""
        ids: dict[tuple[str, str], set[str]] = {}
        for request in tuple(self.received):
            body = json.loads(request.body)
            subject = body["type"], body["data"]["uploadId"] or body["data"]["fileId"]
            ids.setdefault(subject, set()).add(request.headers["webhook-id"])
        return ids
