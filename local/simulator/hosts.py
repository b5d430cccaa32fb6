"""One address that serves all of VOD's hosts, dispatched by the Host header.

It applies cross-origin rules and the fault dial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.routing import Mount, Router

from local.simulator.control import CONTROL_HOSTS, STATISTICS_HOST
from local.simulator.faulty_answers import REQUEST_KINDS, answer
from local.simulator.form_authorization import FORM_TYPE
from local.simulator.server_api import SERVER_API_HOSTS
from local.simulator.storage_operation import operation_name
from local.simulator.storage_request import FORWARD_HEADER, is_storage_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.control import ControlEndpoint, StatisticsEndpoint
    from local.simulator.faults import FaultDial
    from local.simulator.faulty_answers import Endpoint
    from local.simulator.server_api import ServerApiEndpoint
    from local.simulator.storage import StorageEndpoint
    from local.simulator.switches import SwitchBoard


_COS_HEADERS = ("x-cos-request-id", "x-cos-hash-crc64ecma")


@dataclass(frozen=True)
class Hosts:
    """The ASGI application in front of all endpoints."""

    control: ControlEndpoint
    statistics: StatisticsEndpoint
    storage: StorageEndpoint
    server_api: ServerApiEndpoint
    local: Router
    faults: FaultDial
    switches: SwitchBoard
    configuration: ConfigurationStore

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other kinds of connections are ignored."""
        if scope["type"] != "http":
            return
        endpoint = self._endpoint(Request(scope))
        if endpoint is None:
            await self.local(scope, receive, send)
        else:
            await _with_cross_origin_rules(self._answer_with(endpoint))(scope, receive, send)

    def _answer_with(self, endpoint: Endpoint) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            fault = self.faults.strike(action_of(request), REQUEST_KINDS)
            expired = self.switches.present.expired_credential
            response = await answer(endpoint, request, fault, expired_credential=expired)
            await response(scope, receive, send)

        return app

    def _endpoint(self, request: Request) -> Endpoint | None:
        host = request.headers.get("host", "").lower().partition(":")[0]
        # The mini program SDK sends its storage traffic to the control host, or to a host of its own.
        is_extra = FORWARD_HEADER in request.headers or host in extra_hosts(self.configuration)
        if is_extra or is_storage_host(host):
            return self.storage
        if host in CONTROL_HOSTS:
            return self.control
        if host == STATISTICS_HOST:
            return self.statistics
        if host in SERVER_API_HOSTS or is_server_api_call(request.method, request.url.path, request.headers):
            return self.server_api
        return None


def is_server_api_call(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request to another host is a call of the server API, in either scheme."""
    is_form = path == "/" and headers.get("content-type", "").startswith(FORM_TYPE)
    return method == "POST" and ("x-tc-action" in headers or is_form)


def extra_hosts(configuration: ConfigurationStore) -> frozenset[str]:
    """Return the hosts that Apply's replies name beside the storage's own, if any are configured."""
    present = configuration.present
    return frozenset({present.storage_upload_domain, present.mini_program_accelerate_host} - {""})


def _with_cross_origin_rules(app: ASGIApp) -> ASGIApp:
    """Add the headers that browsers need to read the answers."""
    return CORSMiddleware(
        app,
        allow_origins=["*"],
        allow_methods=["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS"],
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=["ETag", "Date", *_COS_HEADERS, "Content-Length", "Content-Range"],
        max_age=600,
    )


def local_paths(*, media: ASGIApp, control: ASGIApp) -> Router:
    """Return the routes of the local additions, for a simulator that is served alone."""
    return Router([Mount("/local/media", media), Mount("/local/simulator", control)])


def action_of(request: Request) -> str:
    """Return the wire name of the action, which fault rules and declarations refer to."""
    query = request.query_params
    named = query.get("Action") or request.headers.get("x-tc-action")
    if named or request.headers.get("content-type", "").startswith(FORM_TYPE):
        # A form names its action in the body, which is the endpoint's to read.
        return named or ""
    return operation_name(request.method, request.url.path, query, request.headers)
