"""Multipart uploads: opened, filled part by part in any order, completed or aborted.

`storage_calls` maps HTTP to them.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.objects import StoredObject
from local.simulator.storage_errors import StorageError, invalid_argument, no_such_upload

if TYPE_CHECKING:
    from local.simulator.database import Database
    from local.simulator.object_files import ObjectFiles, ReceivedFile
    from local.simulator.objects import ObjectStore
    from local.simulator.storage_documents import CompletedPart

# doc 436/14112: 1 to 10000 parts, each but the last at least 1 MiB.
_MOST_PARTS = 10_000
_SMALLEST_PART = 1024 * 1024


@dataclass(frozen=True)
class MultipartUpload:
    """One open upload."""

    upload_id: str
    object_key: str
    content_type: str
    initiated_at: float


@dataclass(frozen=True)
class Part:
    """One received part; `etag` is the bare hex MD5, `size` in bytes."""

    upload_id: str
    part_number: int
    file_name: str
    etag: str
    size: int
    received_at: float


class MultipartUploads:
    """All open uploads and their parts."""

    def __init__(self, database: Database, files: ObjectFiles, objects: ObjectStore) -> None:
        self._database = database
        self._files = files
        self._objects = objects

    def open(self, object_key: str, *, content_type: str, now: float) -> MultipartUpload:
        """Open an upload; a key may have several."""
        upload = MultipartUpload(
            upload_id=f"{int(now * 1_000_000)}{secrets.token_hex(20)}",
            object_key=object_key,
            content_type=content_type,
            initiated_at=now,
        )
        self._database.change(
            "INSERT INTO multipart_uploads VALUES (?, ?, ?, ?)",
            upload.upload_id,
            upload.object_key,
            upload.content_type,
            upload.initiated_at,
        )
        return upload

    def find(self, upload_id: str, *, object_key: str) -> MultipartUpload:
        """Return the open upload with that id.

        Raises:
            StorageError: NoSuchUpload.

        """
        row = self._database.row(
            "SELECT * FROM multipart_uploads WHERE upload_id = ? AND object_key = ?", upload_id, object_key
        )
        if row is None:
            raise no_such_upload()
        return MultipartUpload(**dict(row))

    def of_keys(self, keys: tuple[str, ...], *, prefix: str) -> list[MultipartUpload]:
        """Return the open uploads of these keys that start with `prefix`, by key and then by id."""
        rows = self._database.rows("SELECT * FROM multipart_uploads ORDER BY object_key, upload_id")
        uploads = [MultipartUpload(**dict(row)) for row in rows]
        return [
            upload for upload in uploads if upload.object_key in keys and upload.object_key.startswith(prefix)
        ]

    def parts(self, upload: MultipartUpload) -> list[Part]:
        """Return the parts of an upload, in order."""
        rows = self._database.rows(
            "SELECT * FROM parts WHERE upload_id = ? ORDER BY part_number", upload.upload_id
        )
        return [Part(**dict(row)) for row in rows]

    def add_part(self, upload: MultipartUpload, part_number: int, received: ReceivedFile, now: float) -> Part:
        """Store a part, replacing an earlier one of that number.

        Raises:
            StorageError: NoSuchUpload: the upload was closed while the part was received.

        """
        part = Part(upload.upload_id, part_number, received.file_name, received.md5.hex(), received.size, now)
        with self._database.transaction():
            self.find(upload.upload_id, object_key=upload.object_key)
            earlier = self._database.row(
                "SELECT file_name FROM parts WHERE upload_id = ? AND part_number = ?",
                upload.upload_id,
                part_number,
            )
            self._database.change(
                "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)",
                part.upload_id,
                part.part_number,
                part.file_name,
                part.etag,
                part.size,
                part.received_at,
            )
        if earlier is not None:
            self._files.remove([earlier["file_name"]])
        return part

    async def complete(
        self, upload: MultipartUpload, listed: list[CompletedPart], *, now: float
    ) -> StoredObject:
        """Create the object from the listed parts, and delete the others.

        Raises:
            StorageError: InvalidPartOrder, InvalidPart or EntityTooSmall.

        """
        parts = self._chosen(upload, listed)
        file_name = await self._files.join([part.file_name for part in parts])
        digests = hashlib.md5(
            b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False
        ).hexdigest()
        stored = StoredObject(
            object_key=upload.object_key,
            file_name=file_name,
            etag=f'"{digests}-{len(parts)}"',
            size=sum(part.size for part in parts),
            content_type=upload.content_type,
            stored_at=now,
        )
        with self._database.transaction():
            # Of two Completes at the same time the second finds the upload gone.
            self.find(upload.upload_id, object_key=upload.object_key)
            leftovers = self._close(upload)
            self._objects.put(stored)
        self._files.remove(leftovers - {file_name})
        return stored

    def abort(self, upload: MultipartUpload) -> None:
        """Delete an upload and its parts."""
        with self._database.transaction():
            leftovers = self._close(upload)
        self._files.remove(leftovers)

    def _close(self, upload: MultipartUpload) -> set[str]:
        file_names = {part.file_name for part in self.parts(upload)}
        self._database.change("DELETE FROM parts WHERE upload_id = ?", upload.upload_id)
        self._database.change("DELETE FROM multipart_uploads WHERE upload_id = ?", upload.upload_id)
        return file_names

    def _chosen(self, upload: MultipartUpload, listed: list[CompletedPart]) -> list[Part]:
        received = {part.part_number: part for part in self.parts(upload)}
        numbers = [part.part_number for part in listed]
        if numbers != sorted(set(numbers)):
            raise StorageError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        for part in listed:
            if part.part_number not in received or received[part.part_number].etag != part.etag:
                raise StorageError(
                    400, "InvalidPart", "One or more of the specified parts could not be found."
                )
        chosen = [received[number] for number in numbers]
        if any(part.size < _SMALLEST_PART for part in chosen[:-1]):
            raise StorageError(400, "EntityTooSmall", "A part but the last is smaller than 1 MiB.")
        return chosen


def read_part_number(text: str) -> int:
    """Parse the partNumber of a request.

    Raises:
        StorageError: InvalidArgument: it is no number from 1 to 10000.

    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_PARTS))):
        raise invalid_argument("partNumber must be a number from 1 to 10000.")
    number = int(text)
    if not 1 <= number <= _MOST_PARTS:
        raise invalid_argument("partNumber must be a number from 1 to 10000.")
    return number
