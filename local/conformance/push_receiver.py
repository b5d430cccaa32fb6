"""An HTTP server for VOD's normal callback: keeps what is posted to a path that nobody can guess."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

HOST = "127.0.0.1"
_LARGEST_BODY = 6 * 1024 * 1024
_READ_SECONDS = 20


@dataclass(frozen=True)
class Push:
    """One request as VOD sent it; header names in lower case, `event` is the body if it is a JSON object."""

    headers: Mapping[str, str]
    event: dict[str, Any] = field(repr=False)


class PushReceiver:
    """Listens on this machine; `url` is where VOD reaches it, `status` what every push is answered with."""

    def __init__(self, *, port: int = 0, public_url: str = "") -> None:
        """Bind the port, 0 for a free one.

        Raises:
            OSError: the port is taken.

        """
        self.received: list[Push] = []
        self.status = 200
        self._path = f"/{secrets.token_urlsafe(24)}"
        self._server = ThreadingHTTPServer((HOST, port), self._handler())
        self._server.daemon_threads = True
        self._public_url = public_url or f"http://{HOST}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The callback URL to configure."""
        return self._public_url.rstrip("/") + self._path

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _READ_SECONDS

            def do_POST(self) -> None:  # named by http.server
                length = self.headers.get("Content-Length", "")
                size = int(length) if length.isdigit() and len(length) < len(str(_LARGEST_BODY)) + 1 else 0
                body = self.rfile.read(min(size, _LARGEST_BODY))
                # A tunnel may put a path of its own before ours.
                is_ours = self.path.endswith(receiver._path)  # the class is its own
                if is_ours:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    receiver.received.append(Push(headers, _object(body)))
                self.send_response(receiver.status if is_ours else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_parts: object) -> None:
                """Log nothing: the path is a secret."""

        return Handler


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
