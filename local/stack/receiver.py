"""The demo app's back end: receives the webhooks, verifies them and shows them.

It verifies with the specification's own library and shares no code with the sender (`shared.http.webhook`).
What it has verified it can forward to an app, byte for byte, whose answer is then its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from standardwebhooks.webhooks import Webhook
from starlette.responses import JSONResponse, Response, StreamingResponse

from local.simulator.faults import FaultDial
from local.simulator.faulty_answers import REQUEST_KINDS, answer
from local.stack.problems import problem
from local.webhook_forwarding import forward

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from pathlib import Path

    from starlette.requests import Request

MAX_EVENTS = 1000
MAX_BODY_BYTES = 1024 * 1024
_HEARTBEAT_SECONDS = 15.0
_OF_THE_CONNECTION = frozenset({"host", "connection", "content-length", "transfer-encoding"})


class _Filter(NamedTuple):
    """The one type of an upload's events that the app gets, and the bodies of the others."""

    only: str
    withheld: list[dict[str, object]]


class Receiver:
    """Keeps the newest events in memory and, one JSON text a line, in `file`."""

    def __init__(
        self,
        secrets: Iterable[str],
        file: Path,
        *,
        faults: FaultDial | None = None,
        forward_to: str | None = None,
    ) -> None:
        """Accept webhooks signed with one of `secrets`; load the events that `file` holds."""
        self._forward_to = forward_to
        self._faults = faults or FaultDial()
        self._webhooks = [Webhook(secret) for secret in secrets]
        self._file = file
        self._events: deque[dict[str, object]] = deque(_kept_events(file), maxlen=MAX_EVENTS)
        file.write_text("".join(_line(event) for event in self._events))
        file.chmod(0o600)
        self._listeners: set[asyncio.Queue[dict[str, object] | None]] = set()
        self._filters: dict[object, _Filter] = {}
        self._closed = False

    @contextlib.contextmanager
    def only(self, upload_id: str, type_: str) -> Iterator[list[dict[str, object]]]:
        """Withhold all of an upload's events but one type from the app; yield the bodies withheld so far.

        They are answered 204, and neither forwarded nor shown. After a block that raised it stays so, because
        events of its upload may still come.
        """
        self._filters[upload_id] = chosen = _Filter(type_, [])
        yield chosen.withheld
        del self._filters[upload_id]

    async def receive(self, request: Request) -> Response:
        """POST /local/receiver: 204 or the app's answer, 401 for what is not signed by us; or a fault."""
        return await answer(self._take, request, self._faults.strike("Receiver", REQUEST_KINDS))

    async def events(self, request: Request) -> Response:
        """GET /local/events: what was received, oldest first; `?uploadId=` selects one upload's."""
        wanted = request.query_params.get("uploadId")
        return JSONResponse([event for event in self._events if wanted in {None, _upload_id(event)}])

    async def stream(self, _request: Request) -> Response:
        """GET /local/events/stream: the same as server-sent events, then each new one as it comes."""
        return StreamingResponse(
            self._stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._closed = True
        for listener in self._listeners:
            listener.put_nowait(None)

    async def _take(self, request: Request) -> Response:
        body = await _read_at_most(request, MAX_BODY_BYTES)
        if body is None:
            return problem(413, "A webhook has at most 1 MB.")
        content = self._verified(body, dict(request.headers))
        if content is None:
            return problem(401, "The webhook's signature does not match.")
        if self._withholds(content):
            return Response(status_code=204)
        headers = {name: text for name, text in request.headers.items() if name not in _OF_THE_CONNECTION}
        response = Response(status_code=204)
        if self._forward_to is not None:
            answer = await asyncio.to_thread(forward, self._forward_to, body, headers)
            kept = {} if answer.retry_after is None else {"Retry-After": answer.retry_after}
            response = Response(answer.problem, answer.status, headers=kept)
        self._keep(headers, body, content, answered=response.status_code)
        return response

    def _withholds(self, content: dict[str, object]) -> bool:
        chosen = self._filters.get(_upload_id({"body": content}))
        if chosen is None or chosen.only == content.get("type"):
            return False
        if all(content.get("id") != known.get("id") for known in chosen.withheld):
            chosen.withheld.append(content)
        return True

    def _verified(self, body: bytes, headers: dict[str, str]) -> dict[str, object] | None:
        for webhook in self._webhooks:
            try:
                content = webhook.verify(body, headers)
            except Exception:  # noqa: BLE001, S112  # the library lets decoding errors of hostile headers through
                continue
            if isinstance(content, dict):
                return content
        return None

    def _keep(
        self, headers: dict[str, str], body: bytes, content: dict[str, object], *, answered: int
    ) -> None:
        seen = {_webhook_id(event) for event in self._events}
        event: dict[str, object] = {
            "receivedAt": dt.datetime.now(tz=dt.timezone.utc).isoformat(timespec="milliseconds"),
            "verified": True,
            "repeat": headers["webhook-id"] in seen,
            "answered": answered,
            "headers": headers,
            "text": body.decode(),
            "body": content,
        }
        self._events.append(event)
        with self._file.open("a") as file:
            file.write(_line(event))
        for listener in self._listeners:
            listener.put_nowait(event)

    async def _stream(self) -> AsyncIterator[str]:
        listener: asyncio.Queue[dict[str, object] | None] = asyncio.Queue()
        if self._closed:
            listener.put_nowait(None)
        self._listeners.add(listener)
        try:
            yield ": here\n\n" + "".join(map(_message, self._events))
            while True:
                try:
                    event = await asyncio.wait_for(listener.get(), _HEARTBEAT_SECONDS)
                except asyncio.TimeoutError:
                    yield ": still here\n\n"
                    continue
                if event is None:
                    return
                yield _message(event)
        finally:
            self._listeners.discard(listener)


def _kept_events(file: Path) -> list[dict[str, object]]:
    """Load what an earlier run stored; a line cut off by a crash is skipped."""
    if not file.exists():
        return []
    kept = []
    for line in file.read_text(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            kept.append(event)
    return kept


def _message(event: dict[str, object]) -> str:
    return f"data: {_line(event)}\n"


def _line(event: dict[str, object]) -> str:
    return json.dumps(event, separators=(",", ":")) + "\n"


def _upload_id(event: dict[str, object]) -> object:
    body = event.get("body")
    content = body.get("data") if isinstance(body, dict) else None
    return content.get("uploadId") if isinstance(content, dict) else None


def _webhook_id(event: dict[str, object]) -> object:
    headers = event.get("headers")
    return headers.get("webhook-id") if isinstance(headers, dict) else None


async def _read_at_most(request: Request, limit: int) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
