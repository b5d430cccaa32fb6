"""Read request bodies that are meant to be small: JSON and XML.

`object_files` receives bodies of any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import ContentTooLargeError, InvalidRequestError
from shared.vod.lenient_json import read_object

if TYPE_CHECKING:
    from starlette.requests import Request


async def small_body(request: Request, *, max_bytes: int) -> bytes:
    """Return the whole body, and stop as soon as it is too large.

    Raises:
        ContentTooLargeError: it has more than `max_bytes` bytes.

    """
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > max_bytes:
            raise ContentTooLargeError(f"The body may have at most {max_bytes} bytes.")
    return bytes(received)


def json_object(body: bytes) -> dict[str, object]:
    """Parse a body that is one JSON object.

    Raises:
        InvalidRequestError: it is none, or not in UTF-8.

    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError("the body is not UTF-8") from error
    return read_object(text)
