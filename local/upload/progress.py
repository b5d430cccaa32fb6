"""Show the progress of an upload: one line that is redrawn on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_BAR_WIDTH = 24
_REDRAW_SECONDS = 0.1
_PLAIN_STEP_PERCENT = 25
_KILOBYTE, _MEGABYTE = 1000, 1_000_000


class Progress:
    """Sums up the bytes of all parts; safe to call from several threads."""

    def __init__(
        self, total_bytes: int, stream: TextIO, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to `stream`, and redraw only if it is a terminal."""
        self._total = total_bytes
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._last_drawn = float("-inf")
        self._last_percent = 0
        self._positions: dict[object, int] = {}
        self._lock = threading.Lock()

    def advance(self, part: object, position: int) -> None:
        """Record that `position` bytes of `part` are sent; a retry may set a part back."""
        with self._lock:
            self._positions[part] = position
            now, percent = self._clock(), self._percent()
            if not self._stream.isatty():
                if percent - self._last_percent >= _PLAIN_STEP_PERCENT:
                    self._last_percent = percent - percent % _PLAIN_STEP_PERCENT
                    self._write(self._line(now) + "\n")
            elif now - self._last_drawn >= _REDRAW_SECONDS or self._sent() == self._total:
                self._last_drawn = now
                self._write(f"\r{self._bar()} {self._line(now)}\x1b[K")

    def close(self) -> None:
        """End the line that was redrawn."""
        if self._stream.isatty() and self._positions:
            self._write("\n")

    def _sent(self) -> int:
        return sum(self._positions.values())

    def _percent(self) -> int:
        return 100 * self._sent() // self._total

    def _bar(self) -> str:
        filled = _BAR_WIDTH * self._sent() // self._total
        return "[" + "#" * filled + "." * (_BAR_WIDTH - filled) + "]"

    def _line(self, now: float) -> str:
        sent, seconds = self._sent(), now - self._started
        unit, bytes_ = ("MB", _MEGABYTE) if self._total >= _MEGABYTE else ("kB", _KILOBYTE)
        line = f"{self._percent():3} %  {sent / bytes_:.1f} of {self._total / bytes_:.1f} {unit}"
        if sent == 0 or seconds <= 0:
            return line
        speed = sent / seconds
        return f"{line}  {speed / bytes_:.1f} {unit}/s  {clock_text((self._total - sent) / speed)} left"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def clock_text(seconds: float) -> str:
    """Format a duration as `7 s`, `3:07` or `1:02:03`."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
