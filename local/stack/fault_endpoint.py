"""GET and PUT /local/faults: show and set the fault dial and the switches of the running stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from local.simulator.fault_rules import dial_as_json, set_dial
from local.simulator.request_body import json_object, small_body
from local.stack.problems import problem
from shared.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.simulator.faults import FaultDial
    from local.simulator.switches import SwitchBoard

_LARGEST_BODY = 64 * 1024


def fault_endpoint(dial: FaultDial, switches: SwitchBoard) -> Callable[[Request], Awaitable[Response]]:
    """Create the endpoint of one dial; invalid rules get 400 and a sentence."""

    async def answer(request: Request) -> Response:
        if request.method == "PUT":
            try:
                body = await small_body(request, max_bytes=_LARGEST_BODY)
                set_dial(json_object(body), dial, switches)
            except ServiceError as error:
                return problem(error.status, error.detail)
            except ValueError as error:
                return problem(400, str(error))
        return JSONResponse(dial_as_json(dial, switches))

    return answer
