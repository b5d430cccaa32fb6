"""Read what the store holds in few round trips, because the tests of this folder leave much in it."""

from __future__ import annotations

import redis


def journal_records(redis_url: str, kind: str = "event") -> list[dict[str, str]]:
    """Read every hash of one kind: `event`, `upload` or `poison`."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        pipeline = client.pipeline(transaction=False)
        for key in client.scan_iter(f"vuf:*:{kind}:*", count=1000):
            pipeline.hgetall(key)
        records: list[dict[str, str]] = pipeline.execute()
        return records


def members(redis_url: str, index: str) -> dict[str, float]:
    """Read one of the sorted sets, such as `due` or `parked`, of all partitions: member and score."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = list(client.scan_iter(f"vuf:*:{index}", count=1000))
        return {member: at for key in keys for member, at in client.zrange(key, 0, -1, withscores=True)}


def everything(redis_url: str) -> dict[str, bytes]:
    """Return all that the store holds, except the app's send slots, which expire within a second."""
    with redis.Redis.from_url(redis_url) as client:
        return {key: client.dump(key) for key in client.scan_iter(count=1000) if b":turn:" not in key}
