"""Verify and read the events of vod-upload-functions.

    events = EventVerifier(os.environ["WEBHOOK_SECRET"])
    event = events.verify(body, headers)
    if event["type"] == "upload.completed":
        print(event["data"]["uploader"], event["data"]["mediaUrl"])

`body` is the bytes of the request as they came: `await request.body()` in FastAPI and Starlette,
`request.body` in Django, `request.get_data()` in Flask. A body that was parsed and written anew has another
signature. `headers` is the framework's own mapping, in any letter case.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vod_upload_events.app_event import AppEvent

__all__ = ["EventVerifier", "RawBodyError", "VerificationError"]


class VerificationError(Exception):
    """The request is not one of the functions', or is older than five minutes: answer 401."""


class RawBodyError(TypeError):
    """The body is not the bytes of the request: a mistake in the receiver, whatever the request is."""


class EventVerifier:
    """Verifies with one secret; while the secret is changed, the functions sign with both."""

    def __init__(self, secret: str) -> None:
        """Take the secret as in APP_WEBHOOK_SECRETS, with its `whsec_`.

        Raises:
            ValueError: it is no such secret.

        """
        # The library passes over characters that are no Base64: then nothing would have a valid signature.
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (AttributeError, ValueError):
            key = b""
        if not key:
            raise ValueError("The secret must be whsec_ and Base64, as in APP_WEBHOOK_SECRETS.")
        self._webhook = Webhook(key)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> AppEvent:
        """Return the event if a header has its signature; the types are in `vod_upload_events.app_event`.

        An event of a type that is not listed there is returned as well.

        Raises:
            VerificationError: it was not sent by the functions, or is too old.
            RawBodyError: `body` is not bytes.

        """
        if not isinstance(body, bytes):
            raise RawBodyError(
                f"The signature is that of the request's bytes, and this body is a {type(body).__name__}. "
                "Take `await request.body()` in FastAPI, `request.body` in Django."
            )
        try:
            event = self._webhook.verify(body, dict(headers.items()))
        # The library lets what malformed headers and bodies raise through.
        except Exception as error:
            raise VerificationError("The request has no valid signature.") from error
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise VerificationError("The body is not an event.")
        return cast("AppEvent", event)
