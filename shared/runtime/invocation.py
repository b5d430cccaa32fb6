"""Run one SCF invocation from its event to its response; no traceback ever leaves the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.errors import ServiceError
from shared.http.request import Request, allow_methods, parse_request
from shared.http.response import (
    INTERNAL,
    Cors,
    Response,
    preflight_response,
    problem_response,
    to_scf_response,
    with_common_headers,
)
from shared.invocation_log import recorded
from shared.runtime import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.invocation_log import InvocationRecord

DEFAULT_TIME_LIMIT_SECONDS = 30.0
_MARGIN_SECONDS = 2.0


def answer_http(
    event: object,
    context: object,
    *,
    methods: tuple[str, ...],
    respond: Callable[[Request], Response],
    cors: Callable[[], Cors] = Cors,
) -> dict[str, object]:
    """Answer an HTTP invocation.

    `cors` returns the origins whose pages may call the function; none by default.
    """
    request_id = request_id_of(context)
    request: Request | None = None
    pages = Cors()
    with recorded() as record:
        record.passed_on["X-Request-Id"] = request_id
        try:
            request = parse_request(event, request_id=request_id)
            if "traceparent" in request.headers:
                _continue_trace(request, record)
            pages = cors()
            if request.method == "OPTIONS":
                response = preflight_response(request, methods=methods, cors=pages)
            else:
                allow_methods(request, *methods)
                response = respond(request)
        except Exception as error:  # noqa: BLE001 -- the last line of defence: a defect must not leak
            response = problem_response(_logged(error, record, request_id), request_id=request_id)
        else:
            _log(record.event or "request.answered", record, request_id, status=response.status)
    # An empty request stands for one that could not be parsed.
    request = request or Request("", "", {}, {}, b"", "", request_id)
    return to_scf_response(with_common_headers(response, request, cors=pages))


def run_timer(context: object, work: Callable[[str], dict[str, object]]) -> dict[str, object]:
    """Run a timer's work; the platform logs its result, so it holds figures only.

    `work` gets the request id. A failure is logged and returned, not raised: the platform would repeat the
    invocation, which the next tick does anyway.
    """
    request_id = request_id_of(context)
    with recorded() as record:
        record.passed_on["X-Request-Id"] = request_id
        try:
            figures = work(request_id)
        except Exception as error:  # noqa: BLE001 -- as above
            return {"error": _logged(error, record, request_id).code}
        _log("timer.done", record, request_id, figures=figures)
        return figures


def deadline_of(context: object, *, started: float) -> float:
    """Return the Unix time at which this invocation must end, shortly before the platform's time limit."""
    limit = context.get("time_limit_in_ms") if isinstance(context, dict) else None
    seconds = limit / 1000 if isinstance(limit, (int, float)) and limit > 0 else DEFAULT_TIME_LIMIT_SECONDS
    return started + max(seconds / 2, seconds - _MARGIN_SECONDS)


def told_by(context: object, name: str) -> str:
    """Return a text of the context, a dict (doc 583/9210; in Python unverified); empty if there is none."""
    given = context.get(name) if isinstance(context, dict) else getattr(context, name, None)
    return given if isinstance(given, str) else ""


def request_id_of(context: object) -> str:
    """Return the platform's request id, or one of our own."""
    if given := told_by(context, "request_id"):
        return given
    import uuid  # noqa: PLC0415 -- the platform gives an id, and each import would slow every cold start

    return str(uuid.uuid4())


def _continue_trace(request: Request, record: InvocationRecord) -> None:
    from shared.http.trace import trace_headers  # noqa: PLC0415 -- few requests belong to a trace

    trace_id, headers = trace_headers(request.headers)
    if trace_id:
        record.about["traceId"] = trace_id
        record.passed_on |= headers


def _logged(error: Exception, record: InvocationRecord, request_id: str) -> ServiceError:
    """Log an error without what could be secret, and return the error to answer with."""
    if isinstance(error, ServiceError):
        level = "error" if error.status >= INTERNAL else "info"
        told = {"level": level, "status": error.status, "code": error.code, "detail": error.detail}
        _log("request.refused", record, request_id, **told)
        return error
    # Only where it happened: the message could quote what the caller sent.
    import traceback  # noqa: PLC0415 -- only a defect needs it, see above

    frames = traceback.extract_tb(error.__traceback__)
    trace = [type(error).__name__, *(f"{frame.name}:{frame.lineno}" for frame in frames[-8:])]
    _log("request.failed", record, request_id, level="error", status=INTERNAL, trace=trace)
    return ServiceError("unexpected")


def _log(event: str, record: InvocationRecord, request_id: str, **told: object) -> None:
    """Write the one log line of the invocation."""
    fields: dict[str, Any] = {**record.about, **told, **record.figures()}
    log.write(event, request_id=request_id, **fields)
