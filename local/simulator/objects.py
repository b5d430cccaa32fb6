"""Finished objects of the storage: which file holds the bytes of which key.

`multipart` holds objects whose parts are not complete yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.simulator.database import Database
    from local.simulator.object_files import ObjectFiles


@dataclass(frozen=True)
class StoredObject:
    """One object; `etag` with its quotes, `size` in bytes, `stored_at` in Unix seconds."""

    object_key: str
    file_name: str
    etag: str
    size: int
    content_type: str
    stored_at: float


class ObjectStore:
    """Objects by key."""

    def __init__(self, database: Database, files: ObjectFiles) -> None:
        self._database = database
        self._files = files

    def find(self, object_key: str) -> StoredObject | None:
        """Return the object under that key, or None."""
        row = self._database.row("SELECT * FROM objects WHERE object_key = ?", object_key)
        return None if row is None else StoredObject(**dict(row))

    def put(self, stored: StoredObject) -> None:
        """Store an object, replacing an earlier one under its key."""
        earlier = self.find(stored.object_key)
        self._database.change(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)",
            stored.object_key,
            stored.file_name,
            stored.etag,
            stored.size,
            stored.content_type,
            stored.stored_at,
        )
        if earlier is not None and earlier.file_name != stored.file_name:
            self._files.remove([earlier.file_name])

    def delete(self, object_key: str) -> None:
        """Delete an object; a missing one is ignored."""
        stored = self.find(object_key)
        if stored is not None:
            self._database.change("DELETE FROM objects WHERE object_key = ?", object_key)
            self._files.remove([stored.file_name])
