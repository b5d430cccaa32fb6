"""Build the event that `python -m local trigger` sends, from a sample or a file, for an upload."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.operator.sample_events import SAMPLE_FILE_ID, fresh_sample
from shared.errors import ServiceError
from shared.vod.lenient_json import as_object, as_text, read_object
from shared.vod.notification_types import NEW_FILE_UPLOAD, PROCEDURE_STATE_CHANGED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTEXT_CARRIERS = (NEW_FILE_UPLOAD, PROCEDURE_STATE_CHANGED)
"""The event types that carry the token of their upload."""

_FILE_UPLOAD, _PROCEDURE_STATE = "FileUploadEvent", "ProcedureStateChangeEvent"


class EventError(Exception):
    """The event cannot be built; the message is a sentence."""


class StackError(Exception):
    """The stack does not answer, or refused with that `status`; the message is a sentence."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class UploadSubject:
    """The upload an event is about: its token, and its item of MediaInfoSet if VOD has its file."""

    upload_id: str
    token: str
    media: Mapping[str, object] | None = None

    @property
    def file_id(self) -> str:
        """The file's id; empty without a file."""
        return "" if self.media is None else as_text(self.media.get("FileId"))


def event_from_sample(name: str, subject: UploadSubject | None) -> dict[str, Any]:
    """Build an event of this type with new ids, about the upload if one is given.

    Raises:
        SampleError: there is no such sample.

    """
    file_id = subject.file_id if subject else ""
    event = fresh_sample(name, {SAMPLE_FILE_ID: file_id} if file_id else {})
    basic = as_object(subject.media.get("BasicInfo")) if subject and subject.media else {}
    if subject and name == NEW_FILE_UPLOAD:
        # An invented task flow would keep the upload waiting for its end.
        event[_FILE_UPLOAD]["ProcedureTaskId"] = ""
        if subject.media:
            event[_FILE_UPLOAD].update(MediaBasicInfo=dict(basic), MetaData=subject.media.get("MetaData"))
    if basic and name == PROCEDURE_STATE_CHANGED:
        event[_PROCEDURE_STATE].update(FileName=basic.get("Name"), FileUrl=basic.get("MediaUrl"))
    return event


def event_from_file(file: Path) -> dict[str, Any]:
    """Read an event from a file that holds one JSON object.

    Raises:
        EventError: the file cannot be read, or holds none.

    """
    try:
        return read_object(file.read_text("utf-8"))
    except OSError as error:
        raise EventError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise EventError(f"{file} is not UTF-8.") from None
    except ServiceError as error:
        raise EventError(f"{file}: {error.detail}") from None


def put_token(event: dict[str, Any], token: str) -> None:
    """Set the token where events of this type carry it.

    Raises:
        EventError: the event has no such member.

    """
    path = {
        NEW_FILE_UPLOAD: (_FILE_UPLOAD, "MediaBasicInfo", "SourceInfo", "SourceContext"),
        PROCEDURE_STATE_CHANGED: (_PROCEDURE_STATE, "SessionContext"),
    }[event["EventType"]]
    _put(event, path, token)


def change(event: dict[str, Any], wish: str) -> None:
    """Apply `path=value`: names and list positions joined by points; the value is JSON or else text.

    Raises:
        EventError: it is not of this form, or the event has no such member.

    """
    path, has_value, text = wish.partition("=")
    if not path or not has_value:
        raise EventError(f"{wish!r} is not path=value.")
    value: object = text
    with contextlib.suppress(ValueError, RecursionError):
        # NaN is none of JSON's values: it stays the text it is.
        value = json.loads(text, parse_constant=str)
    _put(event, path.split("."), value)


def _put(event: dict[str, Any], path: tuple[str, ...] | list[str], value: object) -> None:
    place: Any = event
    for depth, name in enumerate(path):
        is_last = depth == len(path) - 1
        key: str | int = int(name) if isinstance(place, list) and name.isdecimal() else name
        fits = (isinstance(place, dict) and (is_last or key in place)) or (
            isinstance(place, list) and isinstance(key, int) and key < len(place)
        )
        if not fits:
            raise EventError(f"The event has no {'.'.join(path[: depth + 1])}.")
        if is_last:
            place[key] = value
        else:
            place = place[key]
