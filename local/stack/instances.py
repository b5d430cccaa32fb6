"""Instances of the functions, each a process that runs one invocation at a time, as on SCF.

Processes give every stack its own environment, and unlike threads they can be ended when a function exceeds
its time limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.repository import REPOSITORY
from local.stack.function_instance import HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

USER_CODE_EXCEPTION = 430
CONTAINER_EXITED = 405
TIME_LIMIT_REACHED = 433
"""Function status codes of the platform (doc 583/35311)."""

TIME_LIMIT_SECONDS: Mapping[str, int] = {
    "event_notification": 15,
    "reliable_notification": 55,
    "event_delivery": 55,
}
"""Functions whose limit is not the usual one, as in serverless.yml."""
_USUAL_TIME_LIMIT_SECONDS = 5
_COLD_START_SECONDS = 20
_KEPT_FROM_PARENT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "VIRTUAL_ENV")


class FunctionFailedError(Exception):
    """An invocation that ended without a result; `status_code` is the platform's own."""

    def __init__(self, message: str, *, status_code: int) -> None:
        """Set the log's message and the status code."""
        super().__init__(message)
        self.status_code = status_code


@dataclass(eq=False)
class _Instance:
    process: asyncio.subprocess.Process
    fresh: bool = field(default=True)

    async def exchange(self, invocation: bytes) -> dict[str, object]:
        reader, writer = self.process.stdout, self.process.stdin
        if reader is None or writer is None:
            raise ConnectionError("The instance has no pipes.")
        writer.write(HEADER.pack(len(invocation)) + invocation)
        await writer.drain()
        (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
        outcome: dict[str, object] = json.loads(await reader.readexactly(length))
        self.fresh = False
        return outcome


class Instances:
    """At most `limit` instances; further invocations wait for a free one, and fail once it `has_stopped`."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        log_file: Path,
        limit: int = 6,
        package: str = "functions",
        tree: Path = REPOSITORY,
    ) -> None:
        """Set the functions' environment; what they print is appended to `log_file`.

        `tree` is the repository, or another revision of it, whose functions run.
        """
        inherited = {name: os.environ[name] for name in _KEPT_FROM_PARENT if name in os.environ}
        # No proxy variables and no cloud credentials come along: only loopback is ever called.
        self._environment = {**inherited, "PYTHONPATH": str(tree), "TZ": "UTC", **environment}
        self._log_file = log_file
        self._package = package
        self._tree = tree
        self._places = asyncio.Semaphore(limit)
        self._idle: list[_Instance] = []
        self._all: set[_Instance] = set()
        self.has_stopped = False

    async def invoke(self, function: str, event: Mapping[str, object], *, request_id: str = "") -> object:
        """Call `main_handler` of the function's file and return its result.

        Raises:
            FunctionFailedError: it raised, ended its process or exceeded its time limit.

        """
        limit_seconds = TIME_LIMIT_SECONDS.get(function, _USUAL_TIME_LIMIT_SECONDS)
        context = scf_context(function, request_id or str(uuid.uuid4()), limit_seconds)
        invocation = json.dumps(
            {"module": f"{self._package}.{function}", "event": event, "context": context}
        ).encode()
        async with self._places:
            if self.has_stopped:
                raise FunctionFailedError("The stack is ending.", status_code=CONTAINER_EXITED)
            instance = self._idle.pop() if self._idle else await self._start()
            allowed = limit_seconds + (_COLD_START_SECONDS if instance.fresh else 0)
            try:
                outcome = await asyncio.wait_for(instance.exchange(invocation), allowed)
            except asyncio.TimeoutError:
                message = f"{function} ran longer than {limit_seconds} s."
                raise FunctionFailedError(message, status_code=TIME_LIMIT_REACHED) from None
            except (asyncio.IncompleteReadError, ConnectionError):
                message = f"{function} ended its instance."
                raise FunctionFailedError(message, status_code=CONTAINER_EXITED) from None
            else:
                self._idle.append(instance)
            finally:
                if instance not in self._idle:
                    await self._end(instance)
        if "raised" in outcome:
            raise FunctionFailedError(str(outcome["raised"]), status_code=USER_CODE_EXCEPTION)
        return outcome["result"]

    async def stop(self) -> None:
        """End every instance at once, as the platform may at any moment."""
        self.has_stopped = True
        await asyncio.gather(*map(self._end, tuple(self._all)))

    async def _start(self) -> _Instance:
        with self._log_file.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "local.stack.function_instance",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environment,
                cwd=self._tree,
                # Ctrl-C is for us; instances end when we say so.
                start_new_session=True,
            )
        instance = _Instance(process)
        self._all.add(instance)
        return instance

    async def _end(self, instance: _Instance) -> None:
        self._all.discard(instance)
        with contextlib.suppress(ProcessLookupError):
            instance.process.kill()
        if instance.process.stdin is not None:
            instance.process.stdin.close()
        await instance.process.wait()


def scf_context(function: str, request_id: str, time_limit_seconds: int) -> dict[str, object]:
    """Build the second argument of a handler (doc 583/9210)."""
    return {
        "request_id": request_id,
        "time_limit_in_ms": time_limit_seconds * 1000,
        "memory_limit_in_mb": 256,
        "function_name": function,
        "function_version": "$LATEST",
        "namespace": "default",
        "environment": "{}",
        "environ": "",
        "tencentcloud_region": "ap-singapore",
        "tencentcloud_appid": "1500012345",
        "tencentcloud_uin": "100000000001",
    }
