"""Count requests by action, in total, per upload and per object.

With them a test can prove that finished parts are not sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from sqlite3 import Row

    from local.simulator.database import Database


class Counters:
    """Counts by action, under the wire's own names such as `ApplyUploadUGC` and `UploadPart`.

    An action that carries bytes has a second entry, for example `UploadPartBytes`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, action: str, *, vod_session_key: str = "", object_key: str = "", size: int = 0) -> None:
        """Count one request and the bytes of its body."""
        self._database.change(
            "INSERT INTO counters VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE"
            " SET requests = requests + 1, bytes = bytes + excluded.bytes",
            action,
            vod_session_key,
            object_key,
            size,
        )

    def totals(self) -> dict[str, int]:
        """Return action -> number of requests since the folder was created."""
        return _by_action(self._database.rows("SELECT * FROM counters"))

    def as_json(self) -> dict[str, object]:
        """Return the totals, and beside them `uploads` (by vodSessionKey) and `objects` (by storage key)."""
        rows = self._database.rows("SELECT * FROM counters")
        return {
            **_by_action(rows),
            "uploads": _grouped(rows, "vod_session_key"),
            "objects": _grouped(rows, "object_key"),
        }


def _grouped(rows: list[Row], column: str) -> dict[str, dict[str, int]]:
    names = {row[column] for row in rows if row[column]}
    return {name: _by_action(row for row in rows if row[column] == name) for name in sorted(names)}


def _by_action(rows: Iterable[Row]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["action"]] = counts.get(row["action"], 0) + row["requests"]
        if row["bytes"]:
            name = f"{row['action']}Bytes"
            counts[name] = counts.get(name, 0) + row["bytes"]
    return dict(sorted(counts.items()))
