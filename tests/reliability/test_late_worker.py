"""A worker that was stopped past its lease resumes after another took over: nothing changes."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.reliability.crash_points import CrashPoint
from tests.reliability.kept_records import everything
from tests.reliability.service import push_of, timer_of
from tests.reliability.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.crash_points import Side
    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

PAST_EVERY_LEASE_SECONDS = 60
BOTH_SIDES = ("before", "after")
TASKS = "VodApi.tasks_of_file"
READ_BACK = ("VodApi.media_info", TASKS, "Store.settle")
RECEIVED = [(call, side) for call in ("Store.journal", *READ_BACK, "AppWebhook.send") for side in BOTH_SIDES]
DELIVERED = [(call, side) for call in ("Store.take", "AppWebhook.send") for side in BOTH_SIDES]
LAST = [("Store.finish_attempt", "before")]


@pytest.fixture(scope="module")
def other_worker(running_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Start a second worker for the same service."""
    log_file = tmp_path_factory.mktemp("other") / "functions.log"
    clock_file = running_service.clock.file
    with Worker(running_service.environment, clock_file=clock_file, log_file=log_file) as worker:
        yield worker


@pytest.mark.parametrize(
    ("stopped", "call", "side"),
    [
        *(("event_notification", *place) for place in RECEIVED + LAST),
        *(("event_delivery", *place) for place in DELIVERED + LAST),
    ],
)
def test_late_worker_changes_nothing(
    service: Service, other_worker: Worker, stopped: str, call: str, side: Side
) -> None:
    """The callback or the timer was stopped with an event in its hands, and others did all of it meanwhile.

    VOD pushes a second time what was not answered, and the next run of the timer delivers what is due.
    """
    (upload,) = service.finished_uploads(1, with_task_flow=call == TASKS)
    push, timer = push_of(upload.event), timer_of("event_delivery")
    if stopped == "event_delivery":
        killed = CrashPoint("AppWebhook.send", "before", 1, signal.SIGKILL)
        assert service.worker.live([push], point=killed, READ_BACK="on").was_killed
        service.clock.advance(PAST_EVERY_LEASE_SECONDS)
    point = CrashPoint(call, side, 1, signal.SIGSTOP)
    service.worker.stop_at(point, [timer if stopped == "event_delivery" else push], READ_BACK="on")

    service.clock.advance(PAST_EVERY_LEASE_SECONDS)
    other_worker.live([push, timer], READ_BACK="on")
    settled = everything(service.redis_url)
    service.worker.resume()

    assert everything(service.redis_url) == settled
    (record,) = service.records("event")
    assert (record["delivery"], record["attempts"]) == ("delivered", "1")
    assert service.app.ids == {("upload.completed", upload.upload_id): {record["event_id"]}}
    assert len(service.app.heard) <= 2
