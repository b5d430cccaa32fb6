"""The doctor's checks of a store: each fault is made in a real Valkey."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY
from tests.cluster.redis_cluster import RedisCluster
from tests.cluster.valkey_server import ValkeyServer
from tests.local.doctor.seeded import acl_user
from tests.shared.loopback_peer import refused_port

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from tests.local.doctor.patient import Patient


TIMERS = ["timer of reliable_notification", "timer of event_delivery"]


def test_throw_away_key_is_gone_afterwards(patient: Patient, store: redis.Redis) -> None:
    """The doctor leaves no key behind."""
    outcome = patient.examine()

    assert outcome.level_of("atomicity") == "ok"
    assert store.keys("*doctor*") == []


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"maxmemory-policy": "allkeys-lru"}, ("eviction", "fault", "allkeys-lru")),
        ({"maxmemory-policy": "volatile-ttl"}, ("eviction", "fault", "volatile-ttl")),
        ({"appendonly": "no", "save": ""}, ("durability", "fault", "nothing is written")),
        ({"appendonly": "no", "save": "3600 1"}, ("durability", "warning", "snapshots only")),
        ({"appendfsync": "no"}, ("durability", "warning", "appendfsync no")),
        ({"appendfsync": "always"}, ("durability", "ok", "loses nothing")),
        ({"maxmemory": "100gb"}, ("memory", "ok", "0%")),
    ],
)
def test_store_that_may_lose_events_is_named(
    patient: Patient, store: redis.Redis, settings: dict[str, str], found: tuple[str, str, str]
) -> None:
    """Eviction and a missing append-only file are told with the setting that is wrong."""
    for name, value in settings.items():
        store.config_set(name, value)
    check, level, words = found
    (finding,) = patient.examine().named(check)

    assert (level, True) == (finding["level"], words in finding["detail"]), finding


def test_store_that_is_nearly_full_is_a_warning(patient: Patient, store: redis.Redis) -> None:
    """A store whose memory is nearly used up gets a warning."""
    store.config_set("maxmemory", int(store.info("memory")["used_memory"] * 1.05))
    (finding,) = patient.examine().named("memory")

    assert finding["level"] == "warning"


def test_cluster_is_examined_as_one_and_named_where_the_url_does_not(
    patient: Patient, tmp_path: Path
) -> None:
    """A Redis Cluster needs its own scheme: without it scripts do not find their keys."""
    with RedisCluster(tmp_path / "cluster") as cluster:
        fitting = patient.examine(REDIS_URL=cluster.url())
        single = patient.examine(REDIS_URL=cluster.url().replace("+cluster", ""))

    # These nodes keep nothing on a disk, and no timer runs against them.
    assert fitting.at("fault") == ["durability", *TIMERS]
    assert "a Redis Cluster" in fitting.named("cluster")[0]["detail"]
    assert single.level_of("cluster") == "warning"
    assert "redis+cluster://" in single.named("cluster")[0]["advice"]


def test_managed_store_that_hides_its_settings_is_a_warning(patient: Patient, store: redis.Redis) -> None:
    """Where CONFIG and INFO are forbidden, one is told what to look up; what can be tried, is."""
    with acl_user(store, patient, ("~*", "+@all", "-config", "-info")) as url:
        outcome = patient.examine(REDIS_URL=url)

    assert set(outcome.at("warning")) >= {"durability", "eviction", "version"}
    assert outcome.level_of("atomicity") == "ok"
    assert outcome.at("fault") == []


def test_user_with_the_documented_rights_is_no_fault(patient: Patient, store: redis.Redis) -> None:
    """With the functions' own user the doctor cannot see how the store is set, and all else it can."""
    page = (REPOSITORY / "docs" / "security.md").read_text("utf-8")
    (rule,) = re.findall(r"^ACL SETUSER \S+ on >PASSWORD (.*)$", page, re.MULTILINE)
    with acl_user(store, patient, tuple(rule.replace("prod", "local").split())) as url:
        outcome = patient.examine("--probe", REDIS_URL=url)

    assert outcome.at("fault") == []
    assert {"durability", "eviction", "connections", "idle time-out", "version"} <= set(outcome.at("warning"))
    assert outcome.level_of("commands") == outcome.level_of("event found again") == "ok"


def test_store_that_may_not_write_is_named_by_its_own_word(patient: Patient, tmp_path: Path) -> None:
    """A replica, such as the old primary after a failover, is reported as READONLY."""
    with ValkeyServer(tmp_path, {"save": '""'}) as replica, replica.client as client:
        client.replicaof("127.0.0.1", str(refused_port()))
        outcome = patient.examine(REDIS_URL=replica.url)

    assert "READONLY" in outcome.named("commands")[0]["detail"]
    assert outcome.named("commands")[0]["advice"] == "Name the primary in REDIS_URL."
    assert outcome.level_of("atomicity") == "skipped"
