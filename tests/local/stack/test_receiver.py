"""The app's back end behind real HTTP, with webhooks signed by an independent implementation."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.stack.receiver import MAX_EVENTS, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.stack.stack import Stack


def test_signed_webhook_is_kept_and_shown(stack: Stack) -> None:
    """What carries our signature is answered 204 and listed with its body."""
    body = _event()
    answer = _send(stack, body)

    assert answer.status_code == 204
    assert [body] == [event["body"] for event in _received(stack, body)]
    assert _received(stack, body)[0]["verified"] is True


def test_repeated_webhook_is_shown_as_repeat(stack: Stack) -> None:
    """The same webhook-id twice is two entries, the second marked."""
    body = _event()
    for _ in range(2):
        _send(stack, body, webhook_id="msg_" + body["data"]["uploadId"])

    assert [event["repeat"] for event in _received(stack, body)] == [False, True]


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,not base64!"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,a,b,c"},
        {"webhook-timestamp": "0"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e400"},
        {"webhook-timestamp": "x"},
        {"webhook-id": "another"},
        {"webhook-id": ""},
    ],
)
def test_webhook_with_a_wrong_header_is_refused(stack: Stack, headers: dict[str, str]) -> None:
    """Anything that is not signed by us is 401, whatever its headers look like."""
    body = _event()
    answer = _send(stack, body, **headers)

    assert answer.status_code == 401
    assert _received(stack, body) == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"null", b"{", b"[" * 100_000])
def test_signed_body_that_is_no_object_is_refused(stack: Stack, content: bytes) -> None:
    """A body that no event can be is refused, and the receiver lives on."""
    headers = _signed(_secret(stack), content, "msg_1")
    answer = requests.post(f"{stack.url}/local/receiver", data=content, headers=headers, timeout=10)

    assert answer.status_code == 401


def test_changed_body_is_refused(stack: Stack) -> None:
    """One changed byte breaks the signature."""
    content = json.dumps(_event()).encode()
    headers = _signed(_secret(stack), content, "msg_2")
    answer = requests.post(f"{stack.url}/local/receiver", data=content + b" ", headers=headers, timeout=10)

    assert answer.status_code == 401


def test_body_over_one_megabyte_is_refused(stack: Stack) -> None:
    """The receiver reads no more than an event can have."""
    answer = requests.post(f"{stack.url}/local/receiver", data=b"x" * 1_100_000, timeout=10)

    assert answer.status_code == 413


def test_stream_replays_and_then_follows(stack: Stack) -> None:
    """A page that connects late sees what was before, and then each new event."""
    before, after = _event(), _event()
    _send(stack, before)
    with _stream(stack) as events:
        seen = _until(events, before)
        _send(stack, after)
        seen += _until(events, after)

    assert seen.index(before["data"]["uploadId"]) < seen.index(after["data"]["uploadId"])


def test_several_streams_get_every_event(stack: Stack) -> None:
    """Two pages open at the same time both see a new event."""
    body = _event()
    with _stream(stack) as first, _stream(stack) as second:
        _send(stack, body)

        assert body["data"]["uploadId"] in _until(first, body)
        assert body["data"]["uploadId"] in _until(second, body)


def test_events_of_an_earlier_run_are_kept(tmp_path: Path) -> None:
    """A restarted receiver still shows what it had; a line cut off by a crash is passed over."""
    file = tmp_path / "events.jsonl"
    file.write_text('{"body":{"data":{"uploadId":"one"}}}\nnot json\n[]\n{"body":')
    Receiver(["whsec_" + "A" * 32], file)

    assert file.read_text() == '{"body":{"data":{"uploadId":"one"}}}\n'


def test_file_does_not_grow_without_limit(tmp_path: Path) -> None:
    """At its start a receiver keeps the newest events only."""
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f'{{"n":{number}}}\n' for number in range(MAX_EVENTS + 5)))
    Receiver(["whsec_" + "A" * 32], file)
    lines = file.read_text().splitlines()

    assert (len(lines), lines[0]) == (MAX_EVENTS, '{"n":5}')


def _event() -> dict[str, Any]:
    upload_id = f"TEST{uuid.uuid4().hex[:22]}".upper()
    return {"id": "evt_test", "type": "upload.completed", "data": {"uploadId": upload_id}}


def _send(stack: Stack, body: dict[str, Any], *, webhook_id: str = "", **headers: str) -> requests.Response:
    content = json.dumps(body).encode()
    signed = _signed(_secret(stack), content, webhook_id or f"msg_{secrets.token_hex(8)}")
    return requests.post(
        f"{stack.url}/local/receiver", data=content, headers={**signed, **headers}, timeout=10
    )


def _signed(secret: str, content: bytes, webhook_id: str) -> dict[str, str]:
    """Sign by the text of the Standard Webhooks specification, with the standard library only."""
    timestamp = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + content, hashlib.sha256).digest()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "content-type": "application/json",
    }


def _secret(stack: Stack) -> str:
    return stack.environment["APP_WEBHOOK_SECRETS"]


def _received(stack: Stack, body: dict[str, Any]) -> list[dict[str, Any]]:
    query = {"uploadId": body["data"]["uploadId"]}
    events: list[dict[str, Any]] = requests.get(f"{stack.url}/local/events", params=query, timeout=10).json()
    return events


@contextlib.contextmanager
def _stream(stack: Stack) -> Iterator[Iterator[str]]:
    with requests.get(f"{stack.url}/local/events/stream", stream=True, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = (line.decode() for line in answer.iter_lines(chunk_size=1))
        assert next(lines).startswith(":")
        yield (line for line in lines if line.startswith("data: "))


def _until(events: Iterator[str], wanted: dict[str, Any]) -> list[str]:
    """Collect upload ids from the stream until the wanted one has come."""
    seen: list[str] = []
    for line in events:
        seen.append(str(json.loads(line.removeprefix("data: "))["body"]["data"].get("uploadId")))
        if seen[-1] == wanted["data"]["uploadId"]:
            break
    return seen
