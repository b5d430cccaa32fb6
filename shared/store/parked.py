"""The bodies and pulled events that cannot be read, kept for people to see.

Each method is one round trip.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING

from shared.invocation_log import note
from shared.store.connection import StoreConnection, flat
from shared.store.event_fields import RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.redis.resp import Word

FAILURES_BEFORE_PARKING = 5
PARKED_HEAD = 4096
FIRST_PARTS_BYTES = 16 * 1024 * 1024
"""What the first parts of the bodies for which there is no room may take."""
_NOTHING_KEPT = 3


class ParkedStore(StoreConnection):
    """The parked events of one stage."""

    def count_failure(self, raw: str, *, problem: str, now: int, budget: int) -> int:
        """Count a failed ingestion of a pulled event, which is parked after FAILURES_BEFORE_PARKING.

        Returns 0 before that, 1 once it is parked, 2 if only its first part is kept.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        failures = FAILURES_BEFORE_PARKING
        # VOD's own: its first part is kept whatever strangers have posted.
        return self._park(raw, {"problem": problem}, now=now, failures=failures, budgets=(budget, ""))

    def park(self, body: bytes, *, problem: str, now: int, budget: int) -> bool:
        """Keep a pushed body that cannot be read, for people to see; False if only its first part is kept.

        All parked bodies of a stage share `budget` bytes for their retention: beyond that digest, length,
        reason and the first 4 KB are kept, for which there are FIRST_PARTS_BYTES; beyond that they are in the
        log alone. `raw` is the Base64 of the compressed body.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        fields = {
            "problem": problem,
            "length": str(len(body)),
            "sha256": hashlib.sha256(body).hexdigest(),
            "encoding": "zlib",
        }
        raw = base64.b64encode(zlib.compress(body)).decode("ascii")
        kept = self._park(raw, fields, now=now, failures=1, budgets=(budget, FIRST_PARTS_BYTES))
        if kept == _NOTHING_KEPT:
            note(length=fields["length"], sha256=fields["sha256"], firstPart=raw[:PARKED_HEAD])
        return kept == 1

    def _park(
        self, raw: str, fields: Mapping[str, str], *, now: int, failures: int, budgets: tuple[int, int | str]
    ) -> int:
        name = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        # All in one partition, so that one script sees the whole budget.
        partition = self._partition_of("parked")
        keys = [f"{partition}:poison:{name}", f"{partition}:parked", f"{partition}:parked-bytes"]
        arguments: list[Word] = [
            *(now, self._scope.retention_seconds, failures),
            *(budgets[0], len(raw) + RECORD_BYTES, raw),
            *(raw[:PARKED_HEAD], len(raw[:PARKED_HEAD]) + RECORD_BYTES, budgets[1]),
            *flat(tuple(fields.items())),
        ]
        return int(self._script("park_event", keys, arguments))
