"""Read the body of a POST Object request, `multipart/form-data`, as it arrives: fields, then one file.

The mini program SDK sends it where `wx.request` takes no binary body. What follows the file is not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.simulator.storage_errors import StorageError, invalid_argument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

_BOUNDARY = re.compile(r'multipart/form-data;.*?boundary="?([^";,]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(r'content-disposition:[^\r\n]*?[; ]name="?([^";\r\n]*)"?', re.IGNORECASE)
_LARGEST_HEAD = 8 * 1024
_LARGEST_FIELD = 64 * 1024
_MOST_FIELDS = 100


class FormBody:
    """One form: call `fields` and then `file`."""

    def __init__(self, request: Request) -> None:
        """Find the boundary.

        Raises:
            StorageError: InvalidArgument: the request is no form.

        """
        match = _BOUNDARY.match(request.headers.get("content-type", ""))
        if match is None:
            raise invalid_argument("POST Object is a multipart/form-data.")
        self._delimiter = b"\r\n--" + match[1].encode()
        self._chunks = request.stream()
        self._buffer = b"\r\n"

    async def fields(self) -> dict[str, str]:
        """Return the fields before the file, by their names in lower case.

        Raises:
            StorageError: MalformedPOSTRequest: there is no file, or a field is too large.

        """
        fields: dict[str, str] = {}
        await self._until(self._delimiter, _LARGEST_HEAD)
        while len(fields) <= _MOST_FIELDS:
            head = (await self._until(b"\r\n\r\n", _LARGEST_HEAD)).decode("utf-8", "replace")
            match = _NAME.search(head)
            if match is None:
                break
            if match[1].lower() == "file":
                return fields
            value = await self._until(self._delimiter, _LARGEST_FIELD)
            fields[match[1].lower()] = value.decode("utf-8", "replace")
        raise _malformed()

    async def file(self) -> AsyncIterator[bytes]:
        """Return the bytes of the file.

        Raises:
            StorageError: MalformedPOSTRequest: the body ends within the file.

        """
        while (end := self._buffer.find(self._delimiter)) < 0:
            sure = max(0, len(self._buffer) - len(self._delimiter) + 1)
            yield self._buffer[:sure]
            self._buffer = self._buffer[sure:]
            await self._read()
        yield self._buffer[:end]

    async def _until(self, mark: bytes, most: int) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > most:
                raise _malformed()
            await self._read()
        before, self._buffer = self._buffer[:end], self._buffer[end + len(mark) :]
        return before

    async def _read(self) -> None:
        chunk = await anext(self._chunks, b"")
        if not chunk:
            raise _malformed()
        self._buffer += chunk


def _malformed() -> StorageError:
    return StorageError(400, "MalformedPOSTRequest", "The body of the POST is not a well-formed form.")
