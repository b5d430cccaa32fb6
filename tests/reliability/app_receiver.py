"""The app's back end: accepts every webhook over real HTTP, and counts them."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


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


class AppReceiver:
    """An HTTP server on a free port that answers 200 to everything; `with` starts and stops it."""

    def __init__(self) -> None:
        self.webhooks: list[Webhook] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.webhooks = self.webhooks
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """The address of the endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/events"

    @property
    def ids(self) -> dict[tuple[str, str], set[str]]:
        """The webhook-ids of every subject."""
        ids: dict[tuple[str, str], set[str]] = {}
        for webhook in tuple(self.webhooks):
            ids.setdefault(webhook.subject, set()).add(webhook.webhook_id)
        return ids

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    webhooks: list[Webhook]
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as the base has it
        """Ignore errors: a killed worker resets its connection."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Record one webhook."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.webhooks.append(Webhook(self.headers["webhook-id"], body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the base has it
        """Log nothing."""
