"""`python -m tests.durability.measure`: how many acknowledged events a failing store loses.

Each row is one failure of a real server, or cluster, while `Store.journal` runs; the table goes to standard
output. docs/operations.md draws the conclusions.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from tests.cluster.redis_cluster import RedisCluster
from tests.cluster.valkey_server import ValkeyServer
from tests.durability.journaling import Journaling
from tests.reliability.tcp_proxy import TcpProxy
from tests.shared.loopback_peer import HOST
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADER = "| setting; failure | acknowledged | of them lost | refused | |\n|---|--:|--:|--:|---|\n"
WRITING_SECONDS = CUT_SECONDS = 4.0

ONE_SERVER: Mapping[str, Mapping[str, str]] = {
    "no persistence": {"save": '""', "appendonly": "no"},
    "RDB snapshots, the server's defaults": {"save": "3600 1 300 100 60 10000", "appendonly": "no"},
    "AOF, appendfsync everysec": {"save": '""', "appendonly": "yes", "appendfsync": "everysec"},
    "AOF, appendfsync always": {"save": '""', "appendonly": "yes", "appendfsync": "always"},
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    setting: str
    acknowledged: int
    lost: int
    refused: int
    remark: str = ""

    def __str__(self) -> str:
        """Format the row in Markdown."""
        return f"| {self.setting} | {self.acknowledged} | {self.lost} | {self.refused} | {self.remark} |"


def killed_and_started_again(setting: str, options: Mapping[str, str], folder: Path) -> Row:
    """Kill a single server with SIGKILL while it writes, and restart it on its files."""
    with ValkeyServer(folder, options) as server:
        with Journaling(server.url) as journaling:
            time.sleep(WRITING_SECONDS)
            server.end()
        server.start()
        with server.client as client:
            return _row(setting, journaling, client)


def promoted_after_a_cut(setting: str, options: Mapping[str, str], folder: Path, *, replicas: int = 0) -> Row:
    """Cut the link between primary and replica, kill the primary 4 s later, promote the replica."""
    memory_only = {"save": '""', "repl-diskless-sync-delay": "0"}
    with (
        ValkeyServer(folder / "primary", {**memory_only, **options}) as primary,
        TcpProxy(primary.url) as link,
        ValkeyServer(folder / "replica", {**memory_only, "replicaof": f"{HOST} {link.port}"}) as replica,
        primary.client as asked,
        replica.client as promoted,
    ):
        wait_until(lambda: promoted.info("replication")["master_link_status"] == "up", "the replica")
        wait_until(lambda: _is_good(asked), "the primary to count its replica")
        with Journaling(primary.url, replicas=replicas) as journaling:
            time.sleep(WRITING_SECONDS / 2)
            link.is_silent = True
            time.sleep(CUT_SECONDS)
            primary.end()
        promoted.replicaof("NO", "ONE")
        return _row(setting, journaling, promoted)


def failed_over(setting: str, folder: Path, *, full_coverage: bool) -> Row:
    """Kill the primary of a cluster that has a replica, and continue until that has served for a while."""
    with RedisCluster(folder, full_coverage=full_coverage) as cluster, cluster.replica.client as replica:
        with Journaling(cluster.url()) as journaling:
            time.sleep(WRITING_SECONDS / 4)
            cluster.primaries[0].end()
            killed_at = time.monotonic()
            wait_until(lambda: replica.info("replication")["role"] == "master", "the replica to take over")
            time.sleep(WRITING_SECONDS / 2)
            wait_until(lambda: journaling.writes[-1].acknowledged, "the store to go on")
        address = cluster.url().replace("+cluster", "")
        with redis.cluster.RedisCluster.from_url(address, decode_responses=True) as client:
            row = _row(setting, journaling, client)
    failing = max((write.ended for write in journaling.refused), default=killed_at) - killed_at
    longest = max(write.ended - write.began for write in journaling.writes)
    return replace(row, remark=f"failing for {failing:.1f} s, longest call {longest:.2f} s")


def measurements(folder: Path) -> Iterator[Row]:
    """Yield the rows of the table, in its order."""
    for setting, options in ONE_SERVER.items():
        yield killed_and_started_again(f"{setting}; kill -9", options, folder / setting)
    plain, name = "primary and replica", "cluster-require-full-coverage no"
    guarded = {"min-replicas-to-write": "1", "min-replicas-max-lag": "1"}
    yield promoted_after_a_cut(f"{plain}; link cut, promoted", {}, folder / "plain")
    yield promoted_after_a_cut(f"{plain}, min-replicas-to-write 1; the same", guarded, folder / "guarded")
    waiting = f"{plain}, WAIT 1 after each write; the same"
    yield promoted_after_a_cut(waiting, {}, folder / "waiting", replicas=1)
    yield failed_over("cluster; a primary killed", folder / "cluster", full_coverage=True)
    yield failed_over(f"cluster, {name}; the same", folder / "partial", full_coverage=False)


def main() -> None:
    """Measure and print row by row."""
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(HEADER)
        for row in measurements(Path(folder)):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()


def _row(setting: str, journaling: Journaling, client: redis.Redis) -> Row:
    lost = [write for write in journaling.acknowledged if not client.exists(write.key)]
    return Row(setting, len(journaling.acknowledged), len(lost), len(journaling.refused))


def _is_good(primary: redis.Redis) -> bool:
    figures = primary.info("replication")
    replica = figures.get("slave0", {"state": "missing"})
    return bool(replica["state"] == "online" and replica["lag"] <= 1)


if __name__ == "__main__":
    main()
