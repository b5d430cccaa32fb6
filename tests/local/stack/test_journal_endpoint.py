"""The journal as the page sees it: where each event stands, and sending one again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import requests

from local.stack.demo_settings import first_of
from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from tests.clients.stack_client import events_about
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.stack import Stack


def test_event_that_is_sent_again_keeps_its_id(stack: Stack, small_media: Path) -> None:
    """The journal has the event that the app received; after a retry the app receives it once more."""
    with closing(UploadClient(stack.url)) as client:
        stored = client.upload(UploadOrder(small_media, "alice", context="again"), lambda *_: None)
    [event] = events_about(stack, id_=stored.upload_id)
    wait_until(lambda: _rows(stack)[event["id"]]["state"] == "delivered", "the delivery to be recorded")
    row = _rows(stack)[event["id"]]
    answer = requests.post(f"{stack.url}/local/journal/{event['id']}/retry", timeout=10)

    assert (row["type"], row["verdict"], row["uploadId"]) == (
        "upload.completed",
        "attributed",
        stored.upload_id,
    )
    assert (answer.status_code, answer.json()["events"]) == (200, [{"id": event["id"], "was": "delivered"}])
    assert events_about(stack, id_=stored.upload_id, count=2) == [event, event]


def test_event_that_cannot_be_sent_again_says_why(stack: Stack) -> None:
    """An id that the journal does not have is 409 with a sentence."""
    answer = requests.post(f"{stack.url}/local/journal/evt_{'0' * 32}/retry", timeout=10)

    assert answer.status_code == 409
    assert answer.json()["detail"] == f"evt_{'0' * 32} names no event that is kept."


def test_callback_that_cannot_be_read_is_shown_as_parked(stack: Stack) -> None:
    """What the app never receives is in the journal, so that the page can show it."""
    token = first_of(stack.environment["CALLBACK_TOKENS"])
    requests.post(f"{stack.url}/vod-callback/{token}", data=b"[] no event", timeout=10)

    assert "parked" in {row["state"] for row in _rows(stack).values()}


def _rows(stack: Stack) -> dict[str, dict[str, Any]]:
    rows = requests.get(f"{stack.url}/local/journal", timeout=10).json()
    return {row["id"]: row for row in rows}
