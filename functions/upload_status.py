"""GET and DELETE /uploads/{id} and GET /uploads, for the owner; GET /health: how the deployment does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.session import UploadState, state_of
from shared.domain.upload_id import is_upload_id
from shared.domain.upload_representation import POLL_SECONDS, entity_tag, matches, upload_answer
from shared.errors import ConflictError, NotFoundError
from shared.http.authentication import authenticate
from shared.http.response import Cors, Response, cors_of, json_response
from shared.invocation_log import note
from shared.runtime import bootstrap
from shared.runtime.invocation import answer_http

if TYPE_CHECKING:
    from shared.http.request import Request


def main_handler(event: object, context: object) -> dict[str, object]:
    """Answer one invocation by SCF."""
    path = str(event.get("path")) if isinstance(event, dict) else ""
    methods = ("GET",) if path.rstrip("/").endswith(("/health", "/uploads")) else ("GET", "DELETE")
    return answer_http(event, context, methods=methods, respond=_respond, cors=_cors)


def _cors() -> Cors:
    return cors_of(bootstrap.upload_status().settings)


def _respond(request: Request) -> Response:
    # Read.
    runtime = bootstrap.upload_status()
    now = int(bootstrap.now())
    if request.segments[-1:] == ("health",):
        from shared.runtime.health import health_response  # noqa: PLC0415 -- no request of a user needs it

        return health_response(request, runtime.settings)
    caller = authenticate(request.headers, runtime.settings, now=now, client_address=request.client_address)
    if request.segments[-1:] == ("uploads",):
        from shared.runtime.upload_list import list_response  # noqa: PLC0415 -- a status does without

        return list_response(request, caller.user_id, runtime, now=bootstrap.now())
    *_, collection, upload_id = ("", "", *request.segments)
    if collection != "uploads" or not is_upload_id(upload_id):
        raise NotFoundError("There is no such upload.")
    note("upload.read", uploadId=upload_id)

    # Decide and act.
    if request.method == "DELETE":
        cancelled = runtime.store.cancel_upload(caller.user_id, upload_id, now=now)
        state = state_of(cancelled, now=now)
        if state is not UploadState.CANCELLED:
            raise ConflictError(f"This upload is {state.value}: only an issued one can be cancelled.")
        note("upload.cancelled")
        return Response(204)

    session = runtime.store.find_upload(caller.user_id, upload_id)
    answer = upload_answer(session, now=now)
    headers = {"ETag": entity_tag(answer)}
    if not answer["final"]:
        headers["Retry_After"] = str(POLL_SECONDS[state_of(session, now=now)])
    if matches(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(304, {name.replace("_", "-"): value for name, value in headers.items()})
    return json_response(200, answer, **headers)
