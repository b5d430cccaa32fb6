"""SCF's runtime API of CustomRuntime on this machine, and instances of functions that are started by it.

Written after docs 583/47274 and 583/38130; a public client reports that `ready` needs a body.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import subprocess
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from local.stack.instances import USER_CODE_EXCEPTION, FunctionFailedError
from tests.deploy.packaged_instances import Deployed, PackagedInstances
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MEMORY_MEGABYTES = 256


@dataclass(frozen=True)
class Invocation:
    """One event as the API hands it out."""

    event: bytes
    request_id: str
    time_limit_ms: int


class RuntimeApi(ThreadingHTTPServer):
    """Serves one instance: what it asks for, in the order that the documents give."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port of the loopback."""
        super().__init__(("127.0.0.1", 0), _Answers)
        self.ready = threading.Event()
        self.closed = threading.Event()
        self.waiting: queue.Queue[Invocation] = queue.Queue()
        self.current: Invocation | None = None
        self.outcomes: queue.Queue[tuple[str, bytes]] = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def invoke(self, invocation: Invocation) -> tuple[str, bytes]:
        """Hand out an event; return `response` or `error`, and what came with it."""
        assert self.ready.wait(PATIENCE_SECONDS), "the function is not ready"
        self.waiting.put(invocation)
        return self.outcomes.get(timeout=PATIENCE_SECONDS)

    def next_invocation(self) -> Invocation | None:
        """Wait for an event; the one that is under way comes again; None once the API is closed."""
        while self.current is None and not self.closed.is_set():
            with contextlib.suppress(queue.Empty):
                self.current = self.waiting.get(timeout=0.1)
        return self.current

    def close(self) -> None:
        """Stop serving."""
        self.closed.set()
        self.shutdown()
        self.server_close()


class _Answers(BaseHTTPRequestHandler):
    server: RuntimeApi

    def do_GET(self) -> None:
        if self.path != "/runtime/invocation/next" or not self.server.ready.is_set():
            self._answer(404)
        elif invocation := self.server.next_invocation():
            self._answer(
                200,
                invocation.event,
                Request_Id=invocation.request_id,
                Memory_Limit_In_Mb=str(MEMORY_MEGABYTES),
                Time_Limit_In_Ms=str(invocation.time_limit_ms),
            )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.path.removeprefix("/runtime/invocation/")
        if self.path == "/runtime/init/ready" and body:
            self.server.ready.set()
            self._answer(200)
        elif kind in {"response", "error"} and self.server.current:
            self.server.current = None
            self.server.outcomes.put((kind, body))
            self._answer(200)
        else:
            self._answer(400)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the base class names it
        """Be silent."""


class CustomRuntimeInstances(PackagedInstances):
    """One instance of each function, started by the bootstrap in its package with `python`."""

    def __init__(self, deployed: Mapping[str, Deployed], *, folder: Path, python: str) -> None:
        """Prepare; no instance is started yet."""
        super().__init__(deployed, folder=folder)
        self._packages, self._logs, self._python = deployed, folder, python
        self._running: dict[str, tuple[RuntimeApi, subprocess.Popen[bytes]]] = {}
        self._one_at_a_time: dict[str, asyncio.Lock] = {}

    async def invoke(self, function: str, event: Mapping[str, object], *, request_id: str = "") -> object:
        """Call the function through the runtime API and return its result.

        Raises:
            FunctionFailedError: it raised.

        """
        if function in self.off:
            return None
        async with self._one_at_a_time.setdefault(function, asyncio.Lock()):
            if function not in self._running:
                self._running[function] = self._started_by_bootstrap(function)
            limit = self._packages[function].time_limit * 1000
            invocation = Invocation(json.dumps(event).encode(), request_id or str(uuid.uuid4()), limit)
            kind, content = await asyncio.to_thread(self._running[function][0].invoke, invocation)
        if kind == "error":
            raise FunctionFailedError(content.decode(), status_code=USER_CODE_EXCEPTION)
        result = json.loads(content)
        self.results[function].append(result)
        return result

    async def stop(self) -> None:
        """End every instance."""
        for api, process in self._running.values():
            process.kill()
            process.wait()
            api.close()

    def _started_by_bootstrap(self, function: str) -> tuple[RuntimeApi, subprocess.Popen[bytes]]:
        api, deployed = RuntimeApi(), self._packages[function]
        self._logs.mkdir(parents=True, exist_ok=True)
        with (self._logs / "functions.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  # our own bootstrap
                [str(deployed.package / "bootstrap")],
                stdout=log,
                stderr=log,
                cwd=self._logs,
                env={
                    **deployed.variables,
                    "_HANDLER": f"{function}.main_handler",
                    "SCF_RUNTIME_API": "127.0.0.1",
                    "SCF_RUNTIME_API_PORT": str(api.server_port),
                    "PYTHON_OF_LAYER": self._python,
                    "TENCENTCLOUD_RUNENV": "SCF",
                },
            )
        return api, process
