"""Decode the `aws-chunked` content encoding of S3 clients: `{hex size}[;extensions]CRLF {bytes} CRLF ...`.

After the chunk of size 0 come trailers such as `x-amz-checksum-crc32:...`. Chunk signatures are not verified;
`object_files` compares the checksum.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.simulator.storage_errors import StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,16})(?:;[^\r\n]*)?")
_LONGEST_LINE = 8192
_END = b"\r\n"


class AwsChunkedDecoder:
    """Incremental decoder without I/O; `trailers` are complete after `finish`."""

    def __init__(self) -> None:
        self.trailers: dict[str, str] = {}
        self._pending = bytearray()
        self._left_in_chunk = 0
        self._expects_line_end = False
        self._in_trailers = False

    def feed(self, encoded: bytes) -> bytes:
        """Decode the next piece of the body.

        Raises:
            StorageError: 400, these bytes are no aws-chunked body.

        """
        self._pending += encoded
        decoded = bytearray()
        while self._step(decoded):
            pass
        return bytes(decoded)

    def finish(self) -> None:
        """Finish decoding.

        Raises:
            StorageError: 400, the last chunk is missing.

        """
        if not self._in_trailers:
            raise _incomplete()
        self._add_trailer(bytes(self._pending))

    def _step(self, decoded: bytearray) -> bool:
        if self._left_in_chunk:
            taken = self._pending[: self._left_in_chunk]
            del self._pending[: len(taken)]
            decoded += taken
            self._left_in_chunk -= len(taken)
            return bool(taken)
        line = self._line()
        if line is None:
            return False
        if self._expects_line_end:
            self._expects_line_end = False
            if line:
                raise _incomplete()
        elif self._in_trailers:
            self._add_trailer(line)
        else:
            self._begin_chunk(line)
        return True

    def _line(self) -> bytes | None:
        end = self._pending.find(_END)
        if max(end, len(self._pending) if end < 0 else 0) > _LONGEST_LINE:
            raise _incomplete()
        if end < 0:
            return None
        line = bytes(self._pending[:end])
        del self._pending[: end + len(_END)]
        return line

    def _begin_chunk(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise _incomplete()
        self._left_in_chunk = int(match[1], 16)
        self._expects_line_end = self._left_in_chunk > 0
        self._in_trailers = self._left_in_chunk == 0

    def _add_trailer(self, line: bytes) -> None:
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip():
            self.trailers[name.strip().lower()] = value.strip()


async def decoded_chunks(encoded: AsyncIterator[bytes], decoder: AwsChunkedDecoder) -> AsyncIterator[bytes]:
    """Decode a whole body as it is received; the trailers are in `decoder` afterwards."""
    async for piece in encoded:
        decoded = decoder.feed(piece)
        if decoded:
            yield decoded
    decoder.finish()


def _incomplete() -> StorageError:
    return StorageError(400, "IncompleteBody", "The aws-chunked body is broken.")
