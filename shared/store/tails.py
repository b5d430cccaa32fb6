"""The positions in VOD's lists of media: one for each sub-application and pass, held under a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.store.connection import StoreConnection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain.list_position import ListPosition, TailLease
    from shared.store.resp import Word


class TailStore(StoreConnection):
    """The positions of one stage; `name` is that of a sub-application and pass."""

    def add_applications(self, found: Iterable[int], *, now: int) -> None:
        """Add sub-applications to those whose lists are tailed, for the time of retention.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        key, retention = self._applications_key(), self._scope.retention_seconds
        added = [("ZADD", key, now, application) for application in found]
        self._pipeline([*added, ("EXPIRE", key, retention)])

    def tailed_applications(self, *, now: int) -> tuple[int, ...]:
        """Return the sub-applications whose lists are tailed, beside the deployment's own.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        since = now - self._scope.retention_seconds
        return tuple(map(int, self._execute("ZRANGEBYSCORE", self._applications_key(), since, "+inf")))

    def take_tail(
        self, name: str, *, first: ListPosition, now: int, lease: TailLease
    ) -> tuple[bool, list[int]]:
        """Take a position, `first` if there is none; False if another run holds it, which moves it on.

        Returns the two numbers of the position as well.

        Raises:
            StoreUnavailableError: the store did not answer; the lease may have been given.

        """
        arguments: list[Word] = [now, *lease, self._scope.retention_seconds, _text(first)]
        taken, position = self._script("take_tail", [self._tail_key(name)], arguments)
        return bool(taken), [int(number) for number in position.split()]

    def move_tail(self, name: str, position: ListPosition, *, lease: TailLease) -> bool:
        """Record a position and the end of the lease; False if the lease has passed to another run.

        Raises:
            StoreUnavailableError: the store did not answer; the position may be recorded.

        """
        return bool(self._script("move_tail", [self._tail_key(name)], [*lease, _text(position)]))

    def _applications_key(self) -> str:
        return f"{self._partition_of('tail')}:applications"

    def _tail_key(self, name: str) -> str:
        return f"{self._partition_of('tail')}:tail:{name}"


def _text(position: ListPosition) -> str:
    return f"{position.second} {position.offset}"
