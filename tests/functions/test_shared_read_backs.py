"""Deferred read-backs: a run of the timer asks for the files of many events in one call of VOD's API."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from functions import event_delivery
from shared.domain.ingested_event import Source
from shared.flows import deliver_events
from shared.flows.ingest_event import Ingester
from shared.runtime import bootstrap
from tests.functions.deployment import services_of
from tests.functions.vod import begin_upload, token_in
from tests.shared.loopback_peer import HttpPeer, Received, Reply
from tests.shared.uploads import notification_of, uploaded
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.functions.conftest import Deploy

EVENTS = 30
CONTEXT = {"request_id": "shared-read-backs", "time_limit_in_ms": 900_000}


class VodWithFiles:
    """VOD's server API: the first call about files is answered once all other threads wait for their turn."""

    def __init__(self) -> None:
        """Know no file yet."""
        self.tokens: dict[str, str] = {}
        self.calls: list[list[str]] = []
        self._is_first = threading.Lock()

    def answer(self, request: Received) -> Reply:
        """Answer a call."""
        file_ids = json.loads(request.body).get("FileIds", [])
        if file_ids:
            self.calls.append(file_ids)
            if self._is_first.acquire(blocking=False):
                wait_until(lambda: self._waiting() == EVENTS - len(file_ids), "the other threads")
        media: list[Any] = [uploaded(self.tokens[it], file_id=it)["FileUploadEvent"] for it in file_ids]
        infos = [{"FileId": it["FileId"], "BasicInfo": it["MediaBasicInfo"]} for it in media]
        body = json.dumps({"Response": {"MediaInfoSet": infos, "RequestId": "1"}}).encode()
        return Reply(200, body, {"Content-Type": "application/json"})

    def _waiting(self) -> int:
        """Return how many threads wait for their turn: there is no other sign of them."""
        groups = bootstrap._file_reader()._groups.values()  # noqa: SLF001 -- see above
        return sum(len(group._waiting) for group in groups)  # noqa: SLF001 -- see above


@pytest.fixture
def vod_with_files(deploy: Deploy, app: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> Iterator[VodWithFiles]:
    """Deploy for such a VOD, with as many deliveries at the same time as there are events."""
    # However long the threads take to come, on a busy machine.
    monkeypatch.setattr(deliver_events, "ATTEMPT_SECONDS", 600.0)
    files = VodWithFiles()
    with HttpPeer(files.answer) as peer:
        at_once = {"DELIVERY_CONCURRENCY": str(EVENTS), "DELIVERY_RATE": "1000"}
        deploy(**services_of(peer.url, app.url), READ_BACK="on", **at_once)
        yield files


def test_held_events_are_read_back_by_calls_of_twenty_files(
    vod_with_files: VodWithFiles, app: HttpPeer
) -> None:
    """Thirty pushes for which VOD's API was away: two calls, beside that of whoever came first."""
    runtime = bootstrap.event_delivery()
    for number in range(EVENTS):
        file_id = str(5_576_678_000_000_000_000 + number)
        token = token_in(begin_upload(seconds_ago=60, user=f"user-{number}").signature)
        vod_with_files.tokens[file_id] = token
        source = Source("push", int(time.time()) - 60, lease=secrets.token_hex(8))
        event = notification_of(uploaded(token, file_id=file_id))
        Ingester(runtime.store, runtime.settings).ingest(event, source)

    assert event_delivery.main_handler({}, CONTEXT)["deliveries"] == {"delivered": EVENTS}

    assert [len(call) for call in vod_with_files.calls] == [1, 20, EVENTS - 1 - 20]
    told = [json.loads(request.body)["data"] for request in app.received]
    assert {it["fileId"]: it["verified"] for it in told} == dict.fromkeys(vod_with_files.tokens, True)
