"""Run the tests of everything that works on a store again, against a Redis Cluster of three primaries.

They are the same tests, in a process of their own, with TEST_REDIS_URL naming the cluster.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY
from tests.cluster.redis_cluster import RedisCluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.valkey_server import ValkeyServer

_CALLBACK = "tests/functions/test_event_notification.py"
SUITE = [
    "tests/shared/store/test_store_uploads.py",
    "tests/shared/store/test_store_journal.py",
    "tests/shared/store/test_store_deliveries.py",
    "tests/local/operator/test_event_store.py",
    "tests/shared/flows/test_issue_signature.py",
    "tests/shared/flows/test_ingest_event.py",
    "tests/shared/flows/test_delivery_runs.py",
    "tests/shared/flows/test_pull_events.py",
    "tests/shared/flows/test_reconcile_uploads.py",
    "tests/shared/flows/test_tail_uploads.py",
    "tests/shared/store/test_tails.py",
    "tests/functions/test_upload_signature.py",
    "tests/functions/test_upload_signature_limits.py",
    "tests/functions/test_upload_signature_renewals.py",
    "tests/functions/test_upload_status.py",
    _CALLBACK,
    "tests/functions/test_timers.py",
]
"""What works on the store. Not here: test_store_keys.py watches one server by MONITOR,
test_store_unavailable.py and test_round_trips.py put one server out of reach (a cluster's ways of
being away are in this folder), test_store_cluster.py has its own cluster, and the other tests of
functions are about requests that are refused before the store is asked.
"""

ABOUT_ONE_SERVER = {
    "tests/shared/flows/test_delivery_runs.py::test_store_outage_in_a_run_costs_a_repeat_and_no_event": (
        "puts a relay before the one port of a server; a cluster tells its clients its own addresses"
    ),
    "tests/shared/flows/test_pull_events.py::test_store_that_goes_down_stops_the_confirmations": "as above",
    "tests/shared/flows/test_pull_events.py::"
    "test_batch_is_one_round_trip_and_a_large_one_has_as_many_as_it_needs": "as above",
    "tests/shared/flows/test_pull_events.py::test_store_that_stumbles_is_no_failure_of_the_event": (
        "has one server pause for longer than the time-outs, which are longer here"
    ),
    f"{_CALLBACK}::test_event_that_cannot_be_journaled_gets_no_answer_in_time": (
        "has its own silent server, and measures the same time-outs"
    ),
}
"""Tests that are about a single server by their nature, each with the reason."""

ABOUT_THE_STORE = (
    "not takes_for_ever and not waits_for_nobody and not day_of_many_files and not hundred_thousand_abandoned"
)
"""How long app and VOD take, and how many of VOD's pages a run reads, is no matter of the store."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RedisCluster]:
    """Run three primaries and a replica."""
    with RedisCluster(tmp_path) as running:
        yield running


@pytest.mark.reliability
def test_all_that_works_on_a_store_works_on_a_cluster(cluster: RedisCluster) -> None:
    """The same tests pass on three primaries, and each of them has run scripts of ours."""
    for test in ABOUT_ONE_SERVER:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (REPOSITORY / file).read_text(encoding="utf-8"), f"{test} is gone"
    before = [scripts_run_by(node) for node in cluster.primaries]

    run = subprocess.run(  # noqa: S603 -- fixed words
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short", "-k", ABOUT_THE_STORE),
            *("-p", "tests.cluster.cluster_client", "-p", "no:cacheprovider", "-p", "no:xdist"),
            # A store lasts as long as its function; a cluster's client that is left leaves its sockets open.
            *("-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
            *(f"--deselect={test}" for test in ABOUT_ONE_SERVER),
            *SUITE,
        ],
        cwd=REPOSITORY,
        env={**os.environ, "TEST_REDIS_URL": cluster.url()},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed is not None
    assert int(passed[1]) > 250
    after = [scripts_run_by(node) for node in cluster.primaries]
    assert all(now > then for then, now in zip(before, after, strict=True))


def scripts_run_by(node: ValkeyServer) -> int:
    """Return the number of scripts that a node has run."""
    with node.client as client:
        figures = client.info("commandstats").get("cmdstat_evalsha", {})
    return int(figures.get("calls", 0))
