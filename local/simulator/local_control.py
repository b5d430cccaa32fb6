"""Local additions mounted at /local/simulator: counters, events, configuration, faults.

VOD has none of them; the page, the commands and the tests use them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulator.fault_rules import rule_as_json, set_dial
from local.simulator.request_body import json_object, small_body
from shared.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.counters import Counters
    from local.simulator.faults import FaultDial
    from local.simulator.switches import SwitchBoard

_LARGEST_BODY = 256 * 1024


def create_local_control(
    *,
    counters: Counters,
    configuration: ConfigurationStore,
    faults: FaultDial,
    switches: SwitchBoard,
    emit: Callable[[Mapping[str, object]], Awaitable[None]],
) -> Starlette:
    """Create the application: GET counters, POST emit, GET and PUT config, GET and PUT faults."""

    async def show_counters(_request: Request) -> Response:
        return JSONResponse(counters.as_json())

    async def emit_event(request: Request) -> Response:
        await emit(await _body(request))
        return JSONResponse({}, status_code=202)

    async def config(request: Request) -> Response:
        if request.method == "PUT":
            configuration.change(await _body(request))
        return JSONResponse(configuration.as_json())

    async def fault_rules(request: Request) -> Response:
        if request.method == "PUT":
            set_dial(await _body(request), faults, switches)
        rules = [rule_as_json(fault) for fault in faults.present]
        return JSONResponse({"faults": rules, "switches": switches.present.as_json()})

    return Starlette(
        routes=[
            Route("/counters", show_counters),
            Route("/emit", emit_event, methods=["POST"]),
            Route("/config", config, methods=["GET", "PUT"]),
            Route("/faults", fault_rules, methods=["GET", "PUT"]),
        ],
        exception_handlers={ValueError: _refused, ServiceError: _refused},
    )


async def _body(request: Request) -> dict[str, object]:
    return json_object(await small_body(request, max_bytes=_LARGEST_BODY))


async def _refused(_request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ServiceError) else 422
    return JSONResponse({"error": str(error)}, status_code=status)
