"""The send slots of the app's endpoint, as `shared/store/lua/send_slots.lua` gives them to all runs."""

from __future__ import annotations

import math

FAILURES = 10
"""So many without a delivery between them, and there is one slot a second; then it doubles each second."""


class Pace:
    """When the next events may be sent, at most `most` a second."""

    def __init__(self, most: float) -> None:
        self.next_at = 0.0
        self._most = self._rate = most
        self._failures = 0.0
        self._changed_at = self._slow_until = 0.0

    @property
    def is_probing(self) -> bool:
        """True while the endpoint fails."""
        return self._slow_until == math.inf

    def take(self, now: float, events: float, *, slowest: float) -> None:
        """Take slots for so many events, each of `slowest` seconds or more; one while the endpoint fails."""
        if self.is_probing:
            # A job that stands for many events is tried less often than each second: nothing depends on it.
            self.next_at = now + max(1, events / self._most)
            return
        if now >= self._slow_until:
            self._rate = self._most
        # Of a job that stands for more events than the slow start has slots, it is only the time that counts.
        at_most = now + events * max(1 / self._most, slowest)
        self.next_at = max(at_most, min(now + events / self._rate, self._slow_until))

    def note(self, now: float, events: float, *, delivered: bool) -> None:
        """Note how attempts ended."""
        if not delivered:
            self._failures += events
            if self._failures >= FAILURES:
                self._rate, self._changed_at, self._slow_until = min(1.0, self._most), now, math.inf
            return
        self._failures = 0
        if self.is_probing:
            self._slow_until = now + math.log2(max(1.0, self._most))
        if self._rate < self._most and now - self._changed_at >= 1:
            self._rate, self._changed_at = min(2 * self._rate, self._most), now
