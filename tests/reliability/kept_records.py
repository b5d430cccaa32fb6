"""Read what the store holds in few round trips, because the tests of this folder leave much in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from shared.domain.event_text import unpacked
from shared.flows.delivery_run import LEAST_SECONDS
from shared.store.connection import PARTITIONS
from shared.store.endpoint import RANK_STEP
from tests.shared.service import STAGE, client_of

if TYPE_CHECKING:
    from tests.reliability.app_receiver import AppReceiver
    from tests.shared.service import Service

CHANGING = {b"calls", b"pace", b"tail", b"timer"}
SAMPLE = 200
"""How many of thousands of due events are delivered over real HTTP; the others are counted."""


def journal_records(redis_url: str, kind: str = "event") -> list[dict[str, str]]:
    """Read every hash of one kind: `event`, with its text as `raw`, `upload` or `poison`."""
    with client_of(redis_url) as client:
        pipeline = client.pipeline(transaction=False)
        keys = list(client.scan_iter(f"vuf:*:{kind}:*", count=1000))
        for key in keys:
            pipeline.hgetall(key)
            pipeline.get(f"body of {key}" if kind != "event" else key.replace(":event:", ":body:", 1))
        replies = pipeline.execute()
        records = zip(replies[::2], replies[1::2], strict=True)
        return [
            record
            | {"event_id": "evt_" + key.rpartition(":")[-1]}
            | ({"raw": unpacked(body)[0]} if body else {})
            for key, (record, body) in zip(keys, records, strict=True)
        ]


def members(redis_url: str, index: str) -> dict[str, float]:
    """Read one of the sorted sets, such as `due` or `parked`, of all partitions: member and score."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(PARTITIONS):
            pipeline.zrange(f"vuf:{{{STAGE}.{number}}}:{index}", 0, -1, withscores=True)
        return {member: at % RANK_STEP for pairs in pipeline.execute() for member, at in pairs}


def everything(redis_url: str) -> dict[str, bytes]:
    """Return all that the store holds, except what changes by itself.

    Every run leaves its time, counts into the pace of the app's endpoint, takes calls out of the budget of
    VOD's API, and moves on in VOD's lists.
    """
    with redis.Redis.from_url(redis_url) as client:
        keys = [key for key in client.scan_iter(count=1000) if key.split(b":")[2] not in CHANGING]
        return {key: client.dump(key) for key in keys}


def assert_due_once_each(service: Service, app: AppReceiver) -> list[dict[str, str]]:
    """Assert that each event is stored and due once; deliver a sample; return the records before that."""
    records = journal_records(service.redis_url)
    ids = {record["event_id"] for record in records}
    assert len(records) == len(ids) == len(members(service.redis_url, "due"))

    figures = service.delivery_run(seconds=SAMPLE / 10 + LEAST_SECONDS).run()

    heard = app.heard
    assert figures["delivered"] == len(heard) == len({*heard} & ids) >= SAMPLE
    assert len(members(service.redis_url, "due")) == len(ids) - len(heard)
    return records
