"""POST /{callback token}: VOD's normal callback (design 3.4)."""

from __future__ import annotations

import hmac

from shared import bootstrap, log
from shared.delivery import Courier
from shared.errors import NotFoundError, StoreUnavailableError
from shared.event_notification import (
    callback_signature_from_query,
    callback_signature_matches,
    parse_notification,
    raw_json,
)
from shared.http_message import Request, Response
from shared.intake import Source, take_in

INLINE_SECONDS = 3.0
"""VOD gives up after 5 s (doc 266/33931): verification and delivery get what is left of this."""


def main_handler(event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF."""
    return bootstrap.answer(event, context, methods=("POST",), respond=_respond)


def _respond(request: Request) -> Response:
    # Read.
    runtime = bootstrap.event_notification()
    settings, started = runtime.settings, bootstrap.now()
    _refuse_strangers(request, settings.callback_tokens)
    notification = parse_notification(request.body)
    if settings.callback_sign_key is not None:
        signature = notification.signature or callback_signature_from_query(request.query)
        if not callback_signature_matches(signature, sign_key=settings.callback_sign_key, now=int(started)):
            raise NotFoundError("There is nothing here.")

    # Journal: only then may VOD hear an answer.
    source = Source("push", int(started), lease=f"{bootstrap.random_bits(64):x}")
    try:
        arrival = take_in(notification, source, store=runtime.store, settings=settings)
    except StoreUnavailableError:
        log.write(
            "event.unjournaled", request_id=request.request_id, level="error", raw=raw_json(notification)
        )
        # VOD ignores what it is answered and sends again only after a time-out, so it gets one.
        bootstrap.wait(settings.callback_hold_seconds - (bootstrap.now() - started))
        raise

    # Deliver with the time that is left.
    courier = Courier(
        store=runtime.store,
        read_back=bootstrap.vod_api(),
        webhook=bootstrap.app_webhook(),
        clock=bootstrap.now,
        deadline=started + INLINE_SECONDS,
    )
    log.write(
        "event.journaled",
        request_id=request.request_id,
        eventId=arrival.event.event_id,
        type=arrival.event.type,
        verdict=arrival.event.verdict.value,
        outcome=courier.deliver(arrival),
    )
    return Response(200)


def _refuse_strangers(request: Request, tokens: tuple[str, ...]) -> None:
    """Compare the path's last part with every valid token, in constant time."""
    given = "".join(request.segments[-1:]).encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, token.encode("ascii")) for token in tokens]
    if not any(matches):
        raise NotFoundError("There is nothing here.")
