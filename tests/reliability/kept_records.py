"""Read what the store holds in few round trips, because the tests of this folder leave much in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from shared.store.connection import PARTITIONS
from tests.shared.service import STAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 500


def journal_records(redis_url: str) -> list[dict[str, str]]:
    """Read every event of the journal."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = list(client.scan_iter("vuf:*:event:*", count=1000))
        return [record for page in _pages(keys) for record in _hashes(client, page)]


def members(redis_url: str, index: str) -> dict[str, float]:
    """Read one of the sorted sets, such as `due` or `parked`, of all partitions: member and score."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = list(client.scan_iter(f"vuf:*:{index}", count=1000))
        return {member: at for key in keys for member, at in client.zrange(key, 0, -1, withscores=True)}


def earliest_due(client: redis.Redis) -> float | None:
    """Return when the next event is due, or None."""
    pipeline = client.pipeline(transaction=False)
    for number in range(PARTITIONS):
        pipeline.zrange(f"vuf:{{{STAGE}.{number}}}:due", 0, 0, withscores=True)
    return min((at for index in pipeline.execute() for _, at in index), default=None)


def _pages(keys: list[str]) -> Iterator[list[str]]:
    return (keys[start : start + _PAGE] for start in range(0, len(keys), _PAGE))


def _hashes(client: redis.Redis, keys: list[str]) -> list[dict[str, str]]:
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.hgetall(key)
    records: list[dict[str, str]] = pipeline.execute()
    return records
