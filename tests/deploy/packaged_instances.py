"""Instances of the packaged functions, in place of those that run from the repository.

The gateway and the timers of the local stack call them like `local.stack.instances`; each runs `scf_runtime`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.package.interpreter import runtime_python
from local.stack.instances import CONTAINER_EXITED, USER_CODE_EXCEPTION, FunctionFailedError, scf_context

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAM = Path(__file__).with_name("scf_runtime.py")
_LARGEST_OUTCOME_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Deployed:
    """One function as it is deployed: its unpacked package, its environment, its time limit in seconds."""

    package: Path
    variables: Mapping[str, str]
    time_limit: int


class PackagedInstances:
    """One instance of each function, started when it is first called.

    An instance gets only what its function is deployed with; scratch folders, and what the functions print,
    are below `folder`.
    """

    def __init__(self, deployed: Mapping[str, Deployed], *, folder: Path) -> None:
        """Prepare; no instance is started yet."""
        self._deployed = deployed
        self._folder = folder
        self.off: frozenset[str] = frozenset()
        """Functions that are not called: their timers are off."""
        self._started: dict[str, asyncio.subprocess.Process] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self.imported: dict[str, set[str]] = {function: set() for function in deployed}
        self.results: dict[str, list[object]] = {function: [] for function in deployed}

    async def invoke(self, function: str, event: Mapping[str, object], *, request_id: str = "") -> object:
        """Call `main_handler` in the function's instance and return its result.

        Raises:
            FunctionFailedError: it raised, or ended its process.

        """
        if function in self.off:
            return None
        context = scf_context(function, request_id or str(uuid.uuid4()), self._deployed[function].time_limit)
        async with self._turns.setdefault(function, asyncio.Lock()):
            instance = self._started.get(function) or await self._start(function)
            outcome = await _exchange(instance, {"event": event, "context": context})
        self.imported[function].update(outcome["imported"])
        if "raised" in outcome:
            raise FunctionFailedError(outcome["raised"], status_code=USER_CODE_EXCEPTION)
        self.results[function].append(outcome["result"])
        return outcome["result"]

    async def stop(self) -> None:
        """End every instance."""
        for instance in self._started.values():
            with contextlib.suppress(ProcessLookupError):
                instance.kill()
            await instance.wait()

    async def _start(self, function: str) -> asyncio.subprocess.Process:
        scratch = self._folder / function
        scratch.mkdir(parents=True)
        # A copy, so that the folder beside the program holds nothing to import.
        program = shutil.copy(_PROGRAM, scratch)
        with (self._folder / "functions.log").open("ab") as log:
            instance = await asyncio.create_subprocess_exec(
                runtime_python(),
                *("-s", "-S", "-W", "error", str(program), function),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LARGEST_OUTCOME_BYTES,
                cwd=scratch,
                env={
                    **self._deployed[function].variables,
                    "PYTHONPATH": f"{self._deployed[function].package}:{scratch / 'opt'}",
                    "PYTHONDONTWRITEBYTECODE": "x",
                    "TENCENTCLOUD_RUNENV": "SCF",
                    "SCRATCH": str(scratch),
                    "TMPDIR": str(scratch),
                },
            )
        self._started[function] = instance
        return instance


async def _exchange(instance: asyncio.subprocess.Process, invocation: Mapping[str, object]) -> dict[str, Any]:
    reader, writer = instance.stdout, instance.stdin
    if reader is None or writer is None:
        raise ConnectionError("The instance has no pipes.")
    writer.write(json.dumps(invocation).encode() + b"\n")
    await writer.drain()
    if not (line := await reader.readline()):
        raise FunctionFailedError("The instance has ended.", status_code=CONTAINER_EXITED)
    outcome: dict[str, Any] = json.loads(line)
    return outcome
