"""One clock for several processes: the real time plus a number of seconds that a test sets."""

from __future__ import annotations

import mmap
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_real_time = time.time


class SharedClock:
    """A clock in Unix seconds; every process that opened the same file sees every move at once."""

    def __init__(self, path: Path) -> None:
        self.file = path
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._moved_by = mmap.mmap(file.fileno(), 8)

    def __call__(self) -> float:
        """Return the moved time."""
        return _real_time() + self._seconds()

    def advance(self, seconds: float) -> None:
        """Move it forward; the real time does not pass."""
        struct.pack_into("d", self._moved_by, 0, self._seconds() + max(0.0, seconds))

    def _seconds(self) -> float:
        return float(struct.unpack("d", self._moved_by)[0])
