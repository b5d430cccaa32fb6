"""Programs under Node that run the vendor's SDKs as npm delivers them: `tests/clients/node/`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

FOLDER = Path(__file__).parent / "node"
_SECONDS = 60

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (FOLDER / "node_modules").is_dir(),
    reason="needs Node, and the SDKs of tests/clients/node: make test installs them",
)


class NodeProgram:
    """One running program; it prints JSON, a line each, and its last line is its outcome."""

    def __init__(
        self, script: str, job: Mapping[str, object], *, preload: str = "", **variables: str
    ) -> None:
        """Start it; `preload` is a file of the folder that Node loads first."""
        node = shutil.which("node")
        assert node is not None
        options = ["--require", str(FOLDER / preload)] if preload else []
        self._process = subprocess.Popen(  # noqa: S603  # our own script
            [node, *options, str(FOLDER / script), json.dumps(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], **variables},
        )

    def __enter__(self) -> Self:
        """Return the running program."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.communicate()

    def wait_until_held(self) -> dict[str, Any]:
        """Return what the program prints when it holds a request."""
        assert self._process.stdout is not None
        printed: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        assert "held" in printed, self._process.communicate()
        return printed

    def go_on(self) -> None:
        """Let the held request go."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def outcome(self) -> dict[str, Any]:
        """Wait for the end and return the last line."""
        printed, errors = self._process.communicate(timeout=_SECONDS)
        assert self._process.returncode == 0, errors[-2000:]
        last: dict[str, Any] = json.loads((printed.splitlines() or ["{}"])[-1])
        return last


def run_node(
    script: str, job: Mapping[str, object], *, preload: str = "", **variables: str
) -> dict[str, Any]:
    """Run a program to its end and return its outcome."""
    with NodeProgram(script, job, preload=preload, **variables) as program:
        return program.outcome()
