"""What a signature, an ingestion and a run of the timer cost as the store grows, and its memory."""

from __future__ import annotations

import contextlib
import ctypes.util
import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from local.stack.embedded_store import EmbeddedStore
from shared.config.settings import UploadSignatureSettings, load_settings
from shared.domain.journal import EventKey
from shared.flows.issue_signature import Issuer, Randomness
from shared.http.authentication import Caller
from shared.schema.signature_request import read_signature_request
from shared.store.connection import PARTITIONS
from tests.bench.invocations import NO_LIMITS
from tests.bench.series import keep, machine, quartiles
from tests.functions.deployment import environment
from tests.shared.service import STAGE, Clock, Service, client_of, token_of
from tests.shared.store.test_byte_budgets import TABLES_BYTES, uploaded_as_vod_tells
from tests.shared.uploads import ENDPOINT, NOW, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_UPLOADS = int(os.environ.get("GROWTH_UPLOADS", "1000000"))
"""GROWTH_UPLOADS=100000 is a shorter run."""
SIZES = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= MOST_UPLOADS]
PENDING_EACH = 10
"""Of so many uploads, one has an event that waits to be delivered."""
CALLS = 1500
MOST_TIMES = 1.15
MOST_BYTES = {"upload": 1000, "event": 1536, "tombstone": 150}
"""Of an upload with its file, of an event that waits beside it, and of one that was delivered."""
RETENTION = 604_800
_JEMALLOC = ctypes.util.find_library("jemalloc")
MISSING = (
    "jemalloc is not installed, with which Redis and Valkey are built (Debian, Ubuntu: apt-get install "
    "libjemalloc2). With the C library's memory allocation the costs grow faster, and are not judged."
)
_TICK_SECONDS = 0.01
_EXPIRIES_A_SECOND = 20_000
_EXPIRE = "for place = 2, #ARGV do redis.call('PEXPIREAT', ARGV[place], ARGV[1]) end"
_AT_ONCE = 1_000
_ADD = """
local upload, event, body, told, retention = unpack(ARGV, 1, 5)
for place = 6, #ARGV, 5 do
  local partition, id, name, due, waits = unpack(ARGV, place, place + 4)
  local function copy(kind, it) redis.call('RESTORE', partition .. kind, retention * 1000, it) end
  copy(':upload:' .. id, upload)
  redis.call('ZADD', partition .. ':checks', due, id)
  if waits == '0' then
    copy(':told:' .. name, told)
  else
    copy(':event:' .. name, event)
    copy(':body:' .. name, body)
    redis.call('ZADD', partition .. ':due', due, partition .. ':event:' .. name)
  end
end
"""
"""Adds uploads, each with its event: one that waits, or what is kept of one that was delivered."""
_SAMPLES = 1000
_NUMBERS = itertools.count()


