"""Many concurrent copies of one event: it counts once for its upload, and is delivered under one id (R2)."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from local.simulator.notifications import without_nulls
from shared.domain.app_event import PULL, PUSH
from shared.domain.ingested_event import Source
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import state_of
from shared.flows.ingest_event import LEASE_SECONDS
from shared.vod.lenient_json import canonical_json
from tests.local.simulator.account import Account
from tests.reliability.event_copies import MOST_COPIES, WEEK_SECONDS, notification_in, week
from tests.reliability.ingest_processes import flood
from tests.reliability.kept_records import assert_due_once_each, journal_records, members
from tests.reliability.many_uploads import VodLibrary, begin_uploads
from tests.reliability.service import service_environment
from tests.shared.service import Clock, Service
from tests.shared.uploads import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.reliability.app_receiver import AppReceiver
    from tests.reliability.event_copies import Story

pytestmark = pytest.mark.reliability

EVENTS, SEED = 10_000, 20_261_122
READ_BACK_UPLOADS, INSTANCES = 250, 16
RETRIES_SECONDS = 120


def test_ten_thousand_events_in_many_copies_count_once_each(valkey_url: str, app: AppReceiver) -> None:
    """64 threads ingest 1 to 10 copies of 10,000 events, pushed or pulled: each counts exactly once.

    The copies go through `Ingester`, as in both functions, because HTTP around it would only be slower. Of
    every second upload the store knows nothing but what the token tells.
    """
    changes = {"APP_WEBHOOK_URL": app.url}
    clock = Clock(NOW + WEEK_SECONDS + LEASE_SECONDS)
    service = Service(valkey_url, changes, clock, clock.move)
    made = week(EVENTS, seed=SEED)
    for number, story in enumerate(made.stories[::2]):
        service.store.begin_upload(story.session, randoms=(number,), now=NOW, limits=UploadLimits(100_000))

    statuses = flood(EVENTS, SEED, valkey_url, changes)

    news = statuses["applied"] + statuses["verified"] + statuses["recorded"]
    assert EVENTS - statuses["sent again"] <= news <= EVENTS
    assert news + statuses["duplicate"] == len(made.copies) > 5 * EVENTS
    records = assert_due_once_each(service, app)
    journaled = Counter(canonical_json(without_nulls(json.loads(record["raw"]))) for record in records)
    assert journaled == Counter(canonical_json(event) for event in made.events)
    by_upload = grouped(records)
    for story in made.stories:
        assert_moved_once_by_each(service, story, by_upload[story.session.upload_id])


def assert_moved_once_by_each(service: Service, story: Story, records: list[dict[str, str]]) -> None:
    """Assert that an upload has numbered its events from 1 without a gap, and has the expected state."""
    session = service.find(story.session)
    assert sorted(int(record["sequence"]) for record in records) == list(range(1, session.sequence + 1))
    assert session.sequence == len(story.events)
    assert state_of(session, now=session.ends_at) is story.state
    verdicts = Counter(record["verdict"] for record in records)
    files = {notification_in(event, PUSH, 0).file_id for event in story.events}
    assert session.file_id in files
    assert verdicts["replayed"] == len(files) - 1
    assert verdicts["quarantined"] == verdicts["unattributed"] == 0


@pytest.mark.usefixtures("patient_store")
def test_copies_that_are_read_back_count_once_each(valkey_url: str, app: AppReceiver, tmp_path: Path) -> None:
    """A push is held until VOD has vouched for its file, while copies of it come by every way.

    16 instances of the functions work at once; a pushed copy is read back and delivered at once, as
    its function does it, and what is left is the timer's.
    """
    with Account(tmp_path / "vod") as account:
        library, choose = VodLibrary(account), random.Random(SEED)  # noqa: S311  # to be repeatable is the point
        settings = service_environment(valkey_url, vod_url=account.url, webhook_url=app.url, READ_BACK="on")
        clock = Clock(time.time())
        tokens = begin_uploads(valkey_url, READ_BACK_UPLOADS, now=clock())
        uploads = library.finish_uploads(tokens, with_task_flow=True)
        events = [event for upload in uploads for event in (upload.event, upload.task_flow_event)]
        copies = [
            (event, choose.choice((PUSH, PULL)))
            for event in events
            for _ in range(choose.randint(1, MOST_COPIES))
        ]
        choose.shuffle(copies)
        instances = [Service(valkey_url, settings, clock, clock.move) for _ in range(INSTANCES)]

        with ThreadPoolExecutor(INSTANCES) as pool:
            shares = [copies[number::INSTANCES] for number in range(INSTANCES)]
            endings = sum(pool.map(ingest_and_deliver, instances, shares), Counter[str]())
        clock.move(LEASE_SECONDS)
        while members(valkey_url, "due"):
            endings += Counter(instances[0].delivery_run().run())
            clock.move(RETRIES_SECONDS)

    records = journal_records(valkey_url)
    assert len(app.heard) == len({*app.heard}) == len(records) == 2 * READ_BACK_UPLOADS
    assert {told["verified"] for told in app.told} == {True}
    assert {record["status"] for record in records} <= {"applied", "verified"}
    assert endings["delivered"] == len(records)
    for upload, told in grouped(records).items():
        assert sorted(record["sequence"] for record in told) == ["1", "2"], upload


def ingest_and_deliver(instance: Service, copies: Sequence[tuple[dict[str, object], str]]) -> Counter[str]:
    """Ingest copies one after the other; return the outcomes of the immediate deliveries."""
    endings: Counter[str] = Counter()
    deliverer = instance.deliverer()
    for number, (event, origin) in enumerate(copies):
        source = Source(origin, int(instance.clock()), lease=secrets.token_hex(8))
        ingested = deliverer.ingester.ingest(notification_in(event, origin, number), source)
        endings[deliverer.deliver(ingested) if origin == PUSH else "not tried"] += 1
    return endings


def grouped(records: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Group the journal's records by their upload; those of no upload of ours have an empty id."""
    groups: dict[str, list[dict[str, str]]] = {}
    for record in records:
        groups.setdefault(record.get("upload_id", ""), []).append(record)
    return groups
