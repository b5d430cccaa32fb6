"""Send one event to the app, signed after Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.http.outbound import RefusedAddressError, answer_to
from shared.invocation_log import timed

if TYPE_CHECKING:
    from email.message import Message

    from shared.config.settings import WebhookSettings

USER_AGENT = "vod-upload-functions"


@dataclass(frozen=True)
class Attempt:
    """The result of one attempt: `status` is the app's HTTP status, 0 without an answer.

    `problem` is a short text for log and operators, `retry_after` the seconds that the app asks to wait.
    """

    status: int
    problem: str = ""
    retry_after: int | None = None

    @property
    def delivered(self) -> bool:
        """True if the app accepted the event: any 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- the class of HTTP status codes


def signed_headers(body: bytes, *, event_id: str, now: int, secrets: tuple[bytes, ...]) -> dict[str, str]:
    """Return the three headers; every secret signs, so that the app can rotate its own."""
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
    """The app's endpoint; every attempt opens a connection of its own."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context()

    def send(self, body: bytes, *, event_id: str, now: int, timeout_seconds: float) -> Attempt:
        """Post the body once; redirects are not followed, and the answer's body is not read."""
        with timed("webhook"):
            return self._sent(body, event_id=event_id, now=now, timeout_seconds=timeout_seconds)

    def _sent(self, body: bytes, *, event_id: str, now: int, timeout_seconds: float) -> Attempt:
        settings = self._settings
        headers = {
            **signed_headers(body, event_id=event_id, now=now, secrets=settings.app_webhook_secrets),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
        request = answer_to(
            "POST",
            str(settings.app_webhook_url),
            headers=headers,
            body=body,
            tls=self._tls,
            allow_private=settings.app_webhook_allow_insecure,
            timeout_seconds=timeout_seconds,
        )
        try:
            with request as answer:
                return Attempt(answer.status, f"HTTP {answer.status}", _retry_after(answer.headers))
        except RefusedAddressError as error:
            return Attempt(0, error.detail)
        except (OSError, http.client.HTTPException) as error:
            return Attempt(0, f"no answer ({type(error).__name__})")


def _retry_after(headers: Message) -> int | None:
    value = headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None  # noqa: PLR2004 -- 11 days
