"""The sealed token that travels through VOD in sourceContext and sessionContext.

    vuf1.WzEsIjAxSlEuLi4iLCJhbGljZSIsImxlc3NvbiAzIl0.q2x…   prefix . payload . HMAC-SHA256

The payload is the JSON array [upload id, user id, the app's context], and as a fourth member the
sub-application, for an upload that goes to another one than the deployment's own. The token proves *issued to
this user*; it does not prove *sent by VOD*, and the uploader can read it, because an upload
signature is plain Base64.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from itsdangerous import BadData, Serializer, URLSafeSerializer
from itsdangerous.encoding import base64_encode, want_bytes

from shared.errors import Fault, UnprocessableError

MAX_TOKEN_LENGTH = 250
"""Characters VOD keeps of a sourceContext (doc 266/33922); whether it counts bytes is undocumented."""
_PREFIX = "vuf1."
_SHORT = 80
"""Bytes: an upload id, a user id and little more, of which a third is random."""
_TOKEN = re.compile(r"vuf1\.[A-Za-z0-9_.-]+[AEIMQUYcgkosw048]", re.ASCII)
"""Base64 decoders pass over foreign characters, and over the last two bits of 32 bytes: one token must
have one spelling."""


@dataclass(frozen=True)
class UploadContext:
    """What we want to know again when the event comes: which upload, whose, and the app's own text.

    `vod_sub_app_id` is where to ask VOD about it; None is the deployment's own sub-application.
    """

    upload_id: str
    user_id: str
    app_context: str = ""
    vod_sub_app_id: int | None = None


@dataclass(frozen=True)
class NoSeal:
    """The text is not one of our tokens: an upload by the console, the server API, another app."""


@dataclass(frozen=True)
class BrokenSeal:
    """The text claims to be one of our tokens, and no key of ours made it."""


def seal(context: UploadContext, *, keys: tuple[str, ...], stage: str) -> str:
    """Seal with the first of `keys` (newest first); `stage` keeps tokens of one deployment out of others.

    Raises:
        UnprocessableError: the token would have more than 250 characters.

    """
    members: list[str | int] = [context.upload_id, context.user_id, context.app_context]
    if context.vod_sub_app_id is not None:
        members.append(context.vod_sub_app_id)
    token = _PREFIX + str(_serializer(keys, stage).dumps(members))
    if len(token) > MAX_TOKEN_LENGTH:
        excess = len(token) - MAX_TOKEN_LENGTH
        raise UnprocessableError(
            "User id and context together do not fit into an upload signature.",
            faults=(Fault("/context", f"Too long, beside the user id: {excess} characters over the limit."),),
        )
    return token


def unseal(token: str, *, keys: tuple[str, ...], stage: str) -> UploadContext | NoSeal | BrokenSeal:
    """Open a token sealed with any of `keys`."""
    if not token.startswith(_PREFIX):
        return NoSeal()
    if not _TOKEN.fullmatch(token):
        return BrokenSeal()
    try:
        return UploadContext(*_serializer(keys, stage).loads(token[len(_PREFIX) :]))
    except (BadData, TypeError):
        # TypeError: sealed with a key of ours for something else than an upload.
        return BrokenSeal()


class _TokenSerializer(URLSafeSerializer):
    """Compresses what is long alone: in a short text it saves nothing, and costs more than the seal."""

    def dump_payload(self, obj: object) -> bytes:
        """Spell the payload; a compressed one is marked with a dot."""
        text = want_bytes(Serializer.dump_payload(self, obj))
        return base64_encode(text) if len(text) <= _SHORT else super().dump_payload(obj)


@lru_cache(maxsize=4)
def _serializer(keys: tuple[str, ...], stage: str) -> _TokenSerializer:
    return _TokenSerializer(
        list(reversed(keys)),  # itsdangerous signs with the last one
        salt=f"upload-context:1:{stage}",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
