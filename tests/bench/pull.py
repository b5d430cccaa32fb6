"""The reliable callback in the local stack: events a second of one pull loop, and of several on one queue.

VOD's calls take CALL_SECONDS, so a loop can pull no more than 16 events in twice that time: PullEvents
brings them, and ConfirmEvents takes them off the queue. The loops are shards, which the timer starts by SCF's
Invoke.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import redis

from local.simulator.faults import Fault
from local.stack.stack import Stack
from shared.domain.upload_id import new_upload_id
from shared.vod.context_token import UploadContext, seal
from tests.bench.series import keep, machine
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL_SECONDS = 0.15
AT_ONCE = 16
LOOPS = tuple(map(int, os.environ.get("PULL_LOOPS", "1 2 4").split()))
EVENTS_EACH = 3000
"""More than a loop can pull in the 38 s of its run."""
LEAST_OF_CEILING, LEAST_OF_LOOPS = 0.75, 0.8
BUSY = 0.9
"""Above this share of the processors' time the machine is the limit, and not the loops."""
_TICK_SECONDS, _PATIENCE_SECONDS = 5.0, 180.0
_CEILING = AT_ONCE / (2 * CALL_SECONDS)


class Run(NamedTuple):
    """What so many loops did: events a second, the processors' share, and the events by where they are."""

    loops: int
    rate: float
    busy: float
    taken: int
    kept: int
    told: int


def run(loops: int, folder: Path) -> Run:
    """Run the timer of a new stack once."""
    slow = [
        Fault(call, "slow", probability=1.0, seconds=CALL_SECONDS) for call in ("PullEvents", "ConfirmEvents")
    ]
    settings = {"PULL_SHARDS": str(loops), "APP_WEBHOOK_URL": "off"}
    with Stack(
        folder=folder,
        simulator={"mode": "PULL"},
        overrides=settings,
        timer_seconds=_TICK_SECONDS,
        faults=slow,
    ) as stack:
        fill(stack, folder, loops * EVENTS_EACH)
        before = processor_times()
        lines = _lines_of(folder / "functions.log", loops)
        busy = share_between(before, processor_times())
        with redis.Redis.from_url(stack.environment["REDIS_URL"]) as store:
            kept = sum(1 for _ in store.scan_iter("*:event:*", count=1000))
        left = _query(folder, "SELECT count(*) FROM pull_queue")[0][0]
    told = [int(line["figures_pulled_journaled"]) for line in lines]
    rate = sum(count / line["durations_total"] * 1000 for count, line in zip(told, lines, strict=True))
    return Run(loops, rate, busy, loops * EVENTS_EACH - left, kept, sum(told))


def fill(stack: Stack, folder: Path, count: int) -> None:
    """Add the events of so many uploads to VOD's queue."""
    keys, stage = (stack.environment["CONTEXT_KEYS"],), stack.environment["STAGE"]
    now = int(time.time())
    rows = []
    for number in range(count):
        context = UploadContext(new_upload_id(now=now, random=number), f"user-{number % 1000}", "")
        event = uploaded(
            seal(context, keys=keys, stage=stage), file_id=f"{5_576_678_000_000_000_000 + number}"
        )
        rows.append((json.dumps(event), now))
    with closing(sqlite3.connect(_database(folder), timeout=30)) as database, database:
        database.executemany("INSERT INTO pull_queue (body, raised_at) VALUES (?, ?)", rows)


def measure() -> list[str]:
    """Measure, print the table, and return what misses its target."""
    runs = []
    for loops in LOOPS:
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run(loops, Path(folder)))
    sys.stdout.write(
        f"Pull, calls of {CALL_SECONDS * 1000:.0f} ms, so that a loop pulls {_CEILING:.0f} events a second "
        f"at the best. {machine()}\n\n"
        "| loops | events a second | of the best | of so many times one | processors | lost or doubled |\n"
        "|--:|--:|--:|--:|--:|--:|\n"
    )
    for it in runs:
        shares = (
            f"{it.rate / _CEILING / it.loops:.0%} | {it.rate / runs[0].rate / it.loops * runs[0].loops:.0%}"
        )
        wrong = abs(it.taken - it.kept) + abs(it.told - it.kept)
        sys.stdout.write(f"| {it.loops} | {it.rate:.0f} | {shares} | {it.busy:.0%} | {wrong} |\n")
    keep("pull", {"runs": [it._asdict() for it in runs]})
    return list(faults_in(runs))


def faults_in(runs: list[Run]) -> Iterator[str]:
    """Yield a sentence for each target that is missed."""
    one = runs[0].rate / runs[0].loops
    if one < LEAST_OF_CEILING * _CEILING and runs[0].busy < BUSY:
        yield f"One loop pulls {one:.0f} events a second, not {LEAST_OF_CEILING:.0%} of {_CEILING:.0f}."
    for it in runs:
        if it.rate < LEAST_OF_LOOPS * it.loops * one and it.busy < BUSY:
            least = LEAST_OF_LOOPS * it.loops
            yield f"{it.loops} loops pull {it.rate:.0f} events a second, not {least:.1f} times what one does."
        if not it.taken == it.kept == it.told:
            yield f"{it.taken} events were taken off the queue by {it.loops} loops, and {it.kept} are kept."


def _lines_of(log: Path, loops: int) -> list[dict[str, Any]]:
    """Wait for the end of every loop and return their lines."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        text = log.read_text("utf-8") if log.exists() else ""
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line[:1] + line[-1:] == "{\n"]
        pulled = [line for line in lines if line.get("figures_pulled_journaled")]
        if len(pulled) >= loops:
            return pulled[:loops]
        time.sleep(0.2)
    message = f"Not all of {loops} loops have ended."
    raise TimeoutError(message)


def _database(folder: Path) -> Path:
    return folder / "simulator" / "simulator.sqlite3"


def _query(folder: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(_database(folder), timeout=30)) as database:
        return database.execute(statement).fetchall()


def processor_times() -> tuple[int, int]:
    """Return the ticks of all processors since the start: idle, and all."""
    words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    ticks = [int(word) for word in words]
    return ticks[3] + ticks[4], sum(ticks)


def share_between(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Return the share of the processors' time that was not idle."""
    idle, total = (later - earlier for earlier, later in zip(before, after, strict=True))
    return 1 - idle / total
