"""Route the requests of the local stack: by host for VOD's own names, else by path."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from local.documents.page import documents_endpoint
from local.environment_file import CALLBACK_PREFIX
from local.openapi.endpoints import document_endpoint, page_endpoint
from local.repository import REPOSITORY
from local.simulator.hosts import is_server_api_call
from local.simulator.storage_request import FORWARD_HEADER
from local.stack.demo_settings import is_own_host, is_vod_host, user_token
from local.stack.fault_endpoint import fault_endpoint
from local.stack.invoke_api import is_invoke_call
from local.stack.journal_endpoint import journal_routes
from local.stack.problems import problem
from local.stack.trigger_endpoint import trigger_endpoint
from shared.config.settings import CallerSettings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from local.operator.trigger_scenario import ScenarioRunner
    from local.simulator.faults import FaultDial
    from local.simulator.faulty_answers import Endpoint
    from local.simulator.switches import SwitchBoard
    from local.stack.gateway import Gateway
    from local.stack.receiver import Receiver

PAGE_FOLDER = REPOSITORY / "local/page"
CLIENT_FOLDER = REPOSITORY / "clients/web"
"""Served under its own path, so that the page's imports lead to the same files as on the disk."""
WEB_SDK_FILE = PAGE_FOLDER / "node_modules/vod-js-sdk-v6/dist/vod-js-sdk-v6.js"

_SECONDS = re.compile(r"-?[0-9]{1,6}", re.ASCII)
_PAGE_FILES = StaticFiles(directory=PAGE_FOLDER, html=True, check_dir=False)
_ROOT = PurePosixPath("/")
_PAGE_SUFFIXES = frozenset({".css", ".html", ".js", ".svg"})
_BY_PATH = re.compile(r"/local/vod/(?P<host>[A-Za-z0-9.-]+)(?P<path>/.*)?", re.DOTALL)
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class _Rest(PathConvertor):
    """All that is left of a path; starlette's own convertor ends at a line break."""

    regex = "(?s:.*)"


register_url_convertor("rest", _Rest())


class SimulatorParts(Protocol):
    """The ASGI applications that the VOD simulator consists of."""

    @property
    def app(self) -> ASGIApp:
        """Control calls, storage and server API, dispatched by host."""

    @property
    def media(self) -> ASGIApp:
        """Finished media and covers."""

    @property
    def control(self) -> ASGIApp:
        """Counters, events and configuration."""

    @property
    def extra_hosts(self) -> frozenset[str]:
        """Hosts of the configuration that `app` answers beside VOD's own."""

    @property
    def faults(self) -> FaultDial:
        """The fault dial of the whole stack."""

    @property
    def switches(self) -> SwitchBoard:
        """The simulator's answers to what is not documented."""


@dataclass(frozen=True)
class LocalRoutes:
    """The root ASGI application, the same on the plain and on the TLS port."""

    simulator: SimulatorParts
    by_path: ASGIApp
    invoke_api: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        rehosted = _rehosted(scope)
        if is_invoke_call(headers):
            await self.invoke_api(scope, receive, send)
        elif rehosted is not None:
            await self.simulator.app(rehosted, receive, send)
        elif self._is_for_vod(scope, headers):
            await self.simulator.app(scope, receive, send)
        elif scope["path"].startswith("/local/") and not is_own_host(headers.get("host", "")):
            await problem(403, "Call the stack by its address: this name is not its own.")(
                scope, receive, send
            )
        else:
            await self.by_path(scope, receive, send)

    def _is_for_vod(self, scope: Scope, headers: Headers) -> bool:
        host = headers.get("host", "")
        return (
            is_vod_host(host)
            or host.partition(":")[0] in self.simulator.extra_hosts
            or FORWARD_HEADER in headers
            or (scope["path"] == "/" and is_server_api_call(scope["method"], "/", headers))
        )


