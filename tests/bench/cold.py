"""Cold start: from a new process to its first answer, file cache warm, imitated as in tests/deploy."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.package.contents import LIBRARIES
from local.package.interpreter import runtime_python
from local.stack.embedded_store import EmbeddedStore
from local.stack.instances import scf_context
from tests.bench import layouts
from tests.bench.invocations import Deployment
from tests.bench.series import in_turns, keep, machine, ratio, spread
from tests.deploy import scf_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 20
BEFORE = os.environ.get("BENCH_BEFORE", "1d6e867")
"""A revision of this repository whose code, laid out plainly, is started as well; empty, none is.

This one is the last whose functions imported pydantic, PyJWT and redis-py, and so the last for which it
mattered much how pip lays them out.
"""
TIMERS = ("reliable_notification", "event_delivery")
MOST_TIMES_THE_DEMO = {function: 8.0 if function in TIMERS else 4.0 for function in LIBRARIES}
LEAST_TIMES_FASTER = 4.0
MOST_RESIDENT_MB = 80.0


@dataclass(frozen=True)
class Case:
    """One thing to start: a folder to import from, the file in it, and what it is invoked with."""

    folder: Path
    file: str
    variables: Mapping[str, str]
    event: Callable[[], Mapping[str, object]]
    wants: Callable[[Any], bool]


class ColdStarts:
    """Starts cases, each in a new process, and remembers how much memory each came to have."""

    def __init__(self, scratch: Path) -> None:
        """Have `scratch` as the only place that can be written to."""
        self._scratch = scratch
        # A copy, so that the folder beside the program holds nothing to import.
        self._program = shutil.copy(scf_runtime.__file__, scratch)
        self.resident: dict[str, float] = {}

    def start(self, name: str, case: Case) -> float:
        """Measure the seconds from the start of the process to its first answer."""
        invocation = {"event": case.event(), "context": scf_context(case.file, "cold", 30)}
        line = json.dumps(invocation).encode() + b"\n"
        environment = {
            **case.variables,
            "PYTHONPATH": f"{case.folder}:{self._scratch / 'opt'}",
            "PYTHONDONTWRITEBYTECODE": "x",
            "TENCENTCLOUD_RUNENV": "SCF",
            "SCRATCH": str(self._scratch),
        }
        started = time.perf_counter()
        with subprocess.Popen(  # noqa: S603  # the interpreter we found
            [runtime_python(), "-s", "-S", self._program, case.file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=case.folder,
            env=environment,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
            taken = time.perf_counter() - started
            self.resident[name] = max(self.resident.get(name, 0.0), _resident_mb(process.pid))
            process.stdin.close()
        outcome = json.loads(answer)
        if not case.wants(outcome.get("result")):
            message = f"{name} answered {json.dumps(outcome)[:500]}"
            raise AssertionError(message)
        return taken


def _resident_mb(process_id: int) -> float:
    text = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


def cases(deployment: Deployment, target: Path) -> dict[str, Case]:
    """Lay everything out: by function and layout, `upload_signature, packaged`."""
    packaged = layouts.packaged(target)
    laid_out = {
        "packaged": packaged,
        "plain": layouts.plain(target, packaged),
        "floor": layouts.floor(target, packaged),
    }
    if BEFORE:
        laid_out["before"] = layouts.plain(target, packaged, BEFORE)
    found = {}
    for function in LIBRARIES:
        for layout, folders in laid_out.items():
            is_floor = layout == "floor"
            found[f"{function}, {layout}"] = Case(
                folder=folders[function],
                file=layouts.FLOOR if is_floor else function,
                variables=deployment.variables(function),
                event=partial(deployment.event, function),
                wants=bool if is_floor else partial(deployment.is_right, function),
            )
    found["event_notification, packaged, read-back and webhook"] = Case(
        folder=packaged["event_notification"],
        file="event_notification",
        variables=deployment.variables("event_notification", whole=True),
        event=partial(deployment.event, "event_notification"),
        wants=partial(deployment.is_right, "event_notification"),
    )
    found[layouts.DEMO] = Case(
        folder=layouts.demo(target),
        file=layouts.DEMO,
        variables={},
        event=lambda: {"body": json.dumps({"sourceContext": "lesson 3"})},
        wants=lambda result: result["statusCode"] == 200,
    )
    return found


def measure(rounds: int = ROUNDS) -> list[str]:
    """Measure, print the table, and say what misses its target."""
    with contextlib.ExitStack() as parts:
        target = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        store = parts.enter_context(EmbeddedStore(target / "store"))
        deployment = parts.enter_context(Deployment(store.url))
        scratch = target / "scratch"
        scratch.mkdir()
        starts = ColdStarts(scratch)
        to_start = cases(deployment, target)
        series = in_turns(
            {name: partial(starts.start, name, case) for name, case in to_start.items()}, rounds
        )
    resident = {name: starts.resident[name] for name in series}
    keep("cold", {"series": series, "resident": resident, "before": BEFORE})
    faults = faults_in(series, resident)
    sys.stdout.write(table(series, resident, rounds))
    return faults


def table(series: Mapping[str, list[float]], resident: Mapping[str, float], rounds: int) -> str:
    """Spell the figures in Markdown."""
    demo = series[layouts.DEMO]
    lines = [
        f"Cold start, {rounds} of each in turns. {machine()}",
        "",
        "| | ms, median (quartiles) | times the demo | its floor | plain `pip install -t` | resident |",
        "|---|--:|--:|--:|--:|--:|",
        f"| the vendor's bare demo | {spread(demo)} | 1 | | | {resident[layouts.DEMO]:.0f} MB |",
    ]
    for name, values in series.items():
        function, _, layout = name.partition(", ")
        if not layout.startswith("packaged"):
            continue
        floor, plain = series[f"{function}, floor"], series[f"{function}, plain"]
        before = series.get(f"{function}, before")
        # The plain layouts are started with what journaling alone needs.
        is_same = layout == "packaged"
        was = f"; {spread(before)}, {ratio(before, values):.1f} times at {BEFORE}" if before else ""
        times, faster = ratio(values, demo), ratio(plain, values)
        laid_out = f"{spread(plain)}, {faster:.1f} times{was}" if is_same else ""
        lines.append(
            f"| `{function}`{layout.removeprefix('packaged')} | {spread(values)} | {times:.2f} "
            f"| {spread(floor) if is_same else ''} | {laid_out} | {resident[name]:.0f} MB |"
        )
    return "\n".join(lines) + "\n"


def faults_in(series: Mapping[str, list[float]], resident: Mapping[str, float]) -> list[str]:
    """Say what misses its target."""
    faults = []
    for function, most in MOST_TIMES_THE_DEMO.items():
        name = f"{function}, packaged"
        times = ratio(series[name], series[layouts.DEMO])
        # What the same code costs when it is laid out plainly says little once little is imported at all.
        before = series.get(f"{function}, before")
        faster = ratio(before, series[name]) if before else LEAST_TIMES_FASTER
        if times > most:
            faults.append(f"{function} starts cold in {times:.2f} times the demo's time, not {most:.0f}.")
        if faster < LEAST_TIMES_FASTER:
            faults.append(
                f"{function} is {faster:.1f} times faster than {BEFORE}, not {LEAST_TIMES_FASTER:.0f}."
            )
        if resident[name] > MOST_RESIDENT_MB:
            faults.append(f"{function} has {resident[name]:.0f} MB, not {MOST_RESIDENT_MB:.0f}.")
    return faults
