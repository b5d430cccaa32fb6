"""Kill one primary of a cluster while events are journaled: what callers notice, and what is lost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from tests.durability.journaling import Journaling, lost_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.cluster.redis_cluster import RedisCluster

BEFORE_SECONDS, AFTER_SECONDS = 1.0, 2.0


@dataclass(frozen=True)
class Failover:
    """The figures: seconds, and counts of events.

    `outage_seconds` is from the kill to the last call that failed; `lost` events were acknowledged and are on
    no node; `lost_in_seconds` is how long before the kill the oldest of them was acknowledged.
    """

    acknowledged: int
    refused: int
    outage_seconds: float
    longest_call_seconds: float
    lost: int
    lost_in_seconds: float


def kill_a_primary(cluster: RedisCluster) -> Failover:
    """Kill the primary that has a replica, and continue until its replica has served for a while."""
    with Journaling(cluster.url()) as journaling:
        time.sleep(BEFORE_SECONDS)
        cluster.primaries[0].end()
        killed_at = time.monotonic()
        wait_until(lambda: _has_taken_over(cluster), "the replica to take over")
        time.sleep(AFTER_SECONDS)

    with redis.cluster.RedisCluster.from_url(
        cluster.url().replace("+cluster", ""), decode_responses=True
    ) as client:
        lost = lost_of(journaling.acknowledged, client)
    return Failover(
        acknowledged=len(journaling.acknowledged),
        refused=len(journaling.refused),
        outage_seconds=max((write.ended for write in journaling.refused), default=killed_at) - killed_at,
        longest_call_seconds=max(write.ended - write.began for write in journaling.writes),
        lost=len(lost),
        lost_in_seconds=killed_at - min((write.ended for write in lost), default=killed_at),
    )


def _has_taken_over(cluster: RedisCluster) -> bool:
    with cluster.replica.client as client:
        return bool(client.info("replication")["role"] == "master")