def create_routes(  # noqa: PLR0913 -- what is joined here has that many parts
    *,
    gateway: Gateway,
    invoke_api: ASGIApp,
    simulator: SimulatorParts,
    receiver: Receiver,
    scenarios: ScenarioRunner,
    info: Mapping[str, object],
    environment: Mapping[str, str],
) -> LocalRoutes:
    """Create the application; `info` is what GET /local/info shows."""
    callback = gateway.endpoint("event_notification", mounted_at=CALLBACK_PREFIX)
    status = gateway.endpoint("upload_status")
    faults = fault_endpoint(simulator.faults, simulator.switches)
    by_path = Starlette(
        routes=[
            Route("/signature", gateway.endpoint("upload_signature"), methods=_EVERY_METHOD),
            Route("/uploads", status, methods=_EVERY_METHOD),
            Route("/uploads/{upload_id:rest}", status, methods=_EVERY_METHOD),
            Route("/health", status, methods=_EVERY_METHOD),
            Route(f"{CALLBACK_PREFIX}/{{token:rest}}", callback, methods=_EVERY_METHOD),
            Route("/local/info", _info_endpoint(info)),
            Route("/local/token", _token_endpoint(environment)),
            Route("/local/openapi.json", document_endpoint),
            Route("/local/api", page_endpoint),
            Route("/local/docs", documents_endpoint),
            Route("/local/receiver", receiver.receive, methods=["POST"]),
            Route("/local/events", receiver.events),
            Route("/local/events/stream", receiver.stream),
            *journal_routes(environment, time.time),
            Route("/local/faults", faults, methods=["GET", "PUT"]),
            Route("/local/trigger", trigger_endpoint(scenarios), methods=["POST"]),
            Mount("/local/media", simulator.media),
            Mount("/local/simulator", simulator.control),
            Mount("/clients/web", StaticFiles(directory=CLIENT_FOLDER, check_dir=False)),
            Route("/vod-js-sdk-v6.js", _web_sdk),
        ],
        exception_handlers={HTTPException: _http_problem, Exception: _unexpected_problem},
    )
    by_path.router.redirect_slashes = False
    by_path.router.default = _page
    return LocalRoutes(simulator, by_path, invoke_api)


def _info_endpoint(info: Mapping[str, object]) -> Endpoint:
    async def show(_request: Request) -> Response:
        return JSONResponse(info)

    return show


def _token_endpoint(environment: Mapping[str, str]) -> Endpoint:
    async def issue(request: Request) -> Response:
        query = request.query_params
        try:
            ttl_seconds = _seconds(query.get("ttl", "3600"))
            token = user_token(environment, user=query.get("user", "alice"), ttl_seconds=ttl_seconds)
        except ValueError as error:
            return problem(422, f"No token is made for this: {error}.")
        headers = {"Cache-Control": "no-store", "Vary": "Origin"}
        origin = request.headers.get("origin", "")
        if origin in load_settings(CallerSettings, environment).cors_origins:
            headers["Access-Control-Allow-Origin"] = origin
        return PlainTextResponse(token, headers=headers)

    return issue


def _seconds(text: str) -> int:
    if not _SECONDS.fullmatch(text):
        raise ValueError("ttl: seconds, at most one day")
    return int(text)


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the page's own files, which lie directly in its folder.

    Answer 404 for anything else, such as the Node packages and the linter's settings beside them.
    """
    path = PurePosixPath(scope["path"])
    is_own_file = path.parent == _ROOT and (path == _ROOT or path.suffix in _PAGE_SUFFIXES)
    if scope["method"] not in {"GET", "HEAD"} or not is_own_file:
        raise HTTPException(404)
    await _PAGE_FILES(scope, receive, send)


async def _web_sdk(_request: Request) -> Response:
    if not WEB_SDK_FILE.is_file():
        return problem(503, "The Web SDK is not installed: run `npm ci --prefix local/page`.")
    return FileResponse(WEB_SDK_FILE, media_type="text/javascript")


async def _http_problem(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = {404: "There is nothing at this address.", 405: "This address does not take this method."}
    answer = problem(status, detail.get(status, "The request cannot be served."))
    if isinstance(error, HTTPException) and error.headers:
        answer.headers.update(error.headers)
    return answer


async def _unexpected_problem(_request: Request, _error: Exception) -> Response:
    return problem(500, "The local stack itself failed; its log says why.")


def _rehosted(scope: Scope) -> Scope | None:
    """Convert /local/vod/{host}/{path} to a request for {path} with that Host; None for other paths."""
    match = _BY_PATH.fullmatch(scope["path"])
    if match is None or not is_vod_host(match["host"]):
        return None
    path = match["path"] or "/"
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("ascii")
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "path": path,
        "raw_path": ("/" + raw_path.split("/", 4)[4] if raw_path.count("/") > 3 else "/").encode(),  # noqa: PLR2004  # after /local/vod/host
        "headers": [(b"host", match["host"].encode()), *headers],
    }
