"""What the timer goes by: the positions in VOD's lists of media, and the uploads for which something is due.

There is a position for each sub-application and pass, held under a lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import UnreadableRecordError
from shared.store.connection import StoreConnection, record_in
from shared.store.upload_record import read_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from shared.domain.list_position import ListPosition, TailLease
    from shared.domain.session import UploadSession
    from shared.redis.resp import Word

    S = TypeVar("S")

UNREADABLE_SECONDS = 3600
"""The pause before a record is read again that could not be: another release may have written it."""


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


class DueStore(StoreConnection):
    """Sorted sets of what a timer has to do with uploads, by the Unix second at which it is due.

    A member begins with the id of an upload, whose record has the rest. One whose record is gone is removed,
    and one whose record cannot be read is put off: neither may hold up the others.
    """

    def _take_due(
        self,
        index: str,
        read: Callable[[str, Mapping[str, str]], S | None],
        *,
        now: int,
        limit: int,
        lease_ends_at: int,
    ) -> list[S]:
        """Take from each partition's sorted set the members that are due, until the lease ends; read them.

        Two round trips; a partition that does not answer is left out, unless none does.
        """
        terms: list[Word] = [now, lease_ends_at, limit]
        due = self._script_for_each(
            "take_due", [(it, ([f"{it}:{index}"], terms)) for it in self._partitions()]
        )
        return self._read_due(index, dict(due), read, now=now)

    def _read_due(
        self,
        index: str,
        due: Mapping[str, Sequence[str]],
        read: Callable[[str, Mapping[str, str]], S | None],
        *,
        now: int,
    ) -> list[S]:
        """Read members, by partition, with their uploads' records; `read` returns None for what is gone."""
        members = [(partition, member) for partition, of_one in due.items() for member in of_one]
        if not members:
            return []
        records = self._pipeline(
            [("HGETALL", f"{partition}:upload:{member.partition(' ')[0]}") for partition, member in members]
        )
        found = []
        for (partition, member), reply in zip(members, records, strict=True):
            key, record = f"{partition}:{index}", record_in(reply)
            try:
                one = read(member, record) if record else None
            except UnreadableRecordError:
                self._execute("ZADD", key, "XX", "GT", now + UNREADABLE_SECONDS, member)
                continue
            if one is None:
                self._execute("ZREM", key, member)
            else:
                found.append(one)
        return found


class CheckStore(DueStore):
    """The uploads of one stage that are to be checked."""

    def uploads_to_check(self, *, now: int, limit: int) -> tuple[UploadSession, ...]:
        """Read the uploads whose check is due, at most `limit` of each partition. Two round trips.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        due = self._due_members("checks", now=now, limit=limit)
        return tuple(self._read_due("checks", due, read_session, now=now))

    def check_again(self, session: UploadSession, *, at: int | None) -> None:
        """Schedule the next check of an upload at Unix second `at`; None for no further check.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        checks = f"{self._partition_of(session.user_id)}:checks"
        if at is None:
            self._execute("ZREM", checks, session.upload_id)
        else:
            self._execute("ZADD", checks, "XX", "GT", at, session.upload_id)


def _text(position: ListPosition) -> str:
    return f"{position.second} {position.offset}"
