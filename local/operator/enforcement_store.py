"""The files under policies with `onViolation` as operators see them: listed, and stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.store.connection import StoreConnection, pairs
from shared.store.upload_record import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PAGE = 500
# As `lua/begin_enforcement.lua`, it looks and changes at once: what has begun is not stopped.
_STOP = """\
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
return redis.call('ZREM', KEYS[2], ARGV[2])
"""


@dataclass(frozen=True)
class PlannedFile:
    """A file that is looked at next at Unix second `next_at`, and the record of its upload."""

    partition: str
    upload_id: str
    file_id: str
    next_at: int
    record: Mapping[str, str]

    @property
    def policy(self) -> str | None:
        """The policy's name; None if the record is gone."""
        grant = joined(self.record).get("grant")
        return None if grant is None else str(json.loads(grant)["policy"])


class OperatorEnforcements(StoreConnection):
    """The files of one stage."""

    def planned(self) -> Iterator[PlannedFile]:
        """Yield all files that are still to be looked at, page by page.

        Raises:
            StoreUnavailableError: the store did not answer, now or at a later page.

        """
        for partition in self._partitions():
            start = 0
            while page := self._page(partition, start):
                yield from page
                start += len(page)

    def stop(self, planned: PlannedFile) -> bool:
        """Take a file off the list for good; False if it is being dealt with, or has been.

        Raises:
            StoreUnavailableError: the store did not answer; it may be stopped.

        """
        keys = [f"{planned.partition}:upload:{planned.upload_id}", f"{planned.partition}:enforcements"]
        arguments = [f"enforcing:{planned.file_id}", f"{planned.upload_id} {planned.file_id}"]
        return bool(self._call(lambda client: client.script(_STOP, keys, arguments)))

    def _page(self, partition: str, start: int) -> list[PlannedFile]:
        span = (start, start + _PAGE - 1, "WITHSCORES")
        members = pairs(self._execute("ZRANGE", f"{partition}:enforcements", *span))
        if not members:
            return []
        names = [member.partition(" ") for member in members]
        records = self._pipeline([("HGETALL", f"{partition}:upload:{name}") for name, _, _ in names])
        return [
            PlannedFile(partition, upload_id, file_id, int(float(score)), pairs(record))
            for (upload_id, _, file_id), score, record in zip(names, members.values(), records, strict=True)
        ]
