"""One clock for several processes: the real time plus a number of seconds that a test sets."""

from __future__ import annotations

import mmap
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = struct.Struct("d")
_real_time = time.time


class SharedClock:
    """A clock in Unix seconds; every process that opened the same file sees every move at once."""

    def __init__(self, path: Path) -> None:
        self.file = path
        if not path.exists():
            path.write_bytes(bytes(_SECONDS.size))
        with path.open("r+b") as file:
            self._moved_by = mmap.mmap(file.fileno(), _SECONDS.size)

    def __call__(self) -> float:
        """Return the moved time."""
        moved_by: float = _SECONDS.unpack_from(self._moved_by)[0]
        return _real_time() + moved_by

    def advance(self, seconds: float) -> None:
        """Move it forward; the real time does not pass."""
        moved_by: float = _SECONDS.unpack_from(self._moved_by)[0]
        _SECONDS.pack_into(self._moved_by, 0, moved_by + max(0.0, seconds))
