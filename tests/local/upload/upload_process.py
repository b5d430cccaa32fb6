"""The upload command, here or as a process, and changes of the stack while it runs."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.__main__ import main
from local.repository import REPOSITORY
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.stack.stack import Stack

NOBODY = "http://127.0.0.1:9"
"""Nothing listens on the discard port."""


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", "upload", *arguments]


def _environment(url: str, temporary_folder: Path | None = None) -> dict[str, str]:
    folder = {"TMPDIR": str(temporary_folder)} if temporary_folder else {}
    # A proxy that must not be used: nothing answers there.
    return {"LOCAL_URL": url, "http_proxy": NOBODY, **folder}


def upload(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process to its end; `url` is where it expects a stack."""
    printed, told = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(told),
    ):
        for name, value in _environment(url).items():
            patch.setenv(name, value)
        code = main(["upload", *arguments])
    return subprocess.CompletedProcess(arguments, code, printed.getvalue(), told.getvalue())


def upload_as_process(
    url: str, *arguments: str, temporary_folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as a process to its end, with its temporary files in that folder."""
    return subprocess.run(  # noqa: S603  # our own words
        _command(*arguments),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=REPOSITORY,
        env={**os.environ, **_environment(url, temporary_folder)},
    )


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    """Start the command and leave it running."""
    return subprocess.Popen(  # noqa: S603  # our own words
        _command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **_environment(url)},
    )


def only_sentence(outcome: subprocess.CompletedProcess[str], *, code: int = 1) -> str:
    """Assert that the command failed with one line and no output, and return the line."""
    assert outcome.returncode == code, outcome.stderr
    assert outcome.stdout == ""
    lines = outcome.stderr.splitlines()
    assert len(lines) == 1, outcome.stderr
    return lines[0]


def counters(stack: Stack) -> dict[str, Any]:
    """Return the simulator's counters."""
    counters: dict[str, Any] = requests.get(f"{stack.url}/local/simulator/counters", timeout=10).json()
    return counters


def set_fault(stack: Stack, **fault: str | float) -> None:
    """Set the simulator's fault dial."""
    requests.put(
        f"{stack.url}/local/simulator/faults", json={"faults": [fault]}, timeout=10
    ).raise_for_status()


def wait_until_parts_are_sent(stack: Stack) -> None:
    """Wait until the storage has received the first request for parts."""
    wait_until(lambda: counters(stack).get("InitiateMultipartUpload", 0) > 0, "the first part")


@contextlib.contextmanager
def other_server() -> Iterator[str]:
    """Serve something that is no local stack."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
