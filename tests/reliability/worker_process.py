"""A worker as the tests use it: send invocations, and read how far it came before it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.repository import REPOSITORY
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from tests.reliability.crash_points import CrashPoint


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
        """Start; the imports are done once for all lives."""
        self._log_file = log_file
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # fixed words, and a path of ours
                [sys.executable, "-m", "tests.reliability.worker", str(clock_file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TZ": "UTC", **environment},
                cwd=REPOSITORY,
                text=True,
            )

    def __enter__(self) -> Self:
        """Use it; it has been started."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill it, and with it a life that is still stopped."""
        self._process.kill()
        self._process.communicate()

    def live(
        self, invocations: Sequence[tuple[str, object]], *, point: CrashPoint | None = None, **settings: str
    ) -> Life:
        """Run invocations in one life until they are done or it is killed."""
        self._begin(invocations, point, settings)
        return self._end()

    def stop_at(self, point: CrashPoint, invocations: Sequence[tuple[str, object]], **settings: str) -> int:
        """Begin a life, and return its process id once it was stopped at a point."""
        process = self._begin(invocations, point, settings)
        stat = Path(f"/proc/{process}/stat")
        wait_until(lambda: stat.read_text(encoding="ascii").rpartition(") ")[2][0] == "T", "it to stop")
        return process

    def resume(self, process: int) -> Life:
        """Let a stopped life go on to its end."""
        os.kill(process, signal.SIGCONT)
        return self._end()

    def _begin(
        self,
        invocations: Sequence[tuple[str, object]],
        point: CrashPoint | None,
        settings: Mapping[str, str],
    ) -> int:
        where = None if point is None else asdict(point)
        order = {"invocations": list(invocations), "point": where, "settings": settings}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._hear()["process"])

    def _end(self) -> Life:
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
