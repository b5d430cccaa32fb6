r"""Read events from log lines: what functions logged when the store was away, and similar files.

    {"time": 1795000000.0, "event": "event.unjournaled", "raw": "{\"EventType\": …}", …}   a log line
    {"SCF_Message": "{\"time\": …}", …}                         the same, as CLS exports it
    {"EventType": "NewFileUpload", …}                                            as VOD sent it
    {"id": "evt_…", "received": "2026-11-22T07:05:00Z", "raw": {…}, …}     `events list|show --json`

Every other line is passed over. `local.operator.events_replay` ingests the events.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from local.operator.events_listing import CUT
from local.operator.events_retry import BYTES_GONE
from shared.errors import ServiceError
from shared.vod.notification import notification_from_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.vod.notification_types import EventNotification

UNJOURNALED = "event.unjournaled"
_VOD_MEMBERS = frozenset({"EventType", "eventType"})
_CUT_TOKEN = re.compile(rf"vuf1\.[A-Za-z0-9_-]*{re.escape(CUT)}")


@dataclass(frozen=True)
class LoggedEvent:
    """An event and its place in the file; `received_at` is the line's time in Unix seconds, if it has one."""

    place: str
    notification: EventNotification
    received_at: int | None


@dataclass(frozen=True)
class UnreadableLine:
    """A line that should hold an event and cannot be read, with the reason."""

    place: str
    problem: str


@dataclass(frozen=True)
class PassedOver:
    """A line that holds no event."""

    place: str


class _UnreadableError(ValueError):
    """A line cannot be read; the message says why in a few words."""


def read_lines(content: bytes) -> Iterator[LoggedEvent | UnreadableLine | PassedOver]:
    """Read a file line by line, or as a whole if it is a single JSON document."""
    return (_read_line(place, line) for place, line in _joined(_lines_of(content)))


def _joined(lines: Iterator[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """Join the parts of an event that took several lines; other lines stay as they are."""
    parts: dict[object, dict[int, dict[str, object]]] = {}
    places: dict[object, str] = {}
    for place, line in lines:
        found = _part_in(line)
        if found is None:
            yield place, line
            continue
        kept = parts.setdefault(found["requestId"], {})
        kept[cast("int", found["part"])] = found
        places.setdefault(found["requestId"], place)
        if len(kept) == found["parts"]:
            whole = parts.pop(found["requestId"])
            name = "raw" if "raw" in found else "base64"
            text = "".join(str(whole[number].get(name, "")) for number in sorted(whole))
            yield places[found["requestId"]], {**found, name: text}
    for request, kept in parts.items():
        # Not all of it is here: the line as it is says so when it is read.
        yield places[request], {**next(iter(kept.values())), "raw": "{"}


def _part_in(line: object) -> dict[str, object] | None:
    """Return the log line's object if it is one part of an event."""
    try:
        value = json.loads(line) if isinstance(line, bytes) else line
        if isinstance(value, dict) and isinstance(value.get("SCF_Message"), str):
            value = json.loads(value["SCF_Message"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("event") != UNJOURNALED:
        return None
    numbered = isinstance(value.get("part"), int) and isinstance(value.get("parts"), int)
    return value if numbered and isinstance(value.get("requestId"), str) else None


def _read_line(place: str, line: object) -> LoggedEvent | UnreadableLine | PassedOver:
    try:
        found = _event_in(_value_of(line) if isinstance(line, bytes) else line)
        if found is None:
            return PassedOver(place)
        raw, received_at = found
        return LoggedEvent(place, _notification_of(raw), received_at)
    except _UnreadableError as error:
        return UnreadableLine(place, str(error))


def _lines_of(content: bytes) -> Iterator[tuple[str, object]]:
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        yield from ((f"event {number}", item) for number, item in enumerate(whole, 1))
    elif isinstance(whole, dict):
        yield "line 1", whole
    else:
        lines = enumerate(content.splitlines(), 1)
        yield from ((f"line {number}", line.strip()) for number, line in lines if line.strip())


def _value_of(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        # The platform's own lines are no JSON; one that is, or was before it was cut, must not be lost.
        if line.startswith((b"{", b"[")) or UNJOURNALED.encode() in line:
            raise _UnreadableError("not JSON, or not all of it") from None
        return None


def _event_in(value: object) -> tuple[object, int | None] | None:
    """Return the raw event in a line's value and its time of receipt, or None."""
    if not isinstance(value, dict):
        return None
    message = value.get("SCF_Message")
    if isinstance(message, str):
        return _event_in(_value_of(message.strip().encode("utf-8", "replace")))
    if not _VOD_MEMBERS.isdisjoint(value):
        return value, None
    if value.get("event") == UNJOURNALED:
        if "base64" in value:
            raise _UnreadableError("not UTF-8, so no event can be made of it")
        return value.get("raw"), _second(value.get("time"))
    if "id" in value and "raw" in value and value["raw"] is None:
        raise _UnreadableError(f"the event {BYTES_GONE}")
    if "id" in value and "raw" in value and value["raw"] != {}:
        return value["raw"], _second(value.get("received", value.get("timestamp")))
    return None


def _notification_of(raw: object) -> EventNotification:
    text = raw if isinstance(raw, str) else json.dumps(raw)
    if _CUT_TOKEN.search(text):
        raise _UnreadableError("its token has been cut, so write the list again with --full")
    try:
        return notification_from_journal(text)
    except ServiceError as error:
        raise _UnreadableError(error.detail) from error


def _second(instant: object) -> int | None:
    """Return Unix seconds from a number or an ISO time; None for anything else."""
    if (
        isinstance(instant, int | float) and not isinstance(instant, bool) and 0 < instant < 2**33
    ):  # year 2242
        return int(instant)
    try:
        at = datetime.fromisoformat(str(instant).replace("Z", "+00:00"))
    except ValueError:
        return None
    return int(at.timestamp()) if at.tzinfo else None
