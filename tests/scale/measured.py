"""What an upload takes of a processor and of the store, measured on a local stack."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from local.stack.demo_settings import user_token
from tests.scale.real_runs import LocalRuns, World
from tests.scale.sizes import Service
from tests.shared.service import client_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

SIGNATURES, EVENTS, WARMING, IDLE_SECONDS = 300, 1600, 32, 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure_service(folder: Path) -> Service:
    """Measure on a stack of its own, whose app and VOD answer at once."""
    world = World(app_seconds=0, vod_seconds=0)
    settings = {"DELIVERY_RATE": "10000", "DELIVERED_RETENTION_SECONDS": "0"}
    with LocalRuns(folder, world, **settings) as runs:
        token = user_token(runs.stack.environment, user="alice", ttl_seconds=3600)
        headers = {"Authorization": f"Bearer {token}"}

        def sign(count: int) -> None:
            for _ in range(count):
                answer = requests.post(f"{runs.stack.url}/signature", json={}, headers=headers, timeout=10)
                answer.raise_for_status()

        sign(WARMING)
        runs.queue(WARMING)
        with client_of(runs.stack.environment["REDIS_URL"]) as store:
            instances, server = processor_seconds(store, lambda: time.sleep(IDLE_SECONDS))
            idle = instances / IDLE_SECONDS, server / IDLE_SECONDS
            kept = [bytes_in(store)]
            signed = processor_seconds(store, lambda: sign(SIGNATURES), idle)
            kept.append(bytes_in(store))
            delivered = processor_seconds(store, lambda: runs.queue(EVENTS), idle)
            kept.append(bytes_in(store))
            world.refuses_until = float("inf")
            runs.pull(EVENTS)
            kept.append(bytes_in(store))
    upload = (kept[1] - kept[0]) / SIGNATURES
    return Service(
        signature_ms=signed[0] / SIGNATURES * 1e3,
        # It is journaled and delivered, and each is counted as one.
        event_ms=delivered[0] / EVENTS / 2 * 1e3,
        store_request_us=signed[1] / SIGNATURES * 1e6,
        store_event_us=delivered[1] / EVENTS * 1e6,
        upload_bytes=upload,
        # The store had not known of the uploads of these events.
        pending_bytes=(kept[3] - kept[2]) / EVENTS - upload,
        delivered_bytes=(kept[2] - kept[1]) / EVENTS - upload,
    )


def bytes_in(store: redis.Redis) -> int:
    """Return the bytes that all keys take together."""
    return sum(int(store.memory_usage(key, samples=0) or 0) for key in store.scan_iter(count=1000))


def processor_seconds(
    store: redis.Redis, work: Callable[[], object], idle: tuple[float, float] = (0, 0)
) -> tuple[float, float]:
    """Return the processor time of the functions' instances and of the store while something is done.

    What both take a second when they are `idle` is subtracted.
    """
    began, before = time.monotonic(), (_instances_seconds(), _store_seconds(store))
    work()
    passed = time.monotonic() - began
    after = _instances_seconds(), _store_seconds(store)
    instances, kept = (
        last - first - rest * passed for last, first, rest in zip(after, before, idle, strict=True)
    )
    return instances, kept


def _store_seconds(store: redis.Redis) -> float:
    used = store.info("cpu")
    return float(used["used_cpu_sys"]) + float(used["used_cpu_user"])


def _instances_seconds() -> float:
    """Add up what the instances below this process have used."""
    seconds = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if b"local.stack.function_instance" in words and int(fields[1]) == os.getpid():
                seconds += (int(fields[11]) + int(fields[12])) / _TICKS
    return seconds
