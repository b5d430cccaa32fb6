"""The reliable callback's queue: events are pulled with a handle and stay until it is confirmed."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from local.simulator.database import Database
    from local.simulator.faults import FaultDial

# doc 266/34183: 16 events per call, 30 s per handle, 4 days of keeping.
BATCH = 16
_HANDLE_SECONDS = 30
_RETENTION_SECONDS = 4 * 86_400
_POLL_SECONDS = 0.05
_DUPLICATE = frozenset({"duplicate"})


@dataclass(frozen=True)
class PullQueue:
    """Hands out every event again until its handle is confirmed in time."""

    database: Database
    clock: Callable[[], float]
    wait_seconds: float
    faults: FaultDial

    async def pull(self, *, application: int) -> list[dict[str, object]]:
        """Return up to 16 events, oldest first; wait a while if there are none (doc 266/34183)."""
        deadline = time.monotonic() + self.wait_seconds
        while True:
            events = self._take(application)
            if events or time.monotonic() >= deadline:
                return events
            await asyncio.sleep(_POLL_SECONDS)

    def count(self, *, application: int) -> int:
        """Return how many events a pull could return now."""
        row = self.database.row(
            "SELECT count(*) AS events FROM pull_queue WHERE (application IS NULL OR application = ?)"
            " AND (handle IS NULL OR handle_expires_at <= ?)",
            application,
            self.clock(),
        )
        return 0 if row is None else int(row["events"])

    def confirm(self, handles: Sequence[str]) -> bool:
        """Remove the events of these handles; return False and remove nothing if one is not valid.

        It is UNVERIFIED that one invalid handle refuses the whole call, and that a second confirmation is an
        error: this is the strict interpretation.
        """
        now = self.clock()
        with self.database.transaction():
            rows = [
                self.database.row(
                    "SELECT event_id FROM pull_queue WHERE handle = ? AND handle_expires_at > ?", handle, now
                )
                for handle in handles
            ]
            event_ids = [row["event_id"] for row in rows if row is not None]
            if len(event_ids) != len(handles):
                return False
            for event_id in event_ids:
                self.database.change("DELETE FROM pull_queue WHERE event_id = ?", event_id)
        return True

    def _take(self, application: int) -> list[dict[str, object]]:
        now = self.clock()
        with self.database.transaction():
            self.database.change("DELETE FROM pull_queue WHERE raised_at < ?", now - _RETENTION_SECONDS)
            rows = self.database.rows(
                "SELECT event_id, body FROM pull_queue WHERE (application IS NULL OR application = ?)"
                " AND (handle IS NULL OR handle_expires_at <= ?) ORDER BY event_id LIMIT ?",
                application,
                now,
                BATCH,
            )
            if rows and self.faults.strike("PullEvents", _DUPLICATE):
                self._queue_again(row["event_id"] for row in rows)
            return [
                {"EventHandle": self._lend(row["event_id"], now), **json.loads(row["body"])} for row in rows
            ]

    def _queue_again(self, event_ids: Iterable[int]) -> None:
        """Queue a copy of these events, so that the next pull returns them under other handles."""
        for event_id in event_ids:
            self.database.change(
                "INSERT INTO pull_queue (body, application, raised_at)"
                " SELECT body, application, raised_at FROM pull_queue WHERE event_id = ?",
                event_id,
            )

    def _lend(self, event_id: int, now: float) -> str:
        handle = f"{secrets.token_hex(16)}-{event_id:06d}"
        self.database.change(
            "UPDATE pull_queue SET handle = ?, handle_expires_at = ? WHERE event_id = ?",
            handle,
            now + _HANDLE_SECONDS,
            event_id,
        )
        return handle
