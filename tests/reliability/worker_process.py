"""A worker as the tests use it: send invocations, and read how far it came before it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from tests.reliability.crash_points import CrashPoint

_STOPPED = "T"


@dataclass(frozen=True)
class Life:
    """One process from start to end: what it answered, and how it ended."""

    results: tuple[Any, ...]
    ended: int

    @property
    def was_killed(self) -> bool:
        """True if it died at its crash point."""
        assert self.ended in (0, -signal.SIGKILL), self.ended
        return self.ended != 0


class WorkerProcess:
    """One process after the other, each as if SCF had started a new instance."""

    def __init__(self, environment: Mapping[str, str], *, clock_file: Path, log_file: Path) -> None:
        self._environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TZ": "UTC", **environment}
        self._command = [sys.executable, "-m", "tests.reliability.worker", str(clock_file)]
        self._log_file = log_file
        self._process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        """Start; the imports are done once for all lives."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # fixed words, and a path of ours
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                cwd=REPOSITORY,
                text=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it, and with it a life that is still stopped."""
        self._process.kill()
        self._process.communicate()

    def live(
        self,
        invocations: Sequence[tuple[str, object]],
        *,
        point: CrashPoint | None = None,
        **settings: str,
    ) -> Life:
        """Run invocations in one life until they are done or it is killed."""
        self.begin(invocations, point=point, **settings)
        return self.end()

    def begin(
        self,
        invocations: Sequence[tuple[str, object]],
        *,
        point: CrashPoint | None = None,
        **settings: str,
    ) -> int:
        """Begin a life and return its process id."""
        order = {
            "invocations": list(invocations),
            "point": None if point is None else asdict(point),
            "settings": settings,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._hear()["process"])

    def end(self) -> Life:
        """Wait until the life that was begun has ended."""
        results = []
        while "ended" not in (outcome := self._hear()):
            results.append(outcome["result"])
        return Life(tuple(results), int(outcome["ended"]))

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the worker is gone: see {self._log_file}"
        outcome: dict[str, Any] = json.loads(line)
        return outcome


def wait_until_stopped(process: int) -> None:
    """Return once a process has been stopped by SIGSTOP."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2][0] != _STOPPED:
        assert time.monotonic() < deadline, "it did not stop in time"
        time.sleep(0.005)
