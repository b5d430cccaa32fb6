"""GET and PUT /local/faults: show and set the fault dial of the running stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.simulator.fault_rules import dial_as_json, read_rules
from local.simulator.request_body import json_object, small_body
from local.stack.problems import problem
from shared.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.simulator.faults import FaultDial

_LARGEST_BODY = 64 * 1024


def fault_endpoint(dial: FaultDial) -> Callable[[Request], Awaitable[Response]]:
    """Create the endpoint of one dial; invalid rules get 400 and a sentence."""

    async def answer(request: Request) -> Response:
        if request.method == "PUT":
            try:
                rules, seed = read_rules(json_object(await small_body(request, max_bytes=_LARGEST_BODY)))
            except ServiceError as error:
                return problem(error.status, error.detail)
            except ValueError as error:
                return problem(400, str(error))
            dial.set(rules, seed=seed)
        return JSONResponse(dial_as_json(dial))

    return answer
