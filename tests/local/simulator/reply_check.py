"""Hold every reply that a simulator gives against its declaration, on its way to the client."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from starlette.requests import Request

from local.simulator.control import CONTROL_HOSTS, STATISTICS_HOST
from local.simulator.hosts import action_of
from local.simulator.replies import control, server_api, storage
from local.simulator.replies.members import objections, paths

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from local.simulator.replies.members import Declaration

# Of HTTP itself, of the server under the simulator, and of CORS: not the operation's own.
_HTTP_HEADERS = frozenset({"content-type", "content-length", "date", "server", "vary"})


@dataclass
class ReplyCheck:
    """An ASGI application that passes everything on, and remembers what is wrong with the replies."""

    app: ASGIApp
    wrong: list[str] = field(default_factory=list)
    seen: dict[str, set[str]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked, answered, head = bytearray(), bytearray(), {}

        async def receiving() -> Message:
            message = await receive()
            if len(asked) < 65_536:
                asked.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            head.update({key: value for key, value in message.items() if key in ("status", "headers")})
            answered.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._check(Request(scope), bytes(asked), head, bytes(answered))
            await send(message)

        await self.app(scope, receiving, sending)

    def _check(self, request: Request, asked: bytes, head: dict[str, Any], answered: bytes) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in head["headers"]}
        status, kind = head["status"], headers.get("content-type", "")
        if request.method == "OPTIONS" or request.url.path.startswith("/local/"):
            return
        if "x-cos-request-id" in headers or kind == "application/xml":
            self._check_storage(request, status, headers, answered)
        elif kind == "application/json":
            self._check_json(request, asked, json.loads(answered))

    def _check_json(self, request: Request, asked: bytes, reply: dict[str, Any]) -> None:
        host = request.headers.get("host", "")
        if "Response" in reply:
            members = reply["Response"]
            form = parse_qs(asked.decode("ascii", "replace"))
            action = action_of(request) or form.get("Action", [""])[0]
            declared = server_api.ERROR if "Error" in members else server_api.SERVER_API.get(action)
            self._note("Error" if "Error" in members else action, members, declared)
        elif host == STATISTICS_HOST:
            self._note("Statistics", reply, control.STATISTICS)
        elif host in CONTROL_HOSTS:
            action = "refusal" if reply["code"] else action_of(request)
            self._note(action, reply, control.REFUSAL if reply["code"] else control.CONTROL.get(action))

    def _check_storage(self, request: Request, status: int, headers: dict[str, str], answered: bytes) -> None:
        operation = action_of(request)
        is_error = status >= 400
        own = {
            name: value
            for name, value in headers.items()
            if name not in _HTTP_HEADERS and not name.startswith("access-control-")
        }
        declared = storage.ERROR_HEADERS if is_error else storage.HEADERS.get(operation)
        lower = None if declared is None else {name.lower(): member for name, member in declared.items()}
        # What the fault dial answers in the storage's place has no id of COS's in its headers.
        if not is_error or own:
            self._note(f"headers of {'error' if is_error else operation}", own, lower)
        if answered:
            document = storage.ERROR if is_error else storage.DOCUMENTS.get(operation)
            name = "error" if is_error else operation
            self._note(name, _as_members(ET.fromstring(answered), document or {}, ""), document)  # noqa: S314  # the simulator's own

    def _note(self, name: str, reply: dict[str, Any], declared: Declaration | None) -> None:
        if declared is None:
            self.wrong.append(f"{name}: the reply is not declared")
            return
        self.wrong += [f"{name}: {objection}" for objection in objections(reply, declared)]
        self.seen.setdefault(name, set()).update(paths(reply, declared))


def _as_members(element: ET.Element, declared: Declaration, prefix: str) -> dict[str, Any]:
    """Return the members of an XML document; what is declared as a list is one."""
    members: dict[str, Any] = {}
    for child in element:
        path = f"{prefix}{child.tag}"
        is_list = any(name.startswith(f"{path}[].") for name in declared)
        inside = f"{path}[]." if is_list else f"{path}."
        value = _as_members(child, declared, inside) if len(child) else child.text or ""
        if is_list:
            members.setdefault(child.tag, []).append(value)
        else:
            members[child.tag] = value
    return members
