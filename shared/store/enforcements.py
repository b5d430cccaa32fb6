"""Files that may be beyond their policies: listed by scripts about events, taken by the timer under a lease.

Each partition has a sorted set `enforcements` of them, by the Unix second at which one is looked at next. A
member is the upload's id and the file's, with a blank between; the rest is in the upload's record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.domain.event_status import Verdict
from shared.domain.rejection import read_rejection, write_rejection
from shared.errors import StoreUnavailableError, UnreadableRecordError
from shared.store.tails import DueStore
from shared.store.upload_record import read_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain.rejection import Rejection
    from shared.domain.session import UploadSession
    from shared.redis.resp import Word


class Enforcement(NamedTuple):
    """A file to look at: its upload, and the Unix second and the verdict with which it was told.

    `begun` is what an earlier attempt began to do, None if there was none.
    """

    session: UploadSession
    file_id: str
    told_at: int
    verdict: Verdict
    begun: Rejection | None

    @property
    def member(self) -> str:
        """Its member of the sorted set."""
        return f"{self.session.upload_id} {self.file_id}"

    @property
    def begun_field(self) -> str:
        """The field of the upload's record that has what has begun."""
        return f"enforcing:{self.file_id}"


class EnforcementStore(DueStore):
    """The files of one stage."""

    def take_enforcements(self, *, now: int, lease_ends_at: int, limit: int) -> list[Enforcement]:
        """Take files that are due, at most `limit` of each partition, and read their uploads.

        Nobody else takes them before `lease_ends_at` (Unix seconds). Two round trips.

        Raises:
            StoreUnavailableError: the store did not answer; the files are due when the lease ends.

        """
        return self._take_due("enforcements", _read, now=now, limit=limit, lease_ends_at=lease_ends_at)

    def begin_enforcement(self, it: Enforcement, rejection: Rejection) -> bool:
        """Record what is about to be done with a file; False if that has been stopped.

        Raises:
            StoreUnavailableError: the store did not answer; it may be recorded.

        """
        partition = self._partition_of(it.session.user_id)
        keys = [f"{partition}:upload:{it.session.upload_id}", _index(partition)]
        content, retention = write_rejection(rejection), self._scope.retention_seconds
        arguments: list[Word] = [it.member, it.begun_field, content, retention]
        begun = self._script("begin_enforcement", keys, arguments)
        if not isinstance(begun, int):
            # Not "stopped", which would leave the file as it is for good.
            raise StoreUnavailableError("The store did not answer with a number. Try again in a moment.")
        return bool(begun)

    def enforce_again(self, it: Enforcement, *, at: int) -> None:
        """Have a file looked at again at Unix second `at`, unless that has been stopped.

        Raises:
            StoreUnavailableError: the store did not answer; the file is due when the lease ends.

        """
        self._execute("ZADD", _index(self._partition_of(it.session.user_id)), "XX", at, it.member)

    def finish_enforcements(self, done: Sequence[Enforcement]) -> None:
        """Take files off the list for good.

        Raises:
            StoreUnavailableError: the store did not answer; the files are due when the lease ends.

        """
        commands: list[tuple[str, ...]] = []
        for it in done:
            partition = self._partition_of(it.session.user_id)
            commands.append(("ZREM", _index(partition), it.member))
            commands.append(("HDEL", f"{partition}:upload:{it.session.upload_id}", it.begun_field))
        if commands:
            self._pipeline(commands)


def _read(member: str, record: Mapping[str, str]) -> Enforcement | None:
    """Read a member with its upload's record; None if that was made anew without what the upload began with.

    Raises:
        UnreadableRecordError: it cannot be read.

    """
    upload_id, _, file_id = member.partition(" ")
    told = record.get(f"enforce:{file_id}")
    if told is None:
        return None
    session = read_session(upload_id, record)
    if "unverified" in record:
        # That a file is within its limits is for VOD to say, not for a pusher.
        session = session._replace(size=None, duration=None, media_type="")
    try:
        told_at, verdict = told.split(" ")
        begun = read_rejection(record.get(f"enforcing:{file_id}", ""))
        return Enforcement(session, file_id, int(told_at), Verdict(verdict), begun)
    except (TypeError, ValueError) as error:
        raise UnreadableRecordError("What is planned for a file cannot be read.") from error


def _index(partition: str) -> str:
    return f"{partition}:enforcements"
