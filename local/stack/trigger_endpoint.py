"""POST /local/trigger: run a scenario that ends with one event for the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from local.operator.trigger_scenario import LONGEST_WAIT, SCENARIOS, Scenario
from local.simulator.request_body import json_object, small_body
from local.stack.problems import problem
from local.upload.order import UploadError
from shared.errors import InvalidRequestError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.operator.trigger_scenario import ScenarioRunner

_LARGEST_BODY = 16 * 1024


def trigger_endpoint(runner: ScenarioRunner) -> Callable[[Request], Awaitable[Response]]:
    """Create the endpoint: 400 says what is wrong with the request, 409 why the event has not come."""

    async def trigger(request: Request) -> Response:
        try:
            scenario = read_scenario(json_object(await small_body(request, max_bytes=_LARGEST_BODY)))
            return JSONResponse(await run_in_threadpool(runner.run, scenario))
        except ServiceError as error:
            return problem(error.status, error.detail)
        except UploadError as error:
            return problem(409, str(error))

    return trigger


def read_scenario(body: dict[str, object]) -> Scenario:
    """Read `type`, and as options `user`, `context`, `every` and `waitSeconds`.

    Raises:
        InvalidRequestError: a member is unknown, or its value cannot be.

    """
    type_, user, context = body.pop("type", None), body.pop("user", "alice"), body.pop("context", None)
    every, seconds = body.pop("every", False), body.pop("waitSeconds", 15)
    if body:
        raise InvalidRequestError(f"There is no member {next(iter(body))!r}.")
    if not isinstance(type_, str) or type_ not in SCENARIOS:
        raise InvalidRequestError(f"type is one of {', '.join(SCENARIOS)}.")
    # No lone surrogate is printable, and no address could name such a user.
    if (
        not isinstance(user, str)
        or not user.isprintable()
        or not isinstance(context, str | None)
        or not isinstance(every, bool)
    ):
        raise InvalidRequestError("user and context are texts, every is true or false.")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_WAIT:
        raise InvalidRequestError(f"waitSeconds is a number from 0 to {LONGEST_WAIT}.")
    return Scenario(type_, user, context, every, seconds)
