"""One attempt to deliver an event to the app, signed as Standard Webhooks 1.0.0 says.

When to try, and what follows from the result, is left to `shared.flows.deliver_events`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.http.outbound import RefusedAddressError, connected, resolve
from shared.invocation_log import timed

if TYPE_CHECKING:
    from email.message import Message

    from shared.config.settings import WebhookSettings

USER_AGENT = "vod-upload-functions"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Attempt:
    """How one attempt went: `status` is the app's HTTP status, 0 if there was no answer.

    `problem` is a few words for the log and for people; `retry_after` the app's wish in seconds.
    """

    status: int
    problem: str = ""
    retry_after: int | None = None

    @property
    def delivered(self) -> bool:
        """Whether the app has taken the event: any 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- the class of HTTP status codes


def signed_headers(body: bytes, *, event_id: str, now: int, secrets: tuple[bytes, ...]) -> dict[str, str]:
    """Make the three headers; each secret signs, so that the app can change its own in peace."""
    content = f"{event_id}.{now}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signatures),
    }


class AppWebhook:
    """The app's endpoint; each attempt is a connection of its own."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context()

    def send(self, body: bytes, *, event_id: str, now: int, timeout_seconds: float) -> Attempt:
        """Post the body once; redirects are not followed, and the answer's body is not read."""
        with timed("webhook"):
            return self._sent(body, event_id=event_id, now=now, timeout_seconds=timeout_seconds)

    def _sent(self, body: bytes, *, event_id: str, now: int, timeout_seconds: float) -> Attempt:
        url = urlsplit(str(self._settings.app_webhook_url))
        host, port = str(url.hostname), url.port or _PORTS[url.scheme]
        headers = {
            **signed_headers(body, event_id=event_id, now=now, secrets=self._settings.app_webhook_secrets),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "Host": url.netloc,
        }
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection = http.client.HTTPConnection(host, port)
        try:
            address = resolve(host, port, allow_private=self._settings.app_webhook_allow_insecure)
            with connected(address, port, timeout_seconds) as plain:
                # To the checked address, with the host's own name in TLS and in Host.
                connection.sock = (
                    self._tls.wrap_socket(plain, server_hostname=host) if url.scheme == "https" else plain
                )
                connection.request("POST", target, body=body, headers=headers)
                answer = connection.getresponse()
                return Attempt(answer.status, f"HTTP {answer.status}", _retry_after(answer.headers))
        except RefusedAddressError as error:
            return Attempt(0, error.detail)
        except (OSError, http.client.HTTPException) as error:
            return Attempt(0, f"no answer ({type(error).__name__})")
        finally:
            connection.close()


def _retry_after(headers: Message) -> int | None:
    value = headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None  # noqa: PLR2004 -- 11 days
