"""One deadline for all waits of an operation, and calls in threads that can be abandoned.

`_thread` does what `threading` would, without an import of two milliseconds in every cold start.
"""

from __future__ import annotations

import _thread
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Start: TypeAlias = Callable[[Callable[[], None]], object]
    """Starts a function: in a new thread in a deployment, in the caller's own where a test wants that."""

_Result = TypeVar("_Result")


class Deadline:
    """The instant by which an operation has to end, `seconds` after its construction.

    `clock` returns seconds and never goes back.
    """

    __slots__ = ("_at", "_clock")

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._at = clock() + seconds

    def left(self) -> float:
        """Return the seconds that are left, more than 0.

        Raises:
            TimeoutError: none are left.

        """
        left = self._at - self._clock()
        if left <= 0:
            raise TimeoutError("The deadline is over.")
        return left


def in_daemon_thread(function: Callable[[], None]) -> None:
    """Start a function in a thread that does not keep the process alive."""
    _thread.start_new_thread(function, ())


class BackgroundCall(Generic[_Result]):
    """A call in another thread; waiting for its result has a time-out, the call itself has none."""

    def __init__(self, function: Callable[[], _Result], start: Start = in_daemon_thread) -> None:
        self._function = function
        self._running = _thread.allocate_lock()
        self._running.acquire()
        start(self._run)

    def _run(self) -> None:
        try:
            self._value = self._function()
            self._error: BaseException | None = None
        except BaseException as error:  # noqa: BLE001 -- `result` raises it
            self._error = error
        finally:
            self._running.release()

    @property
    def has_ended(self) -> bool:
        """Return whether the call has returned or raised."""
        return not self._running.locked()

    def result(self, seconds: float) -> _Result:
        """Wait for the result and return it, or raise what the function raised.

        Raises:
            TimeoutError: it has not ended after so many seconds.

        """
        if not self._running.acquire(timeout=seconds):
            raise TimeoutError("The call takes too long.")
        self._running.release()
        if self._error is not None:
            raise self._error
        return self._value
