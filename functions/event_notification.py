"""POST /{callback token}: VOD's normal callback."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from shared.domain.app_event import PUSH
from shared.domain.event_status import log_word
from shared.domain.ingested_event import Source
from shared.errors import NotFoundError, ServiceError
from shared.http.response import Response
from shared.invocation_log import note
from shared.runtime import bootstrap, log
from shared.runtime.invocation import answer_http
from shared.vod import notification as vod

if TYPE_CHECKING:
    from shared.config.settings import CallbackSettings
    from shared.http.request import Request
    from shared.vod.notification_types import EventNotification

INLINE_SECONDS = 3.0
"""VOD gives up after 5 s (doc 266/33931): verification and delivery get what is left of this."""


def main_handler(event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF."""
    return answer_http(event, context, methods=("POST",), respond=_respond)


def _respond(request: Request) -> Response:
    # Read.
    settings, started = bootstrap.callback_settings(), bootstrap.now()
    _refuse_strangers(request, settings)
    notification, problem = _parsed(request.body)
    if notification is not None:
        _refuse_unsigned(notification, request, settings, now=int(started))

    # Journal: only then may VOD hear an answer.
    try:
        deliverer = bootstrap.deliverer(bootstrap.event_notification(), deadline=started + INLINE_SECONDS)
        if notification is None:
            whole = deliverer.ingester.park(request.body, problem=problem, now=int(started))
            note("event.parked", problem=problem, whole=int(whole), level="info" if whole else "error")
            return Response(200)
        source = Source(PUSH, int(started), lease=bootstrap.new_lease())
        ingested = deliverer.ingester.ingest(notification, source)
    except Exception:
        kept = request.body if notification is None else vod.raw_json(notification).encode("ascii")
        log.write_event(kept, request_id=request.request_id)
        # VOD ignores what it is answered and sends again only after a time-out, so it gets one.
        bootstrap.wait(started + bootstrap.callback_hold_seconds() - bootstrap.now())
        raise

    # Deliver with the time that is left.
    note("event.journaled", **ingested.figures)
    note(outcome=log_word(deliverer.deliver(ingested)))
    return Response(200)


def _parsed(body: bytes) -> tuple[EventNotification | None, str]:
    """Return the notification; or None and why the body cannot be read: it is parked, not dropped."""
    try:
        return vod.parse_notification(body), ""
    except Exception as error:  # noqa: BLE001 -- whatever a body does to the parser, it came with a valid token
        return None, error.detail if isinstance(error, ServiceError) else type(error).__name__


def _refuse_strangers(request: Request, settings: CallbackSettings) -> None:
    """Compare the path's last part with every valid token, in constant time."""
    given = "".join(request.segments[-1:]).encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, token.encode("ascii")) for token in settings.callback_tokens]
    if not any(matches):
        note(wrong="token")
        raise NotFoundError("There is nothing here.")


def _refuse_unsigned(
    notification: EventNotification, request: Request, settings: CallbackSettings, *, now: int
) -> None:
    """Check Sign and T, where a SignKey is set: top-level members first, then the query string."""
    key = settings.callback_sign_key
    signature = notification.signature or vod.callback_signature_from_query(request.query)
    if key is not None and not vod.callback_signature_matches(signature, sign_key=key, now=now):
        note(wrong="signature")
        raise NotFoundError("There is nothing here.")
