"""The functions in a process that may be killed or stopped at a crash point; run by `worker_process`.

It reads orders, one JSON text a line, and runs each in a life of its own: a fork that has imported everything
and built nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.stack.instances import TIME_LIMIT_SECONDS, scf_context
from local.stack.process_tree import end_with_parent
from tests.reliability.crash_points import ADAPTERS, CrashPoint, install
from tests.reliability.moved_time import SharedClock

if TYPE_CHECKING:
    from io import TextIOWrapper

FUNCTIONS = ("event_notification", "event_delivery", "reliable_notification", "upload_signature")
REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a10"


class Instance:
    """An instance as the platform runs it; a life may also end between a result and its answer."""

    def invoke(self, function: str, event: object) -> object:
        """Run one invocation."""
        context = scf_context(function, REQUEST_ID, TIME_LIMIT_SECONDS.get(function, 5))
        return importlib.import_module(f"functions.{function}").main_handler(event, context)


def main(clock_file: str) -> None:
    """Run every order in a life of its own, and report how it ended."""
    end_with_parent(signal.SIGKILL)
    outcomes = os.fdopen(os.dup(1), "w", buffering=1)
    # What a function prints goes into the log and never between two outcomes.
    os.dup2(2, 1)
    clock = SharedClock(Path(clock_file))
    # The vendor's SDK reads the time too, so it is moved for all of the process.
    time.time = clock
    time.sleep = clock.advance  # type: ignore[assignment]  # the clock's argument has no position-only name
    for function in FUNCTIONS:
        importlib.import_module(f"functions.{function}")
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _live(json.loads(line), outcomes)
        _, status = os.waitpid(process, 0)
        _say(outcomes, ended=os.waitstatus_to_exitcode(status))


def _live(order: dict[str, Any], outcomes: TextIOWrapper) -> None:
    end_with_parent(signal.SIGKILL)
    _say(outcomes, process=os.getpid())
    os.environ.update(order["settings"])
    if order["point"] is not None:
        install(CrashPoint(**order["point"]), {**ADAPTERS, "Instance": Instance})
    instance = Instance()
    for function, event in order["invocations"]:
        _say(outcomes, result=instance.invoke(function, event))
    os._exit(0)


def _say(outcomes: TextIOWrapper, **outcome: object) -> None:
    outcomes.write(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
