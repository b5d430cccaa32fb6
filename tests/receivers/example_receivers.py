"""The receivers of clients/examples as processes, with the packages that they import beside them."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY
from local.stack.process_tree import tied_to_us
from tests.clients.packed_client import EXAMPLES, installed_packages, needs_bundler
from tests.shared.loopback_peer import HOST, refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self

PYTHON_PACKAGE = REPOSITORY / "clients/python"
NODE_PACKAGE = REPOSITORY / "clients/node"


@dataclass(frozen=True)
class Example:
    """One receiver: its folder, and the command that runs it; `{port}` is where it listens."""

    folder: str
    file_name: str
    command: tuple[str, ...]

    @property
    def source(self) -> str:
        """The text of the receiver."""
        return (EXAMPLES / self.folder / self.file_name).read_text(encoding="utf-8")


EXPRESS = Example("express", "receiver.js", ("/usr/bin/env", "node", "receiver.js"))
_UVICORN = (sys.executable, "-m", "uvicorn", "receiver:app", "--log-level", "error", "--port", "{port}")
FASTAPI = Example("fastapi", "receiver.py", _UVICORN)
DJANGO = Example(
    "django", "receiver.py", (sys.executable, "receiver.py", "runserver", "--noreload", "{port}")
)
EVERY = (
    pytest.param(EXPRESS, marks=needs_bundler, id="express"),
    *(pytest.param(it, id=it.folder) for it in (FASTAPI, DJANGO)),
)


class ExampleReceiver:
    """A running receiver: `with ExampleReceiver(EXPRESS, folder, secret) as it: it.url`."""

    def __init__(self, example: Example, folder: Path, secret: str) -> None:
        """Copy it into `folder`, beside what it imports."""
        self._port = refused_port()
        self.url = f"http://{HOST}:{self._port}/webhook"
        (folder / example.file_name).write_text(example.source, encoding="utf-8")
        if example is EXPRESS:
            (folder / "package.json").write_text('{"private": true, "type": "module"}')
            install_beside(folder)
        self._folder = folder
        self._command = tied_to_us(*(word.format(port=self._port) for word in example.command))
        self._environment = {
            **os.environ,
            "WEBHOOK_SECRET": secret,
            "PORT": str(self._port),
            "PYTHONPATH": str(PYTHON_PACKAGE),
        }
        self._output = folder / "output"

    def printed(self, start: str) -> list[str]:
        """Return the lines that it has printed and that start like this; servers print others."""
        lines = self._output.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.startswith(start)]

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Post to it, and return the status of its answer."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=10)
        try:
            connection.request("POST", "/webhook", body, dict(headers))
            return connection.getresponse().status
        finally:
            connection.close()

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603  # ours
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._listens, f"the receiver in {self._folder}")
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._output.read_text(encoding="utf-8")
        try:
            return self.post(b"", {}) > 0
        except OSError:
            return False


def install_beside(folder: Path) -> None:
    """Link the packages of clients/examples, and a copy of the package of clients/node, which imports one."""
    packages = folder / "node_modules"
    packages.mkdir()
    for package in installed_packages():
        (packages / package.name).symlink_to(package)
    copy = packages / "vod-upload-events"
    copy.mkdir()
    for file in NODE_PACKAGE.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
