"""A worker that was stopped past its lease resumes after another took over: nothing changes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.reliability.crash_points import CrashPoint
from tests.reliability.service import push_of, timer_of
from tests.reliability.worker_process import WorkerProcess, wait_until_stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.crash_points import Side
    from tests.reliability.service import Service

pytestmark = pytest.mark.reliability

PAST_EVERY_LEASE_SECONDS = 60


@pytest.fixture(scope="module")
def other_worker(
    running_service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProcess]:
    """Start a second worker for the same service."""
    log_file = tmp_path_factory.mktemp("other") / "functions.log"
    clock_file = running_service.clock.file
    with WorkerProcess(running_service.environment, clock_file=clock_file, log_file=log_file) as worker:
        yield worker


@pytest.mark.parametrize(
    ("call", "side"),
    [
        ("Store.journal", "before"),
        ("Store.journal", "after"),
        ("VodApi.media_info", "before"),
        ("VodApi.media_info", "after"),
        ("VodApi.tasks_of_file", "before"),
        ("VodApi.tasks_of_file", "after"),
        ("Store.settle", "before"),
        ("Store.settle", "after"),
        ("AppWebhook.send", "before"),
        ("AppWebhook.send", "after"),
        ("Store.finish_attempt", "before"),
    ],
)
def test_late_receiver_changes_nothing(
    service: Service, other_worker: WorkerProcess, call: str, side: Side
) -> None:
    """A push was stopped on its way; VOD sent again, another worker and the timer did all of it."""
    (upload,) = service.finished_uploads(1)
    process = service.worker.begin(
        [push_of(upload.event)], point=CrashPoint(call, side, 1, signal.SIGSTOP), READ_BACK="on"
    )
    wait_until_stopped(process)

    service.clock.advance(PAST_EVERY_LEASE_SECONDS)
    other_worker.live([push_of(upload.event), timer_of("event_delivery")], READ_BACK="on")
    settled = service.everything()
    os.kill(process, signal.SIGCONT)
    service.worker.end()

    assert service.everything() == settled
    assert_delivered_once(service, upload.upload_id)


@pytest.mark.parametrize(
    ("call", "side"),
    [
        ("Store.take", "before"),
        ("Store.take", "after"),
        ("AppWebhook.send", "before"),
        ("AppWebhook.send", "after"),
        ("Store.finish_attempt", "before"),
    ],
)
def test_late_deliverer_changes_nothing(
    service: Service, other_worker: WorkerProcess, call: str, side: Side
) -> None:
    """The timer was stopped with an event in its hands; the next run took the event over."""
    (upload,) = service.finished_uploads(1)
    killed = service.worker.live(
        [push_of(upload.event)], point=CrashPoint("AppWebhook.send", "before", 1, signal.SIGKILL)
    )
    assert killed.was_killed
    service.clock.advance(PAST_EVERY_LEASE_SECONDS)
    process = service.worker.begin(
        [timer_of("event_delivery")], point=CrashPoint(call, side, 1, signal.SIGSTOP)
    )
    wait_until_stopped(process)

    service.clock.advance(PAST_EVERY_LEASE_SECONDS)
    other_worker.live([timer_of("event_delivery")])
    settled = service.everything()
    os.kill(process, signal.SIGCONT)
    service.worker.end()

    assert service.everything() == settled
    assert_delivered_once(service, upload.upload_id)


def assert_delivered_once(service: Service, upload_id: str) -> None:
    """Assert that there is one event, delivered, with one id, however often the app received it."""
    (record,) = service.records("event")
    assert (record["delivery"], record["attempts"]) == ("delivered", "1")
    assert service.app.ids == {("upload.completed", upload_id): {record["event_id"]}}
    assert len(service.app.webhooks) <= 2
