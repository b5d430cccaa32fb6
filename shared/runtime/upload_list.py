"""Answer GET /uploads: a user's own uploads, the newest first, and what is left of his limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.session import UploadState
from shared.domain.upload_id import is_upload_id
from shared.domain.upload_representation import upload_answer
from shared.errors import ForbiddenError, NotFoundError, UnprocessableError
from shared.http.response import json_response
from shared.invocation_log import note

if TYPE_CHECKING:
    from shared.config.settings import UploadStatusSettings
    from shared.errors import RateLimit
    from shared.http.request import Request
    from shared.http.response import Response
    from shared.runtime.bootstrap import Runtime
    from shared.store.uploads import UploadStore

PAGE_UPLOADS = 20
"""So many uploads are read for one answer, whatever their state."""
_STATES = [state.value for state in UploadState]


def list_response(
    request: Request, user_id: str, runtime: Runtime[UploadStatusSettings, UploadStore], *, now: float
) -> Response:
    """Return a page of the user's uploads: of those that are read, the ones in the `state` that is asked for.

    Raises:
        UnprocessableError: a parameter of the query is unknown or has no possible value.
        ForbiddenError: users are not told apart (AUTH_MODE=anonymous).
        NotFoundError: no lists are kept (LISTED_UPLOADS=0).
        StoreUnavailableError: the store did not answer.

    """
    note("uploads.listed")
    settings = runtime.settings
    state, after = request.query.get("state"), request.query.get("after")
    if settings.auth_mode == "anonymous":
        raise ForbiddenError("All users of a network are one user here, so none gets a list.")
    if settings.listed_uploads == 0:
        raise NotFoundError("No lists of uploads are kept here.")
    if unknown := request.query.keys() - {"state", "after"}:
        raise UnprocessableError(f"There are the parameters state and after, and no {min(unknown)!a}.")
    if state not in (None, *_STATES):
        raise UnprocessableError(f"state must be one of {', '.join(_STATES)}.")
    if after is not None and not is_upload_id(after):
        raise UnprocessableError("after must be the `next` of an answer.")
    limits = settings.upload_limits
    sessions, following, rate_limits = runtime.store.list_uploads(
        user_id, after=after or "", most=PAGE_UPLOADS, now=now, limits=limits
    )
    answers = [upload_answer(session, now=int(now)) for session in sessions]
    answer = {
        "uploads": [it for it in answers if state in (None, it["state"])],
        "next": following or None,
        "limits": list(map(limit_json, rate_limits)),
    }
    return json_response(200, answer)


def limit_json(limit: RateLimit) -> dict[str, object]:
    """Return what remains of a limit as JSON members."""
    return {
        "name": limit.name,
        "quota": limit.quota,
        "windowSeconds": limit.window_seconds or None,
        "remaining": limit.remaining,
        "resetSeconds": limit.reset_seconds,
    }
