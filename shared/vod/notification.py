"""Parse VOD's event notifications, pushed or pulled, and derive their identity for de-duplication.

No schema library is used: VOD adds event types and members several times a year, so the parser accepts
whatever the members hold, and a schema would refuse it.

A v3 push (doc 266/33950); a pulled item has an `EventHandle` and no `Sign` and `T`:

    {"EventType": "NewFileUpload", "FileUploadEvent": {...}, "Sign": "1eee…", "T": 1793319136}

A legacy push (doc 266/33962). Nothing is unwrapped: `eventContent` belongs to the pull of API 2.0, which is
never called, and whoever can post could otherwise wrap one event into another:

    {"version": "4.0", "eventType": "NewFileUpload", "data": {...}}
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING

from shared.errors import ContentTooLargeError, InvalidRequestError
from shared.vod.lenient_json import as_text, canonical_json, read_event_object
from shared.vod.notification_legacy import read_legacy
from shared.vod.notification_types import CallbackSignature, EventNotification
from shared.vod.notification_v3 import read_v3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.vod.notification_types import Subtask

MAX_BODY_BYTES = 6 * 1024 * 1024
"""The most that the platform hands to a function (doc 583/11637)."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_OF_THE_EVENT = frozenset({"Sign", "T", "EventHandle"})
_UNIX_SECOND = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def parse_notification(body: bytes) -> EventNotification:
    """Parse the body of a normal callback, v3 or legacy.

    Whatever the members hold, the object parses: a missing member or one of the wrong type becomes
    `""`, None or an empty tuple.

    Raises:
        ContentTooLargeError: more than 6 MiB.
        InvalidRequestError: not UTF-8, or not one JSON object as `read_event_object` wants it.

    """
    if len(body) > MAX_BODY_BYTES:
        raise ContentTooLargeError("The body is larger than 6 MiB.")
    try:
        # RFC 8259, section 8.1: a reader may ignore a byte order mark.
        text = body.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError("The body is not UTF-8.") from error
    return _notification(read_event_object(text), event_handle=None)


def notification_from_pull(item: Mapping[str, object]) -> EventNotification:
    """Parse one item of a reliable callback, of `EventSet` in the answer to PullEvents.

    The item must be the JSON that PullEvents answered, not an SDK model, which drops the
    members it does not know. It is copied on the way, and read as a pushed body is.

    Raises:
        InvalidRequestError: the item cannot be written as JSON, or is nested deeper than 64.

    """
    try:
        text = json.dumps(dict(item))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError("The event cannot be written as JSON.") from error
    return _notification(read_event_object(text), event_handle=as_text(item.get("EventHandle")) or None)


def notification_from_journal(raw: str) -> EventNotification:
    """Parse what `raw_json` wrote: the same notification, without its signature and its handle.

    Raises:
        InvalidRequestError: `raw` was not written by `raw_json`.

    """
    return _notification(read_event_object(raw), event_handle=None)


def identity(notification: EventNotification) -> str:
    """Return the identity of the event: equal for its push, every retry and its pull, unique otherwise.

    An upload is its file id; a state of a task flow its task id and status, and while it runs
    also what its subtasks have reached, so that each step of notify mode `Change` counts.
    Any other event is a digest of all it says, without nulls, which a push leaves out.
    A v3 and a legacy notification of one upload agree when they name the same file id.
    Two events that say the same to the letter, with no id or time to tell them apart
    (a cast that starts twice, say), are one: they cannot be told from a retry.

    The result is at most 128 ASCII characters, and safe as a part of a Redis key.
    """
    upload, state = notification.file_upload, notification.procedure_state
    if upload is not None and _is_plain(upload.file_id):
        return _digest("upload", [upload.file_id])
    if state is not None and _is_plain(state.task_id) and state.status.isascii():
        steps = [] if state.finished else [_step(subtask) for subtask in state.subtasks]
        return _digest("procedure", [state.task_id, state.status, steps])
    return _digest("event", [notification.wire_format, _without_nulls(notification.raw)])


def raw_json(notification: EventNotification) -> str:
    """Encode `raw` as canonical ASCII JSON; never fails for a notification that was parsed here."""
    return canonical_json(notification.raw)


def callback_signature_from_query(query: Mapping[str, str]) -> CallbackSignature | None:
    """Return `Sign` and `T` from the callback's query string, if they are there.

    The vendor does not say where they sit (doc 266/57589): the body comes first, see
    `EventNotification.signature`, and this is the other place.
    """
    return _callback_signature(query.get("Sign"), query.get("T"))


def callback_signature_matches(signature: CallbackSignature | None, *, sign_key: str, now: int) -> bool:
    """Return whether the sender knew the SignKey and the notification has not expired (doc 266/57589).

    It proves knowledge of the key, nothing more: neither body nor URL is covered.
    """
    if signature is None or not sign_key or now > signature.expires_at:
        return False
    signed = f"{sign_key}{signature.expires_at}".encode()
    # The vendor chose MD5; without the flag, a hardened OpenSSL refuses to compute it.
    expected = hashlib.md5(signed, usedforsecurity=False).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.sign.lower().encode())


def _notification(body: dict[str, object], *, event_handle: str | None) -> EventNotification:
    raw = {name: value for name, value in body.items() if name not in _NOT_OF_THE_EVENT}
    signature = _callback_signature(body.get("Sign"), body.get("T"))
    event = _read_event(raw)
    if event_handle is None and signature is None:
        return event
    return event._replace(event_handle=event_handle, signature=signature)


def _read_event(raw: dict[str, object]) -> EventNotification:
    if "EventType" in raw:
        return read_v3(raw)
    if "eventType" in raw and "data" in raw:
        return read_legacy(raw)
    return EventNotification(event_type="", wire_format="unknown", raw=raw)


def _callback_signature(sign: object, expires_at: object) -> CallbackSignature | None:
    """Accept T as a number or as text: the vendor does not say which one is sent."""
    if not isinstance(sign, str) or not sign:
        return None
    second = as_text(expires_at)
    if not _UNIX_SECOND.fullmatch(second):
        return None
    return CallbackSignature(sign=as_text(sign), expires_at=int(second))


def _is_plain(wire_id: str) -> bool:
    """Return whether an id is usable: outside ASCII, two surrogates may have become the same character."""
    return bool(wire_id) and wire_id.isascii()


def _step(subtask: Subtask) -> list[object]:
    reached = [subtask.status, subtask.progress, subtask.err_code_ext, subtask.err_code]
    return [subtask.group, subtask.kind, subtask.definition, *reached]


def _digest(basis: str, parts: list[object]) -> str:
    # The list, item by item: for a single text, that is a third of the work.
    whole = f"[{','.join(map(canonical_json, parts))}]"
    return f"{basis}-{hashlib.sha256(whole.encode('ascii')).hexdigest()}"


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
