"""The receivers of the documents, run as a reader would run them."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.repository import REPOSITORY
from local.stack.process_tree import tied_to_us
from tests.shared.loopback_peer import HOST, refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self


@dataclass(frozen=True)
class Language:
    """One of the receivers: its document and fence, its file name, and the command that runs it."""

    document: str
    fence: str
    file_name: str
    command: tuple[str, ...]

    @property
    def source(self) -> str:
        """The one block of this language that uses the webhooks' library."""
        text = (REPOSITORY / self.document).read_text(encoding="utf-8")
        blocks = re.findall(rf"^```{self.fence}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        (source,) = [str(block) for block in blocks if "standardwebhooks" in block]
        return source


PYTHON = Language("README.md", "python", "receiver.py", (sys.executable,))
JAVASCRIPT = Language("docs/events.md", "js", "receiver.mjs", ("/usr/bin/env", "node"))


class ReceiverProcess:
    """A running receiver: `with ReceiverProcess(PYTHON, folder, secret) as it: it.url`."""

    def __init__(self, language: Language, folder: Path, secret: str) -> None:
        """Write it into `folder`, beside the packages that `npm ci` has installed."""
        self._port = refused_port()
        self._file = folder / language.file_name
        self._file.write_text(language.source, encoding="utf-8")
        (folder / "node_modules").symlink_to(REPOSITORY / "local" / "page" / "node_modules")
        self._command = tied_to_us(*language.command, str(self._file))
        self._environment = {
            **os.environ,
            "WEBHOOK_SECRET": secret,
            "PORT": str(self._port),
            "PYTHONUNBUFFERED": "1",
        }
        self._output = folder / "output"

    @property
    def url(self) -> str:
        """The address of its endpoint."""
        return f"http://{HOST}:{self._port}/events"

    @property
    def printed(self) -> list[str]:
        """The lines that it has printed."""
        return self._output.read_text(encoding="utf-8").splitlines()

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Post to it, and return the status of its answer."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=10)
        try:
            connection.request("POST", "/events", body, dict(headers))
            return connection.getresponse().status
        finally:
            connection.close()

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 -- the documents' words and ours
                self._command, env=self._environment, stdout=output, stderr=subprocess.DEVNULL
            )
        wait_until(self._listens, "the receiver")
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, "the receiver does not start"
        try:
            return self.post(b"", {}) > 0
        except OSError:
            return False
