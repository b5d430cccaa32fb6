"""The real store on virtual time."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING
from unittest import mock

import redis

from local.stack.embedded_store import EmbeddedStore

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from tests.simulation.scheduler import Scheduler

LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/local/lib/faketime/libfaketime.so.1")


def faketime_library() -> str:
    """Return the path of libfaketime, or nothing."""
    return next((path for pattern in LIBRARIES for path in sorted(glob.glob(pattern))), "")  # noqa: PTH207 -- absolute patterns


class VirtualStore:
    """An embedded Valkey whose clock is the modification time of a file: whole seconds of virtual time.

    The server reads its clock some fourteen times for each command. A time of modification is one system call
    of each reading, and a time inside the file would be four.
    """

    def __init__(self, folder: Path, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._clock = folder / "clock"
        self._shown = int(scheduler.now)
        self._clock.touch()
        os.utime(self._clock, (self._shown, self._shown))
        self._store = EmbeddedStore(folder / "store")

    @property
    def url(self) -> str:
        """The address of the real server."""
        return self._store.url

    def show_now(self) -> None:
        """Move the clock of the server to virtual time."""
        if int(self._scheduler.now) != self._shown:
            self._shown = int(self._scheduler.now)
            os.utime(self._clock, (self._shown, self._shown))

    def __enter__(self) -> Self:
        """Start the server under libfaketime."""
        variables = {
            "LD_PRELOAD": faketime_library(),
            "FAKETIME_FOLLOW_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            # The file's time, which stands still in between.
            "FAKETIME": "%x0",
        }
        with mock.patch.dict(os.environ, variables):
            self._store.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        # A signal alone waits for a timer of the server, and its clock stands still.
        with redis.Redis.from_url(self.url) as client:
            client.shutdown(nosave=True)
        self._store.stop()
