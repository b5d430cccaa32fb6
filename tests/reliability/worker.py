"""The functions in processes that may be killed or stopped at a crash point, as SCF starts instances.

Each life is a fork of a server that has imported this module, and thus all functions, and built nothing.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.stack.instances import TIME_LIMIT_SECONDS, scf_context
from local.stack.process_tree import end_with_parent
from shared.store.connection import StoreConnection
from tests.reliability.crash_points import ADAPTERS, CrashPoint, install
from tests.reliability.moved_time import SharedClock
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.connection import Connection

    from typing_extensions import Self

    Invocation = tuple[str, object]

NAMES = ("event_notification", "event_delivery", "reliable_notification", "upload_signature")
FUNCTIONS = {name: importlib.import_module(f"functions.{name}") for name in NAMES}
REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a10"
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class Instance:
    """An instance as the platform runs it; a life may also end between a result and its answer."""

    def invoke(self, function: str, event: object) -> object:
        """Run one invocation."""
        context = scf_context(function, REQUEST_ID, TIME_LIMIT_SECONDS.get(function, 5))
        return FUNCTIONS[function].main_handler(event, context)


@dataclass(frozen=True)
class Life:
    """One process from start to end: what it answered, and how it ended."""

    results: tuple[Any, ...]
    ended: int | None

    @property
    def was_killed(self) -> bool:
        """True if it died at its crash point."""
        assert self.ended in (0, -signal.SIGKILL), self.ended
        return self.ended != 0


class Worker:
    """One life after the other, with the same settings, clock and log."""

    def __init__(self, environment: Mapping[str, str], *, clock_file: Path, log_file: Path) -> None:
        self._environment, self._files = environment, (clock_file, log_file)

    def __enter__(self) -> Self:
        """Begin no life yet."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill a life that is still stopped."""
        self._process.kill()

    def live(
        self, invocations: Sequence[Invocation], *, point: CrashPoint | None = None, **settings: str
    ) -> Life:
        """Run invocations in one life until they are done or it is killed."""
        self._begin(invocations, point, settings)
        return self._end()

    def stop_at(self, point: CrashPoint, invocations: Sequence[Invocation], **settings: str) -> None:
        """Begin a life, and return once it was stopped at a point."""
        self._begin(invocations, point, settings)
        stat = Path(f"/proc/{self._process.pid}/stat")
        wait_until(lambda: stat.read_text(encoding="ascii").rpartition(") ")[2][0] == "T", "it to stop")

    def resume(self) -> Life:
        """Let the stopped life go on to its end."""
        os.kill(self._process.pid or 0, signal.SIGCONT)
        return self._end()

    def _begin(
        self, invocations: Sequence[Invocation], point: CrashPoint | None, settings: Mapping[str, str]
    ) -> None:
        self._results, results = FORKS.Pipe(duplex=False)
        life = (results, invocations, point, {**self._environment, **settings}, *self._files)
        self._process = FORKS.Process(target=_live, args=life, daemon=True)
        self._process.start()
        results.close()

    def _end(self) -> Life:
        results = []
        with suppress(EOFError):
            while True:
                results.append(self._results.recv())
        self._process.join()
        return Life(tuple(results), self._process.exitcode)


def _live(  # noqa: PLR0913, PLR0917  # what a life needs
    results: Connection,
    invocations: Sequence[Invocation],
    point: CrashPoint | None,
    environment: Mapping[str, str],
    clock_file: Path,
    log_file: Path,
) -> None:
    end_with_parent(signal.SIGKILL)
    clock = SharedClock(clock_file)
    # The vendor's SDK reads the time too, so it is moved for all of the process.
    time.time = clock
    time.sleep = clock.advance  # type: ignore[assignment]  # the clock's argument has no position-only name
    StoreConnection.time = lambda self: clock()  # type: ignore[method-assign]  # noqa: ARG005 -- a method; the store has moved on as well
    os.environ.update(environment)
    sys.stdout = sys.stderr = log_file.open("a", buffering=1, encoding="utf-8")
    if point is not None:
        install(point, {**ADAPTERS, "Instance": Instance})
    instance = Instance()
    for function, event in invocations:
        results.send(instance.invoke(function, event))
