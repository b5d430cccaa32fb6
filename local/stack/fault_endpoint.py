"""GET and PUT /local/faults: look at the fault dial of the running stack, and turn it.

What a rule says is left to `local.simulator.fault_rules`.
"""

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
    """Make the endpoint of one dial: 400 and a sentence for rules that make no sense."""

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
