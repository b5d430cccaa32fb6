"""Measure a cold start: how long a function's file takes to import, and how many modules that loads.

The conditions are those of SCF: its version of Python, only the package to import from, no bytecode written.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from local.package.interpreter import runtime_python

if TYPE_CHECKING:
    from local.package.build import Package

REPEATS = 5
_PROGRAM = """\
import importlib, sys, time
before, started = len(sys.modules), time.perf_counter()
importlib.import_module(sys.argv[1])
taken = time.perf_counter() - started
import json
print(json.dumps([len(sys.modules) - before, taken]))
"""


@dataclass(frozen=True)
class ColdStart:
    """The number of modules imported, and the median time in seconds."""

    modules: int
    seconds: float


def measure(package: Package) -> ColdStart | None:
    """Import the function's file in new processes; return None where its libraries cannot run."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    runs = [_run(package) for _ in range(REPEATS)]
    return ColdStart(runs[0][0], median(seconds for _, seconds in runs))


def _run(package: Package) -> tuple[int, float]:
    with tempfile.TemporaryDirectory() as scratch:
        run = subprocess.run(  # noqa: S603  # the interpreter we found
            [runtime_python(), "-s", "-S", "-c", _PROGRAM, package.function],
            env={"PYTHONPATH": str(package.folder), "PYTHONDONTWRITEBYTECODE": "x"},
            cwd=scratch,
            capture_output=True,
            check=True,
        )
    modules, seconds = json.loads(run.stdout)
    return int(modules), float(seconds)
