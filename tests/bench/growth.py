"""What a signature, an ingestion and a run of the timer cost as the store grows, and its memory."""

from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Callable

MOST_UPLOADS = int(os.environ.get("GROWTH_UPLOADS", "1000000"))
"""GROWTH_UPLOADS=100000 is a shorter run."""
SIZES = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= MOST_UPLOADS]
PENDING_SHARE, MOST_PENDING = 0.1, 100_000
CALLS = 1500
MOST_TIMES = 1.15
MOST_BYTES = {"upload": 1000, "event": 1536, "tombstone": 150}
"""Of an upload with its file, of an event that waits beside it, and of one that was delivered."""
RETENTION = 604_800
_AT_ONCE = 5_000
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
        self._uploads = self._pending = 0
        session = new_session()
        self.service.begin(session)
        with_endpoint = Service(store.url, {"APP_WEBHOOK_URL": ENDPOINT}, clock=Clock())
        with_endpoint.ingest(uploaded_as_vod_tells(token_of(session)))
        self._upload = self._sample(":upload:")
        self._event = self._sample(":event:")
        self._body = str(self._client.get(self._key(":body:"))).encode("utf-8", "surrogateescape")
        self._contents = self._event["contents"]
        self._client.flushdb()

    def grow_to(self, uploads: int) -> None:
        """Add uploads until there are so many: a tenth with an event due much later, the others told."""
        while self._uploads < uploads:
            last = min(uploads, self._uploads + _AT_ONCE)
            self._add_uploads(self._uploads, last)
            self._uploads = last
        pending = min(MOST_PENDING, int(uploads * PENDING_SHARE))
        while self._pending < pending:
            last = min(pending, self._pending + _AT_ONCE)
            self._add_pending(self._pending, last)
            self._pending = last

    def bytes_of_each(self) -> dict[str, float]:
        """Return what an upload, an event that waits, and a delivered one take, as means of samples."""
        waiting = [self._of_event(number) for number in range(min(_SAMPLES, self._pending))]
        told = [self._of_event(self._uploads - 1 - number) for number in range(len(waiting))]
        uploads = [f"{_partition(number)}:upload:{_id(number)}" for number in range(len(waiting))]
        of_event = self._mean_bytes([at.key for at in waiting]) + self._mean_bytes(
            [at.body for at in waiting]
        )
        return {
            "upload": self._mean_bytes(uploads) + self._entry_bytes("checks", self._uploads),
            "event": of_event + self._entry_bytes("due", self._pending),
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

    def forget(self) -> float:
        """Expire all uploads, and return how many seconds it takes to free their memory."""
        others = int(str(self._client.dbsize())) - self._uploads
        pipeline = self._client.pipeline(transaction=False)
        for number in range(self._uploads):
            pipeline.pexpire(f"{_partition(number)}:upload:{_id(number)}", 1)
            if number % _AT_ONCE == 0:
                pipeline.execute()
        pipeline.execute()
        began = time.monotonic()
        while int(str(self._client.dbsize())) > others:
            time.sleep(0.05)
        return time.monotonic() - began

    def _sample(self, kind: str) -> Any:  # noqa: ANN401  # as redis-py has it
        return self._client.hgetall(self._key(kind))

    def _key(self, kind: str) -> str:
        return next(str(key) for key in self._client.scan_iter() if kind in key)

    def _add_uploads(self, first: int, last: int) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for number in range(first, last):
            partition, upload_id = _partition(number), _id(number)
            pipeline.hset(f"{partition}:upload:{upload_id}", mapping=self._upload)
            pipeline.expire(f"{partition}:upload:{upload_id}", RETENTION)
            pipeline.zadd(f"{partition}:checks", {upload_id: NOW + 86_400 + number % 86_400})
            pipeline.set(self._of_event(number).tombstone, self._contents, ex=RETENTION)
        pipeline.execute()

    def _add_pending(self, first: int, last: int) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for number in range(first, last):
            partition = _partition(number)
            key = f"{partition}:event:{number:032x}"
            pipeline.hset(key, mapping=self._event)
            pipeline.expire(key, RETENTION)
            pipeline.set(f"{partition}:body:{number:032x}", self._body, ex=RETENTION)
            pipeline.delete(self._of_event(number).tombstone)
            pipeline.zadd(f"{partition}:due", {key: NOW + 86_400 + number % 86_400})
        pipeline.execute()


def _partition(number: int) -> str:
    return f"vuf:{{{STAGE}.{number % PARTITIONS}}}"


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


def measure() -> list[str]:
    """Measure at every size, print the table, and say what misses its target."""
    figures: dict[str, dict[str, list[float]]] = {}
    used: dict[str, int] = {}
    with contextlib.ExitStack() as parts:
        folders = [Path(parts.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        small = Growing(parts.enter_context(EmbeddedStore(folders[0])))
        large = Growing(parts.enter_context(EmbeddedStore(folders[1])))
        small.grow_to(SIZES[0])
        empty = large.bytes_used()
        for size in SIZES:
            large.grow_to(size)
            used[str(size)] = large.bytes_used() - empty
            whole: dict[str, list[float]] = {}
            floor: dict[str, list[float]] = {}
            in_small = calls_of(small)
            for name, calls in calls_of(large).items():
                # One after the other, so that whatever else the machine does weighs on both alike.
                whole[name], floor[name] = [], []
                for number, pair in enumerate(zip(calls, in_small[name], strict=True)):
                    # The second of two calls finds the processor warm, so each is the second in turn.
                    for place in (0, 1) if number % 2 else (1, 0):
                        (whole, floor)[place][name].append(timed(pair[place]))
            figures[str(size)] = {
                **whole,
                **{f"{name} at {SIZES[0]}": values for name, values in floor.items()},
            }
        each = large.bytes_of_each()
        given_back = large.forget()
        kept = large.bytes_used() - empty
    keep(
        "growth",
        {
            "sizes": figures,
            "bytes": used,
            "bytes of each": each,
            "seconds to forget": given_back,
            "left": kept,
        },
    )
    return _tell(figures, used, each, given_back, kept)


def _tell(
    figures: dict[str, dict[str, list[float]]],
    used: dict[str, int],
    each: dict[str, float],
    given_back: float,
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
            if int(size) == SIZES[-1] and times > MOST_TIMES:
                faults.append(
                    f"At {int(size):,} uploads: {name} costs {times:.2f} times that at {SIZES[0]:,}."
                )
        pending = min(MOST_PENDING, int(int(size) * PENDING_SHARE))
        megabytes = used[size] / (1 << 20)
        lines.append(f"| {int(size):,} | {pending:,} | {' | '.join(cells)} | {megabytes:,.0f} MB |")
    lines += [
        "",
        (
            f"{each['upload']:,.0f} bytes an upload with its file, {each['event']:,.0f} bytes an event of "
            f"1.4 KB that waits beside it, {each['tombstone']:,.0f} bytes a delivered one. "
            f"When their time comes, uploads are gone in {given_back:.0f} s, "
            f"and {kept / (1 << 20):,.0f} MB are left: events, and the lists."
        ),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return faults
