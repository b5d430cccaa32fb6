"""Calls in a bounded number of threads, whose results one thread collects, and what they use in turn."""

from __future__ import annotations

from _queue import Empty, SimpleQueue
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.deadline import in_daemon_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.deadline import Start

T = TypeVar("T")


class Workers(Generic[T]):
    """At most `most` calls at the same time, each in a thread of its own (`start`).

    One thread begins the calls and collects their results. A call is recorded in the invocation of that
    thread (`shared.invocation_log`).
    """

    def __init__(self, most: int, start: Start = in_daemon_thread) -> None:
        self._most = most
        self._start = start
        self._ended: SimpleQueue[Callable[[], T]] = SimpleQueue()
        self.busy = 0
        """The number of calls whose results have not been collected."""

    @property
    def free(self) -> int:
        """The number of calls that can be begun."""
        return self._most - self.busy

    def begin(self, call: Callable[[], T]) -> None:
        """Begin a call; one must be free."""
        self.busy += 1
        self._start(partial(copy_context().run, self._run, call))

    def ended(self, seconds: float) -> list[T]:
        """Return the results of the calls that have ended; wait for the first of them at most so long.

        Raises:
            BaseException: what a call has raised.

        """
        results: list[T] = []
        while self.busy:
            try:
                result = self._ended.get(timeout=0 if results else max(0.0, seconds))
            except Empty:
                break
            self.busy -= 1
            results.append(result())
        return results

    def _run(self, call: Callable[[], T]) -> None:
        try:
            value = call()
        except BaseException as error:  # noqa: BLE001 -- `ended` raises it
            failure = error

            def result() -> T:
                raise failure

            self._ended.put(result)
        else:
            self._ended.put(lambda: value)


class Pool(Generic[T]):
    """Things that one thread uses at a time, each made when all others are in use."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._idle: list[T] = []

    @contextmanager
    def lent(self) -> Iterator[T]:
        """Lend one for the block."""
        try:
            thing = self._idle.pop()
        except IndexError:
            thing = self._make()
        try:
            yield thing
        finally:
            self._idle.append(thing)
