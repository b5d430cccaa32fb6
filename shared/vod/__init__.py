"""Sign uploads for Tencent VOD, seal who may upload, and parse VOD's event notifications.

Pure functions: no input or output, no clock, no randomness; nothing but the standard library. The three
wire formats, by example:

Upload signature (`sign`, `inspect`; doc 266/33922): Base64 of a 20-byte HMAC-SHA1 and the text it covers.

    hm8…c2VjcmV0SWQ9QUtJRC4uLg==
    secretId=AKIDexample&currentTimeStamp=1793318400&expireTime=1793319000&random=7&sourceContext=vuf1.WzE…

Context token (`seal`, `unseal`): travels through VOD in `sourceContext` and `sessionContext`, at most 250
characters; payload and HMAC-SHA256 as unpadded base64url, the payload a JSON array.

    vuf1.WyIwMU03UTVDUUcwMDAwMDAwMDAwMDAwMDAwMSIsImFsaWNlIiwibGVzc29uIDMiXQ.q2xK…
    ["01M7Q5CQG00000000000000001", "alice", "lesson 3"]     upload id, user id, text of the app

Event notification (`parse_notification`; docs 266/33950 and 266/33962): what VOD posts to the callback URL,
in the v3 form or the legacy one.

    {"EventType": "NewFileUpload", "FileUploadEvent": {"FileId": "387…", "MediaBasicInfo": {…}, …}}
    {"version": "4.0", "eventType": "NewFileUpload", "data": {"fileId": "387…", "fileUrl": "http…", …}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.vod.context_token import seal, unseal
    from shared.vod.notification import parse_notification
    from shared.vod.signature import inspect, sign

__all__ = ["inspect", "parse_notification", "seal", "sign", "unseal"]

_MODULES = {
    "sign": "signature",
    "inspect": "signature",
    "seal": "context_token",
    "unseal": "context_token",
    "parse_notification": "notification",
}


def __getattr__(name: str) -> object:
    """Import a name at its first use: a function that signs must not pay for parsing at its cold start."""
    if name not in _MODULES:
        raise AttributeError(name)
    import importlib  # noqa: PLC0415 -- functions import the modules themselves

    return getattr(importlib.import_module(f"shared.vod.{_MODULES[name]}"), name)
