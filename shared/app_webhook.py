"""One attempt to deliver an event to the app, signed as Standard Webhooks 1.0.0 says.

When to try, and what follows from the result, is left to `shared.delivery`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3

from shared.outbound_address import RefusedAddressError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.settings import WebhookSettings

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
    """The app's endpoint; connections are kept between attempts."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}

    def send(self, body: bytes, *, event_id: str, now: int, timeout_seconds: float) -> Attempt:
        """Post the body once; redirects are not followed, and the answer's body is not read."""
        url = urlsplit(str(self._settings.app_webhook_url))
        headers = {
            **signed_headers(body, event_id=event_id, now=now, secrets=self._settings.app_webhook_secrets),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "Host": url.netloc,
        }
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            pool = self._pool(url.scheme, str(url.hostname), url.port or _PORTS[url.scheme])
            answer = pool.urlopen(
                "POST",
                target,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=timeout_seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except RefusedAddressError as error:
            return Attempt(0, error.detail)
        except urllib3.exceptions.HTTPError as error:
            return Attempt(0, f"no answer ({type(error).__name__})")
        # An unread body would be mistaken for the next answer, and reading it could take for ever.
        if answer.headers.get("content-length", "") == "0" or answer.status == 204:  # noqa: PLR2004 -- No Content
            answer.drain_conn()
            answer.release_conn()
        else:
            answer.close()
        return Attempt(answer.status, f"HTTP {answer.status}", _retry_after(answer.headers))

    def _pool(self, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
        """Connect to the checked address, with the host's own name in TLS and in Host."""
        address = resolve(host, port, allow_private=self._settings.app_webhook_allow_insecure)
        if address not in self._pools:
            self._pools[address] = (
                urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host)
                if scheme == "https"
                else urllib3.HTTPConnectionPool(address, port)
            )
        return self._pools[address]


def _retry_after(headers: Mapping[str, str]) -> int | None:
    value = headers.get("retry-after", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None  # noqa: PLR2004 -- 11 days
