"""Format journaled events as table rows, text and JSON documents, with sealed tokens shortened."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import TYPE_CHECKING

from local.operator.events_retry import BYTES_GONE
from local.operator.signature_inspection import iso_time
from local.terminal_text import sheet_of, table_of
from shared.domain.app_event import to_json
from shared.domain.event_status import EventStatus
from shared.domain.event_text import unpacked
from shared.domain.ingested_event import event_in
from shared.errors import ServiceError
from shared.vod.notification import MAX_BODY_BYTES, notification_from_pull

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from local.operator.event_store import KeptEvent
    from shared.domain.app_event import AppEvent

CUT = "[cut]"
"""Replaces the rest of a sealed token."""
UNREADABLE = "unreadable"
COLUMNS = (
    "received",
    "state",
    "type",
    "verdict",
    "attempts",
    "nextAttempt",
    "uploadId",
    "id",
    "problem",
)

_TITLES = {"nextAttempt": "next attempt", "id": "event id"}
_TOKEN = re.compile(r"(vuf1\.[A-Za-z0-9_-]{7})[A-Za-z0-9_.-]+")


def with_short_tokens(text: str) -> str:
    """Cut every sealed token after its first 12 characters: whoever has a whole one can claim the upload."""
    return _TOKEN.sub(rf"\1{CUT}", text)


def summary_of(event: KeptEvent) -> dict[str, object]:
    """Return an event that was read whole as one row; missing values are None."""
    record, parked = event.record, event.status is EventStatus.PARKED
    return {
        "received": iso_time(event.received_at) if event.received_at else None,
        "state": event.status.value,
        "type": _type_of(event),
        "verdict": None if parked else record.get("verdict"),
        "attempts": event.attempts,
        "nextAttempt": None if event.next_attempt_at is None else iso_time(event.next_attempt_at),
        "uploadId": record.get("upload_id"),
        "id": event.event_id,
        "problem": record.get("problem") or None,
    }


def entry_of(event: KeptEvent) -> dict[str, object]:
    """Return an event's row with its origin and its raw event."""
    origin = event.record.get("origin")
    return {**summary_of(event), "origin": origin, "raw": _raw(event.record)}


def document_of(event: KeptEvent) -> dict[str, object]:
    """Return everything stored of one event; `appEvent` is what is sent, without its `raw`."""
    told = _app_event(event)
    fields = {name: text for name, text in sorted(event.record.items()) if name != "raw"}
    if event.status is not EventStatus.PARKED and "raw" in event.record:
        fields |= dict(zip(("pushed",), _texts(event.record["raw"])[1:], strict=False))
    content = None if told is None else {k: v for k, v in to_json(told).items() if k != "raw"}
    return {**summary_of(event), "fields": fields, "appEvent": content, "raw": _raw(event.record)}


def event_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Format rows in columns under their titles."""
    return table_of(rows, COLUMNS, titles=_TITLES, shorten=("type", "problem"))


def event_sheet(document: Mapping[str, object]) -> str:
    """Format the document of one event: its row and fields as lines, then both forms of it as JSON."""
    rows = {name: document[name] for name in COLUMNS if document[name] is not None}
    fields = document["fields"]
    rows |= fields if isinstance(fields, dict) else {}
    sent = document["appEvent"]
    none = "None can be made of it." if document["raw"] is not None else f"The event {BYTES_GONE}."
    told = none if sent is None else json.dumps(sent, indent=2)
    raw = json.dumps(document["raw"], indent=2)
    return "\n".join(
        [sheet_of(rows.items()), f"For the app, with the raw event as raw:\n{told}", "", f"Raw:\n{raw}", ""]
    )


def json_list(entries: Iterable[Mapping[str, object]]) -> str:
    """Format a JSON list with one entry on each line, so that lines can be searched and compared."""
    return "[" + ",\n ".join(json.dumps(entry) for entry in entries) + "]\n"


def _app_event(event: KeptEvent) -> AppEvent | None:
    """Rebuild the app's event from a record, as delivery does; None if that is not possible."""
    if event.status is EventStatus.PARKED:
        return None
    try:
        return event_in({**event.record, "event_id": event.event_id.partition("@")[0]})
    except (KeyError, ValueError):
        return None


def _raw(record: Mapping[str, str]) -> object:
    """Return the raw event, as text if it is no JSON; None if its bytes are gone."""
    if "raw" not in record:
        return None
    text = record["raw"]
    try:
        text = _inflated(text) if record.get("encoding") == "zlib" else _texts(text)[0]
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _texts(raw: str) -> list[str]:
    try:
        return unpacked(raw)
    except ValueError:
        return [raw]


def _inflated(raw: str) -> str:
    """Return a parked body as text, as far as it was kept, with bytes that are not UTF-8 as escapes."""
    content = base64.b64decode(raw[: len(raw) // 4 * 4])
    return zlib.decompressobj().decompress(content, MAX_BODY_BYTES + 1024).decode("utf-8", "backslashreplace")


def _type_of(event: KeptEvent) -> str:
    if "raw" not in event.record:
        return event.record.get("type", UNREADABLE)
    if event.status is not EventStatus.PARKED:
        told = _app_event(event)
        return told.type if told else UNREADABLE
    raw = _raw(event.record)
    try:
        return notification_from_pull(raw if isinstance(raw, dict) else {}).event_type or UNREADABLE
    except ServiceError:
        return UNREADABLE
