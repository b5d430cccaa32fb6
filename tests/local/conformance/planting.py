"""Differences that are planted in a simulator, to see whether the kit names them.

A plant turns a switch, changes the configuration, or changes the replies of one action on their way out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from local.simulator.hosts import action_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Change = Callable[["Answer"], None]


_NO_CONTENT = 204


@dataclass
class Answer:
    """One reply that may be changed; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401  # JSON
        """The body as JSON; an empty object if it is none."""
        return json.loads(self.body) if self.headers.get("content-type") == "application/json" else {}


@dataclass
class Planting:
    """An ASGI application that changes the replies of some actions; `changes` may be replaced."""

    app: ASGIApp
    changes: Mapping[str, Change] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        change = self.changes.get(action_of(Request(scope)))
        if change is None:
            await self.app(scope, receive, send)
            return
        answer = Answer(0, {}, b"")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            answer.body += message.get("body", b"")

        await self.app(scope, receive, sending)
        change(answer)
        is_head = scope["method"] == "HEAD"
        length = answer.headers.get("content-length", "0") if is_head else str(len(answer.body))
        headers = {**answer.headers, "content-length": length}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})


def without(path: str) -> Change:
    """Leave a member out."""
    return _at(path, lambda parent, name: parent.pop(name, None))


def with_member(path: str, value: object) -> Change:
    """Set a member, wherever its parent is there."""
    return _at(path, lambda parent, name: parent.update({name: value}))


def instead(old: str, new: str) -> Change:
    """Replace a text of the body."""

    def change(answer: Answer) -> None:
        answer.body = answer.body.replace(old.encode(), new.encode())

    return change


def with_status(status: int, *, of: int = 0) -> Change:
    """Answer with another status; `of` limits it to answers with that one."""

    def change(answer: Answer) -> None:
        if of in (0, answer.status):
            answer.status = status
            answer.body = b"" if status == _NO_CONTENT else answer.body

    return change


def without_header(*names: str) -> Change:
    """Leave headers out."""

    def change(answer: Answer) -> None:
        for name in names:
            answer.headers.pop(name, None)

    return change


def without_events(event_type: str) -> Change:
    """Leave the events of one type out of PullEvents."""

    def change(answer: Answer) -> None:
        document = answer.document
        events = document["Response"].get("EventSet") or []
        document["Response"]["EventSet"] = [one for one in events if one["EventType"] != event_type]
        answer.body = json.dumps(document).encode()

    return change


def refused(word: str) -> Change:
    """Refuse every call of the server API with this code."""

    def change(answer: Answer) -> None:
        members = {"Error": {"Code": word, "Message": "planted"}, "RequestId": "1"}
        answer.body = json.dumps({"Response": members}).encode()

    return change


def accepted() -> Change:
    """Accept every call of the server API that answers nothing else."""

    def change(answer: Answer) -> None:
        answer.body = json.dumps({"Response": {"RequestId": "1"}}).encode()

    return change


def _at(path: str, act: Callable[[dict[str, Any], str], object]) -> Change:
    *parents, name = path.split(".")

    def change(answer: Answer) -> None:
        document = answer.document
        for parent in _parents(document, parents):
            act(parent, name)
        answer.body = json.dumps(document).encode() if document else answer.body

    return change


def _parents(document: Any, path: list[str]) -> list[dict[str, Any]]:  # noqa: ANN401  # JSON
    found = [document]
    for name in path:
        inner = [one[name] for one in found if isinstance(one, dict) and one.get(name)]
        found = [item for one in inner for item in (one if isinstance(one, list) else [one])]
    return [one for one in found if isinstance(one, dict)]
