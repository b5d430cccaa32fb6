"""Files on disk: bodies written and hashed as they are received, files joined, leftovers removed.

A name is random and ends with the CRC-64 of the bytes; no client's text ever becomes a path. `objects` and
`multipart` record which file belongs to what.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import secrets
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import crcmod  # type: ignore[import-untyped]  # no stubs exist

from local.simulator.storage_errors import StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from concurrent.futures import Executor
    from pathlib import Path

BATCH_BYTES = 1024 * 1024
# doc 436/14112: a part and a simple upload have at most 5 GB.
_LARGEST_FILE = 5 * 1024**3


def crc64_function(library: str = "liblzma.so.5") -> Callable[[bytes, int], int]:
    """Return what continues the CRC-64 of `x-cos-hash-crc64ecma`: ECMA-182, reflected (doc 436/40334).

    XZ has the same one. Without liblzma it is crcmod's, which takes 0.1 s for 1 MB where it was installed
    without a compiler.
    """
    try:
        function = ctypes.CDLL(library).lzma_crc64
    except OSError:
        of_crcmod: Callable[[bytes, int], int] = crcmod.mkCrcFun(
            0x142F0E1EBA9EA3693, initCrc=0, rev=True, xorOut=0xFFFFFFFFFFFFFFFF
        )
        return of_crcmod
    function.argtypes, function.restype = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64), ctypes.c_uint64
    return lambda batch, crc: int(function(batch, len(batch), crc))


_crc64 = crc64_function()


@dataclass(frozen=True)
class ReceivedFile:
    """One body on disk, with the hashes that clients may have announced."""

    file_name: str
    size: int
    md5: bytes
    sha256: bytes
    crc32: bytes


class _Sink:
    """A file being written; used by one thread at a time."""

    def __init__(self, file: BinaryIO, *, with_sha256: bool) -> None:
        self._file = file
        self._with_sha256 = with_sha256
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()
        self.crc32 = 0
        self.crc64 = 0

    def write(self, batch: bytes) -> None:
        self._file.write(batch)
        self.size += len(batch)
        self.md5.update(batch)
        if self._with_sha256:
            self.sha256.update(batch)
        self.crc32 = zlib.crc32(batch, self.crc32)
        self.crc64 = _crc64(batch, self.crc64)


class ObjectFiles:
    """The folder of files; disk work runs in `threads`, never on the event loop."""

    def __init__(self, folder: Path, threads: Executor) -> None:
        self._folder = folder
        self._threads = threads
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, file_name: str) -> Path:
        """Return the path of a file."""
        return self._folder / file_name

    async def receive(self, chunks: AsyncIterator[bytes], *, with_sha256: bool = False) -> ReceivedFile:
        """Write a body to a new file; a body that breaks off leaves no file.

        Raises:
            StorageError: 400, it has more than 5 GiB.

        """
        unfinished = secrets.token_hex(16)
        path = self.path(unfinished)
        try:
            with path.open("xb") as file:
                sink = _Sink(file, with_sha256=with_sha256)
                await self._fill(sink, chunks)
        except BaseException:
            self.remove([unfinished])
            raise
        file_name = _with_checksum(unfinished, sink.crc64)
        path.rename(self.path(file_name))
        return ReceivedFile(
            file_name=file_name,
            size=sink.size,
            md5=sink.md5.digest(),
            sha256=sink.sha256.digest(),
            crc32=sink.crc32.to_bytes(4, "big"),
        )

    async def join(self, file_names: list[str]) -> str:
        """Concatenate files; a single one is returned as it is."""
        if len(file_names) == 1:
            return file_names[0]
        unfinished = secrets.token_hex(16)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._join, unfinished, file_names
            )
        except BaseException:
            self.remove([unfinished])
            raise

    def remove(self, file_names: Iterable[str]) -> None:
        """Remove files; missing ones are ignored."""
        for file_name in file_names:
            with contextlib.suppress(FileNotFoundError):
                self.path(file_name).unlink()

    def remove_all_but(self, file_names: set[str]) -> None:
        """Remove what a killed process left half written."""
        names = [path.name for path in self._folder.iterdir()]
        self.remove(name for name in names if name not in file_names)

    async def _fill(self, sink: _Sink, chunks: AsyncIterator[bytes]) -> None:
        loop = asyncio.get_running_loop()
        batch = bytearray()
        async for chunk in chunks:
            batch += chunk
            if sink.size + len(batch) > _LARGEST_FILE:
                raise StorageError(400, "EntityTooLarge", "The upload exceeds the largest allowed size.")
            if len(batch) >= BATCH_BYTES:
                await loop.run_in_executor(self._threads, sink.write, bytes(batch))
                batch.clear()
        await loop.run_in_executor(self._threads, sink.write, bytes(batch))

    def _join(self, unfinished: str, file_names: list[str]) -> str:
        checksum = 0
        with self.path(unfinished).open("xb") as target:
            for file_name in file_names:
                with self.path(file_name).open("rb") as source:
                    while batch := source.read(BATCH_BYTES):
                        target.write(batch)
                        checksum = _crc64(batch, checksum)
        joined = _with_checksum(unfinished, checksum)
        self.path(unfinished).rename(self.path(joined))
        return joined


def checksum_headers(file_name: str) -> dict[str, str]:
    """Return the `x-cos-hash-crc64ecma` of a stored file, which is part of its name."""
    checksum = file_name.partition("-")[2]
    return {"x-cos-hash-crc64ecma": checksum} if checksum else {}


def _with_checksum(file_name: str, checksum: int) -> str:
    return f"{file_name}-{checksum}"
