"""Send one event to the app, signed after Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import email.utils
import hashlib
import hmac
import http.client
import ssl
from contextlib import suppress
from datetime import timezone
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.app_event import SPEC_VERSION
from shared.http.outbound import answer_to, reason_of
from shared.invocation_log import passed_on, timed

if TYPE_CHECKING:
    from email.message import Message

    from shared.config.settings import WebhookSettings
    from shared.http.outbound import FinalAnswer

LONGEST_RETRY_AFTER = 604_800
"""The longest wait that is read, in seconds; `shared.domain.retry_schedule` grants a day of it."""
_MOST_DIGITS = 20


class Attempt(NamedTuple):
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
    """Return the headers of a delivery; every secret signs, so that the app can rotate its own.

    Three are those of Standard Webhooks; `webhook-specversion` is the version of the event's schema.
    """
    content = f"{event_id}.{now}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signatures),
        "webhook-specversion": SPEC_VERSION,
    }


class AppWebhook:
    """The app's endpoint; every attempt opens a connection of its own."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def send(self, body: bytes, *, event_id: str, now: int, timeout_seconds: float) -> Attempt:
        """Post the body once; redirects are not followed, and the answer's body is not read.

        The status decides, once it was read, whatever becomes of the header section behind it (RFC 9112,
        section 8). `now` is in Unix seconds. Raises nothing: whatever goes wrong is a failed attempt.
        """
        settings = self._settings
        with timed("webhook"):
            try:
                headers = signed_headers(
                    body, event_id=event_id, now=now, secrets=settings.app_webhook_secrets
                )
                with answer_to(
                    "POST",
                    str(settings.app_webhook_url),
                    headers={**headers, **passed_on(), "Content-Type": "application/json"},
                    body=body,
                    tls=self._tls,
                    allow_private=settings.app_webhook_allow_insecure,
                    timeout_seconds=timeout_seconds,
                ) as answer:
                    attempt = Attempt(answer.status, f"HTTP {answer.status}")
                    # Of an accepted event nothing else counts, and to parse headers takes a while.
                    return attempt if attempt.delivered else _with_wait(attempt, answer, now=now)
            except Exception as error:  # noqa: BLE001 -- an error that escaped would leave the event due for ever
                return Attempt(0, reason_of(error))


def _with_wait(attempt: Attempt, answer: FinalAnswer, *, now: int) -> Attempt:
    """Add the wait that the header section asks for, if it can be read."""
    with suppress(OSError, http.client.HTTPException):
        answer.begin()
        return attempt._replace(retry_after=_retry_after(answer.headers, now=now))
    return attempt


def _retry_after(headers: Message, *, now: int) -> int | None:
    """Read seconds or an HTTP-date (RFC 9110, section 10.2.3), in seconds from `now`."""
    value = headers.get("retry-after", "").strip(" \t")
    if value.isascii() and value.isdigit():
        # `int` refuses some thousand digits.
        seconds = int(value) if len(value) < _MOST_DIGITS else LONGEST_RETRY_AFTER
    else:
        try:
            date = email.utils.parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        seconds = int(date.replace(tzinfo=date.tzinfo or timezone.utc).timestamp()) - now
    return min(max(0, seconds), LONGEST_RETRY_AFTER)
