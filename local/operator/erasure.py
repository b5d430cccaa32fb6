"""What the store keeps of one user: found by a walk over the keys of his partition, and removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.journal import EventKey
from shared.store.connection import StoreConnection, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.redis.resp import Command, Word

# Each step of the walk runs where the partition is, on a cluster too; it names keys that it did not declare.
_STEP = """\
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 1000)
local found = {}
for _, key in ipairs(page[2]) do
  local kind = key:match('^[^}]*}:(%a+):')
  if kind == 'upload' or kind == 'event' then
    if redis.call('HGET', key, 'user_id') == ARGV[3] then found[#found + 1] = key end
  elseif key:sub(-#ARGV[4]) == ARGV[4] then
    found[#found + 1] = key
  end
end
return {page[1], found}
"""
_INDEXES = ("journal", "delivered", "due", "dead", "quarantined")
_OF_UPLOADS = ("checks", "proofs")
_PAGE = 500
_TIME_CHARACTERS = 10


@dataclass(frozen=True)
class UserRecords:
    """The keys of a user's records: his uploads, their events, and what is counted for him."""

    uploads: tuple[str, ...]
    events: tuple[EventKey, ...]
    counters: tuple[str, ...]
    tasks: tuple[str, ...]


class ErasureStore(StoreConnection):
    """The records of single users."""

    def records_of(self, user_id: str) -> UserRecords:
        """Find what is kept of a user; reads every key's name, and of uploads and events whose they are.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        partition, cursor, keys = self._partition_of(user_id), "0", list[str]()
        while True:
            cursor, found = self._step(partition, [cursor, f"{partition}:*", user_id, f":{digest(user_id)}"])
            keys += found
            if cursor == "0":
                break
        names = sorted(set(keys))
        uploads = tuple(key for key in names if key.startswith(f"{partition}:upload:"))
        events = tuple(EventKey(partition, key) for key in names if key.startswith(f"{partition}:event:"))
        counters = {*names} - {*uploads} - {at.key for at in events}
        counters |= {f"{partition}:renew:{_id_in(key)[_TIME_CHARACTERS:]}" for key in uploads}
        counters |= {f"{partition}:proof:{_id_in(key)}" for key in uploads}
        tasks = self._pipeline([("HGET", key, "procedure_task_id") for key in uploads]) if uploads else []
        return UserRecords(
            uploads,
            events,
            tuple(sorted(counters)),
            tuple(f"{self._partition_of(task)}:task:{digest(task)}" for task in tasks if task),
        )

    def erase(self, user_id: str, records: UserRecords) -> int:
        """Remove records and their places in all indexes; returns how many keys there were.

        Raises:
            StoreUnavailableError: the store did not answer; some may be left.

        """
        partition = self._partition_of(user_id)
        commands: list[Command] = [
            ("ZREM", index, at.key) for at in records.events for index in at.indexes(*_INDEXES)
        ]
        commands += [
            ("ZREM", f"{partition}:{index}", _id_in(key)) for key in records.uploads for index in _OF_UPLOADS
        ]
        uploads = {_id_in(key) for key in records.uploads}
        members = self._execute("ZRANGE", f"{partition}:enforcements", 0, -1)
        commands += [
            ("ZREM", f"{partition}:enforcements", member)
            for member in members
            if member.partition(" ")[0] in uploads
        ]
        self._send(commands)
        bodies = [at.body for at in records.events]
        keys = [
            *(at.key for at in records.events),
            *bodies,
            *records.uploads,
            *records.counters,
            *records.tasks,
        ]
        return sum(map(int, self._send([("UNLINK", key) for key in dict.fromkeys(keys)])))

    def _step(self, partition: str, arguments: Sequence[Word]) -> tuple[str, list[str]]:
        cursor, found = self._call(lambda client: client.script(_STEP, [f"{partition}:walk"], arguments))
        return cursor, found

    def _send(self, commands: Iterable[Command]) -> list[int]:
        """Send commands in pages, none of which keeps others waiting for long."""
        rest, replies = list(commands), list[int]()
        while rest:
            page, rest = rest[:_PAGE], rest[_PAGE:]
            replies += self._pipeline(page)
        return replies


def _id_in(key: str) -> str:
    return key.rpartition(":")[2]
