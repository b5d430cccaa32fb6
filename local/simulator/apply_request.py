"""Parse the body of ApplyUploadUGC, from members of any letter case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.business_errors import invalid_request
from local.simulator.sessions import AnnouncedFile

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXTENSION = re.compile(r"[a-z0-9]{1,16}")
# The characters that the Web SDK refuses in a name, and control characters.
_BAD_IN_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
_LONGEST_NAME = 255
_DIGITS = re.compile(r"[0-9]{1,15}")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")
_NEVER = "9999-12-31T23:59:59Z"


@dataclass(frozen=True)
class ApplyRequest:
    """One Apply; texts that the SDK omits are empty, files None."""

    vod_session_key: str
    file_id: str
    media: AnnouncedFile | None
    cover: AnnouncedFile | None
    storage_region: str
    expire_time: str


def read_apply_request(members: Mapping[str, object]) -> ApplyRequest:
    """Parse the members, whose names are in lower case.

    Raises:
        BusinessError: 10001, a member has a value that is not acceptable.

    """
    expire_time = text_member(members, "expiretime")
    return ApplyRequest(
        vod_session_key=text_member(members, "vodsessionkey"),
        file_id=text_member(members, "fileid"),
        media=_announced(members, "video"),
        cover=_announced(members, "cover"),
        storage_region=text_member(members, "storageregion"),
        # Format UNVERIFIED; the server API's ISO 8601 is what is kept.
        expire_time=expire_time if _ISO_TIME.fullmatch(expire_time) else _NEVER,
    )


def text_member(members: Mapping[str, object], name: str) -> str:
    """Return a member's text; empty if it is absent.

    Raises:
        BusinessError: 10001, it is no text.

    """
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid_request(f"{name} is no text")
    return value


def _announced(members: Mapping[str, object], kind: str) -> AnnouncedFile | None:
    extension = text_member(members, f"{kind}type").lower()
    if not extension:
        return None
    name = text_member(members, f"{kind}name")
    if not _EXTENSION.fullmatch(extension):
        raise invalid_request(f"{kind}Type is not acceptable")
    if len(name) > _LONGEST_NAME or _BAD_IN_NAME.search(name):
        raise invalid_request(f"{kind}Name is too long or has a forbidden character")
    return AnnouncedFile(name=name, type=extension, size=_size(members, f"{kind}size"))


def _size(members: Mapping[str, object], name: str) -> int | None:
    value = members.get(name)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid_request(f"{name} is no number of bytes")
    return value
