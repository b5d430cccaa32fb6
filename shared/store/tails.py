"""What the timer goes by: the positions in VOD's lists of media, and the uploads for which something is due.

There is a position for each sub-application and pass, held under a lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.store.connection import StoreConnection, record_in
from shared.store.upload_record import read_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain.list_position import ListPosition, TailLease
    from shared.domain.session import UploadSession
    from shared.redis.resp import Word

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


class CheckStore(StoreConnection):
    """The uploads of one stage that are to be checked."""

    def uploads_to_check(self, *, now: int, limit: int) -> tuple[UploadSession, ...]:
        """Read the uploads whose check is due, at most `limit` of each partition.

        One round trip finds them, and one more reads each. An entry whose record is gone is removed, and one
        whose record cannot be read is put off: neither must hold up the others.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        sessions = []
        for partition, upload_ids in self._due_members("checks", now=now, limit=limit).items():
            for upload_id in upload_ids:
                fields = self._hash(f"{partition}:upload:{upload_id}")
                try:
                    sessions.append(read_session(upload_id, fields))
                except (KeyError, TypeError, ValueError):
                    if fields:
                        self._put_off_check(partition, upload_id, at=now + UNREADABLE_SECONDS)
                    else:
                        self._forget_check(partition, upload_id)
        return tuple(sessions)

    def check_again(self, session: UploadSession, *, at: int | None) -> None:
        """Schedule the next check of an upload at Unix second `at`; None for no further check.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        partition, upload_id = self._partition_of(session.user_id), session.upload_id
        if at is None:
            self._forget_check(partition, upload_id)
        else:
            self._put_off_check(partition, upload_id, at=at)

    def _put_off_check(self, partition: str, upload_id: str, *, at: int) -> None:
        self._execute("ZADD", f"{partition}:checks", "XX", "GT", at, upload_id)

    def _forget_check(self, partition: str, upload_id: str) -> None:
        self._execute("ZREM", f"{partition}:checks", upload_id)


class DueStore(StoreConnection):
    """Sorted sets of what a timer has to do with uploads, by the Unix second at which it is due."""

    def _take_due(
        self, index: str, *, now: int, limit: int, lease_ends_at: int
    ) -> list[tuple[str, str, dict[str, str]]]:
        """Take from each partition's sorted set the members that are due, until the lease ends.

        A member begins with the id of an upload. Returns partition, member and the upload's record, empty if
        that is gone. Two round trips; a partition that does not answer is left out, unless none does.
        """
        terms: list[Word] = [now, lease_ends_at, limit]
        due = self._script_for_each(
            "take_due", [(it, ([f"{it}:{index}"], terms)) for it in self._partitions()]
        )
        taken = [(partition, member) for partition, members in due for member in members]
        if not taken:
            return []
        records = self._pipeline(
            [("HGETALL", f"{partition}:upload:{member.partition(' ')[0]}") for partition, member in taken]
        )
        return [(*it, record_in(record)) for it, record in zip(taken, records, strict=True)]


def _text(position: ListPosition) -> str:
    return f"{position.second} {position.offset}"
