"""New processes that import a function as SCF does and answer one invocation: timed, or counted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.package.interpreter import runtime_python
from local.stack.instances import scf_context
from tests.bench import cachegrind, layouts
from tests.deploy import scf_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.bench.invocations import Deployment

WITH_READ_BACK_AND_WEBHOOK = "event_notification, packaged, read-back and webhook"
_HERE = "/proc/self/cwd"
"""The package's folder as the process sees it: the same in every checkout and temporary folder.

The length and the hash of a path change the count.
"""


class WrongAnswerError(Exception):
    """A case did not answer as it should; the message has its name and the start of its answer."""


@dataclass(frozen=True)
class Case:
    """One thing to start: a folder to import from, the file in it, and what it is invoked with."""

    folder: Path
    file: str
    variables: Mapping[str, str]
    event: Callable[[], Mapping[str, object]]
    wants: Callable[[Any], bool]


class ColdStarts:
    """Starts cases, each in a new process, and records the peak memory of each."""

    def __init__(self, scratch: Path) -> None:
        """Use `scratch` as the only writable folder."""
        self._scratch = scratch
        # A copy, so that the folder beside the program holds nothing to import.
        self._program = shutil.copy(scf_runtime.__file__, scratch)
        # Not the link in a virtual environment: the path of its pyvenv.cfg would change the count.
        self._python = os.path.realpath(runtime_python())
        self.resident: dict[str, float] = {}

    def start(self, name: str, case: Case) -> float:
        """Measure the seconds from the start of the process to its first answer.

        Raises:
            WrongAnswerError: it was not the expected answer.

        """
        line = _invocation(case)
        started = time.perf_counter()
        with subprocess.Popen(  # noqa: S603  # the interpreter we found
            self._command(case),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=case.folder,
            env=self._environment(case),
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
            taken = time.perf_counter() - started
            self.resident[name] = max(self.resident.get(name, 0.0), _resident_mb(process.pid))
            process.stdin.close()
        _check(name, case, answer)
        return taken

    def count(self, name: str, case: Case) -> int:
        """Count the user instructions of the process, from its start to its end, under valgrind.

        Raises:
            CountError: valgrind did not report a count.
            WrongAnswerError: as `start`.

        """
        report = self._scratch / "cachegrind.txt"
        run = subprocess.run(  # noqa: S603  # as above
            [*cachegrind.prefix(report), *self._command(case)],
            input=_invocation(case),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=case.folder,
            env={**self._environment(case), "PYTHONHASHSEED": "0"},
            check=False,
        )
        count = cachegrind.instruction_count(report.read_text(encoding="utf-8"))
        _check(name, case, run.stdout)
        return count

    def _command(self, case: Case) -> list[str]:
        program = os.path.relpath(self._program, case.folder)
        return [self._python, "-s", "-S", f"{_HERE}/{program}", case.file]

    def _environment(self, case: Case) -> dict[str, str]:
        return {
            **case.variables,
            "PYTHONPATH": f"{_HERE}:{_HERE}/opt",
            "PYTHONDONTWRITEBYTECODE": "x",
            "TENCENTCLOUD_RUNENV": "SCF",
            "SCRATCH": str(self._scratch),
        }


def packaged_cases(deployment: Deployment, target: Path, packaged: Mapping[str, Path]) -> dict[str, Case]:
    """Return the cases that are timed and counted: each function as packaged, and the vendor's bare demo.

    `packaged` has the folder of each function's unpacked zip; the demo is laid out below `target`.
    """
    found = {
        f"{function}, packaged": Case(
            folder=folder,
            file=function,
            variables=deployment.variables(function),
            event=partial(deployment.event, function),
            wants=partial(deployment.is_right, function),
        )
        for function, folder in packaged.items()
    }
    found[WITH_READ_BACK_AND_WEBHOOK] = Case(
        folder=packaged["event_notification"],
        file="event_notification",
        variables=deployment.variables("event_notification", whole=True),
        event=partial(deployment.event, "event_notification"),
        wants=deployment.is_delivered,
    )
    found[layouts.DEMO] = Case(
        folder=layouts.demo(target),
        file=layouts.DEMO,
        variables={},
        event=lambda: {"body": json.dumps({"sourceContext": "lesson 3"})},
        wants=lambda result: result["statusCode"] == 200,
    )
    return found


def _invocation(case: Case) -> bytes:
    invocation = {"event": case.event(), "context": scf_context(case.file, "cold", 30)}
    return json.dumps(invocation).encode() + b"\n"


def _check(name: str, case: Case, answer: bytes) -> None:
    outcome = json.loads(answer)
    if not case.wants(outcome.get("result")):
        raise WrongAnswerError(f"{name} answered {json.dumps(outcome)[:500]}")


def _resident_mb(process_id: int) -> float:
    text = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0