class Growing:
    """A store that is filled further and further with copies of a real upload and event."""

    def __init__(self, store: EmbeddedStore) -> None:
        """Start with an empty store."""
        self.service = Service(store.url, {"RETENTION_SECONDS": str(RETENTION)}, clock=Clock())
        settings = load_settings(UploadSignatureSettings, environment(store.url, **NO_LIMITS))
        self.issuer = Issuer(settings, self.service.store)
        self._client = client_of(store.url)
        # The rewriting of its log takes a processor for seconds.
        self._client.config_set("auto-aof-rewrite-percentage", 0)
        self._uploads = 0
        session = new_session()
        self.service.begin(session)
        with_endpoint = Service(store.url, {"APP_WEBHOOK_URL": ENDPOINT}, clock=Clock())
        with_endpoint.ingest(uploaded_as_vod_tells(token_of(session)))
        self._client.set(":told:", str(self._client.hget(self._key(":event:"), "contents")))
        with redis.Redis.from_url(store.url) as client:
            self._copied = [
                client.dump(self._key(kind)) for kind in (":upload:", ":event:", ":body:", ":told:")
            ]
        self._client.flushdb()

    def grow_to(self, uploads: int) -> None:
        """Add uploads until there are so many: a tenth with an event due much later, the others told."""
        while self._uploads < uploads:
            last = min(uploads, self._uploads + _AT_ONCE)
            self._add(range(self._uploads, last))
            self._uploads = last
        # Of the move of its keys into a table of twice the size, each command would take over a part.
        while self._client.info("memory")["mem_overhead_db_hashtable_rehashing"]:
            time.sleep(_TICK_SECONDS)

    def bytes_of_each(self) -> dict[str, float]:
        """Return what an upload, an event that waits, and a delivered one take, as means of samples."""
        numbers = range(min(_SAMPLES * PENDING_EACH, self._uploads))
        waiting = [self._of_event(number) for number in numbers if _waits(number)]
        told = [self._of_event(number) for number in numbers[:_SAMPLES] if not _waits(number)]
        uploads = [f"{_partition(number)}:upload:{_id(number)}" for number in numbers[:_SAMPLES]]
        of_event = self._mean_bytes([at.key for at in waiting]) + self._mean_bytes(
            [at.body for at in waiting]
        )
        return {
            "upload": self._mean_bytes(uploads) + self._entry_bytes("checks", self._uploads),
            "event": of_event + self._entry_bytes("due", self._uploads // PENDING_EACH),
            "tombstone": self._mean_bytes([at.tombstone for at in told]),
        }

    def _mean_bytes(self, keys: list[str]) -> float:
        return statistics.fmean(map(self._bytes, keys)) + TABLES_BYTES

    def _entry_bytes(self, index: str, entries: int) -> float:
        return sum(self._bytes(f"{_partition(number)}:{index}") for number in range(PARTITIONS)) / entries

    def _of_event(self, number: int) -> EventKey:
        return EventKey(_partition(number), f"{_partition(number)}:event:{number:032x}")

    def _bytes(self, key: str) -> int:
        return int(self._client.memory_usage(key, samples=0) or 0)

    def bytes_used(self) -> int:
        """Return the memory that the server uses."""
        return int(self._client.info("memory")["used_memory"])

    def forget(self) -> tuple[float, float]:
        """Have the time of all uploads come at once.

        Returns the seconds until they are gone, and those of the longest answer meanwhile. What expires
        while others are given their time would be too little for the server to hurry, and the last would
        stay for minutes.
        """
        others = int(str(self._client.dbsize())) - self._uploads
        at = time.time() + 5 + self._uploads / _EXPIRIES_A_SECOND
        for first in range(0, self._uploads, _AT_ONCE):
            numbers = range(first, min(self._uploads, first + _AT_ONCE))
            keys = [f"{_partition(number)}:upload:{_id(number)}" for number in numbers]
            self._client.eval(_EXPIRE, 0, int(at * 1000), *keys)
        time.sleep(max(0, at - time.time()))
        began, longest = time.monotonic(), 0.0
        while int(str(self._client.dbsize())) > others:
            longest = max(longest, timed(self._client.ping))
            time.sleep(_TICK_SECONDS)
        return time.monotonic() - began, longest

    def _key(self, kind: str) -> str:
        return next(str(key) for key in self._client.scan_iter() if kind in key)

    def _add(self, numbers: range) -> None:
        arguments: list[Any] = [*self._copied, RETENTION]
        for number in numbers:
            due = NOW + 86_400 + number % 86_400
            arguments += (_partition(number), _id(number), f"{number:032x}", due, int(_waits(number)))
        self._client.eval(_ADD, 0, *arguments)


def _partition(number: int) -> str:
    return f"vuf:{{{STAGE}.{number % PARTITIONS}}}"


def _waits(number: int) -> bool:
    """Return whether the event of an upload waits: of one in PENDING_EACH, evenly in all partitions."""
    return number % PENDING_EACH == number // (PENDING_EACH * PARTITIONS) % PENDING_EACH


def _id(number: int) -> str:
    return f"01M7Q5CQG0{number:016d}"


def timed(call: Callable[[], object]) -> float:
    """Measure a call, in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def calls_of(growing: Growing) -> dict[str, list[Callable[[], object]]]:
    """Prepare what the functions do to the store: each call is about another upload."""
    service, issuer = growing.service, growing.issuer
    wanted = read_signature_request({})

    def sign() -> Callable[[], object]:
        caller = Caller(f"user-{next(_NUMBERS)}")
        randomness = Randomness([next(_NUMBERS) for _ in range(3)], upload_id=next(_NUMBERS))
        return lambda: issuer.begin(wanted, caller, now=NOW, randomness=randomness)

    def ingest() -> Callable[[], object]:
        number = next(_NUMBERS)
        event = uploaded(token_of(new_session(f"taken-{number}")), file_id=str(number))
        return lambda: service.ingest(event)

    def run_timer() -> None:
        service.delivery_run().run()
        service.reconciliation().run()

    return {
        "signature": [sign() for _ in range(CALLS)],
        "ingestion": [ingest() for _ in range(CALLS)],
        "timer": [run_timer] * (CALLS // 2),
    }


@contextlib.contextmanager
def as_servers_are(processor: int) -> Iterator[None]:
    """Have the stores that are started inside use jemalloc, and them and the caller one processor.

    The embedded Valkey is built without jemalloc: after a million records the small pieces of memory that a
    command takes for its own work lie far apart. On processors of their own, one of two stores would have
    the neighbour that disturbs more.
    """
    before = os.sched_getaffinity(0)
    preloaded = os.environ.pop("LD_PRELOAD", None)
    try:
        os.sched_setaffinity(0, {processor})
        if _JEMALLOC:
            os.environ["LD_PRELOAD"] = _JEMALLOC
        yield
    finally:
        os.sched_setaffinity(0, before)
        os.environ.pop("LD_PRELOAD", None)
        if preloaded:
            os.environ["LD_PRELOAD"] = preloaded


def paired(large: Growing, small: Growing) -> dict[str, list[float]]:
    """Measure each call in the two stores one after the other; whatever else runs weighs on both alike."""
    series: dict[str, list[float]] = {}
    in_small = calls_of(small)
    for name, calls in calls_of(large).items():
        measured: tuple[list[float], list[float]] = [], []
        for number, pair in enumerate(zip(calls, in_small[name], strict=True)):
            # The second of two calls finds the processor warm, so each is the second in turn.
            for place in (0, 1) if number % 2 else (1, 0):
                measured[place].append(timed(pair[place]))
        series[name], series[f"{name} at {SIZES[0]}"] = measured
    return series


def measure() -> list[str]:
    """Measure at every size, print the table, and say what misses its target."""
    figures: dict[str, dict[str, list[float]]] = {}
    used: dict[str, int] = {}
    with contextlib.ExitStack() as parts:
        parts.enter_context(as_servers_are(max(os.sched_getaffinity(0))))
        large = parts.enter_context(_growing())
        empty = large.bytes_used()
        for size in SIZES:
            large.grow_to(size)
            used[str(size)] = large.bytes_used() - empty
            # What is measured adds to it.
            with _growing() as small:
                small.grow_to(SIZES[0])
                figures[str(size)] = paired(large, small)
        each = large.bytes_of_each()
        gone = large.forget()
        kept = large.bytes_used() - empty
    keep(
        "growth",
        {"sizes": figures, "bytes": used, "bytes of each": each, "seconds to forget": gone, "left": kept},
    )
    return _tell(figures, used, each, gone, kept)


@contextlib.contextmanager
def _growing() -> Iterator[Growing]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedStore(Path(folder)) as store:
        yield Growing(store)


def _tell(
    figures: dict[str, dict[str, list[float]]],
    used: dict[str, int],
    each: dict[str, float],
    gone: tuple[float, float],
    kept: int,
) -> list[str]:
    faults = [
        f"The store takes {each[kind]:,.0f} bytes for each {kind}, and {most:,} are allowed."
        for kind, most in MOST_BYTES.items()
        if each[kind] > most
    ]
    lines = [
        f"Growth: medians in ms, and times the same at {SIZES[0]:,} in the same run. {machine()}",
        "",
        "| uploads | pending deliveries | signature | ingestion | timer, nothing due | the store holds |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for size, series in figures.items():
        cells = []
        for name in ("signature", "ingestion", "timer"):
            values, floor = series[name], series[f"{name} at {SIZES[0]}"]
            # Of pairs that were measured one after the other: a busy machine weighs on both.
            times = statistics.median(one / other for one, other in zip(values, floor, strict=True))
            first, middle, third = (value * 1000 for value in quartiles(values))
            cells.append(f"{middle:.2f} ({first:.2f} to {third:.2f}), {times:.2f}")
            if _JEMALLOC and int(size) == SIZES[-1] and times > MOST_TIMES:
                faults.append(
                    f"At {int(size):,} uploads: {name} costs {times:.2f} times that at {SIZES[0]:,}."
                )
        pending = int(size) // PENDING_EACH
        megabytes = used[size] / (1 << 20)
        lines.append(f"| {int(size):,} | {pending:,} | {' | '.join(cells)} | {megabytes:,.0f} MB |")
    lines += [
        "",
        (
            f"{each['upload']:,.0f} bytes an upload with its file, {each['event']:,.0f} bytes an event of "
            f"1.4 KB that waits beside it, {each['tombstone']:,.0f} bytes a delivered one. "
            f"When the time of all uploads comes at once, they are gone in {gone[0]:.0f} s, meanwhile the "
            f"longest answer takes {gone[1] * 1000:.0f} ms, and {kept / (1 << 20):,.0f} MB are left: events, "
            "and the lists."
        ),
        *([] if _JEMALLOC else ["", MISSING]),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return faults
