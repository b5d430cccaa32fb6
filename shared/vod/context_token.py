"""The sealed token that travels through VOD in sourceContext and sessionContext.

    vuf1.WzEsIjAxSlEuLi4iLCJhbGljZSIsImxlc3NvbiAzIl0.q2x…   prefix . payload . HMAC-SHA256

The payload is the JSON array [upload id, user id, the app's context], and as a fourth member the
sub-application, for an upload that goes to another one than the deployment's own. A payload that zlib
made shorter begins with a dot. The form is that of itsdangerous 2.2. The token proves *issued to
this user*; it does not prove *sent by VOD*, and the uploader can read it, because an upload
signature is plain Base64.
"""

from __future__ import annotations

import binascii
import hmac
import json
import re
from functools import lru_cache
from typing import NamedTuple

from shared.errors import FieldError, UnprocessableError

MAX_TOKEN_LENGTH = 250
"""Characters VOD keeps of a sourceContext (doc 266/33922); whether it counts bytes is undocumented."""
_PREFIX = "vuf1."
_SHORT = 80
"""Bytes: an upload id, a user id and little more. A third of it is random, and cannot be compressed."""
_DIGEST = "sha256"
_TOKEN = re.compile(r"vuf1\.(\.?)([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])", re.ASCII)
"""Compressed or not, payload, digest. Base64 decoders pass over foreign characters, and over the last two
bits of 32 bytes: one token must have one spelling."""


class UploadContext(NamedTuple):
    """The content of a context token: upload id, user id, and the app's own text.

    `vod_sub_app_id` is the upload's sub-application; None is the deployment's own.
    """

    upload_id: str
    user_id: str
    app_context: str = ""
    vod_sub_app_id: int | None = None


class _NoContext:
    """Why a text has no context; compared by type, since that decides what an event may do."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


class NoSeal(_NoContext):
    """The text is no context token: an upload by the console, the server API or another app."""


class BrokenSeal(_NoContext):
    """The text has the form of a context token, and none of the keys sealed it."""


def seal(context: UploadContext, *, keys: tuple[str, ...], stage: str) -> str:
    """Seal a context with the first of `keys` (newest first), for one `stage`: others refuse the token.

    Raises:
        UnprocessableError: the token would have more than 250 characters.

    """
    members: list[str | int] = [context.upload_id, context.user_id, context.app_context]
    if context.vod_sub_app_id is not None:
        members.append(context.vod_sub_app_id)
    payload = _payload(members)
    digest = hmac.digest(_sealing_keys(keys, stage)[0], payload.encode("ascii"), _DIGEST)
    token = f"{_PREFIX}{payload}.{base64url_encode(digest)}"
    if len(token) > MAX_TOKEN_LENGTH:
        excess = len(token) - MAX_TOKEN_LENGTH
        raise UnprocessableError(
            "User id and context together do not fit into an upload signature.",
            field_errors=(
                FieldError("/context", f"Too long, beside the user id: {excess} characters over the limit."),
            ),
        )
    return token


def unseal(token: str, *, keys: tuple[str, ...], stage: str) -> UploadContext | NoSeal | BrokenSeal:
    """Return the context of a token that any of `keys` sealed for this stage, else why there is none."""
    if not token.startswith(_PREFIX):
        return NoSeal()
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return BrokenSeal()
    mark, payload, told = parts.groups()
    sealed, digest = (mark + payload).encode("ascii"), base64url_decode(told)
    if not any(
        hmac.compare_digest(digest, hmac.digest(key, sealed, _DIGEST)) for key in _sealing_keys(keys, stage)
    ):
        return BrokenSeal()
    try:
        content = base64url_decode(payload)
        return UploadContext(*json.loads((_inflated(content) if mark else content).decode()))
    except (TypeError, ValueError, RecursionError):
        # Sealed with a key of ours for something else than an upload.
        return BrokenSeal()


@lru_cache(maxsize=4)
def _sealing_keys(keys: tuple[str, ...], stage: str) -> tuple[bytes, ...]:
    salt = f"upload-context:1:{stage}".encode()
    return tuple(hmac.digest(key.encode(), salt, _DIGEST) for key in keys)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _payload(members: list[str | int]) -> str:
    # Member by member: for a text, that takes a third of the time of the whole list.
    text = f"[{','.join(map(_ENCODER.encode, members))}]".encode()
    if len(text) > _SHORT:
        import zlib  # noqa: PLC0415 -- few contexts are long enough

        compressed = zlib.compress(text)
        if len(compressed) < len(text) - 1:
            return "." + base64url_encode(compressed)
    return base64url_encode(text)


def _inflated(compressed: bytes) -> bytes:
    import zlib  # noqa: PLC0415 -- few contexts are long enough

    try:
        return zlib.decompress(compressed)
    except zlib.error as error:
        raise ValueError(*error.args) from error


_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def base64url_encode(content: bytes) -> str:
    """Encode bytes as unpadded base64url (RFC 4648, section 5)."""
    return binascii.b2a_base64(content, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """Decode unpadded base64url; characters outside the alphabet are skipped, so check the form before.

    Raises:
        ValueError: the length is one that no bytes encode to, or the text is not ASCII.

    """
    return binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4))
