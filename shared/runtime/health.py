"""Answer GET /health: that the function is alive, and with the operator's token how its deployment does."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from shared.errors import UnauthenticatedError
from shared.http.response import json_response
from shared.invocation_log import note
from shared.runtime import bootstrap
from shared.store.connection import StoreScope
from shared.store.endpoint import BacklogStore

if TYPE_CHECKING:
    from shared.config.settings import UploadStatusSettings
    from shared.http.request import Request
    from shared.http.response import Response

MOST_CLOCK_SECONDS = 60.0
"""A clock that differs by more is wrong: so much leeway have the times of a token."""


def health_response(request: Request, settings: UploadStatusSettings) -> Response:
    """Return 200; with the token, after the store has answered and with its clock and the backlog.

    Raises:
        UnauthenticatedError: there is an Authorization, and it is not the operator's.
        StoreUnavailableError: the store did not answer.

    """
    note("health.read")
    authorization, wanted = request.headers.get("authorization"), settings.health_token or ""
    if authorization is None:
        return json_response(200, {"status": "alive"})
    scheme, _, given = authorization.partition(" ")
    is_operators = hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
    if not (wanted and is_operators and scheme.lower() == "bearer"):
        raise UnauthenticatedError("Send the operator's token as Authorization: Bearer, or none.")
    store = BacklogStore(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))
    before = bootstrap.now()
    ahead = round((before + bootstrap.now()) / 2 - store.time(), 3)
    backlog = store.backlog(now=int(before)).figures(now=int(before))
    status = "ok" if abs(ahead) <= MOST_CLOCK_SECONDS else "degraded"
    return json_response(200, {"status": status, "clockAheadSeconds": ahead, "backlog": backlog})
