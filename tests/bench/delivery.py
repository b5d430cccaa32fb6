"""Deliveries a second of one run to a slow app, and of several runs at a high rate, over real HTTP.

The app is a process of its own, as is each run: the function as it is deployed, invoked as a shard again and
again. So a backlog is drained while runs are active all the time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from functions import event_delivery
from local.stack.embedded_store import EmbeddedStore
from shared.domain.event_text import packed
from shared.store.connection import PARTITIONS
from tests.bench.pull import BUSY, processor_times, share_between
from tests.bench.series import keep, machine
from tests.shared.loopback_peer import HOST
from tests.shared.service import STAGE, Service, client_of, token_of
from tests.shared.uploads import new_session, notification_of, uploaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.context import SpawnProcess

SPAWNED = get_context("spawn")
RATE = int(os.environ.get("DELIVERY_BENCH_RATE", "1000"))
"""What two idle cores carry, with the app and the store on them too."""
EVENTS = int(os.environ.get("DELIVERY_BENCH_EVENTS", str(100 * RATE)))
SHARDS = int(os.environ.get("DELIVERY_BENCH_SHARDS", "2"))
MOST_OFF = 0.15
_RUN_SECONDS, _TICK_SECONDS, _PATIENCE = 55, 0.1, 6.0
_AT_ONCE = 5_000


class Case(NamedTuple):
    """An app that answers in `app_seconds`, and so many runs that deliver `events` at a set rate."""

    app_seconds: float
    rate: int
    shards: int
    events: int

    @property
    def seconds(self) -> float:
        """The time that the rate says."""
        return self.events / self.rate


CASES = (Case(1.0, 50, 1, 1500), Case(0.02, RATE, SHARDS, EVENTS))


class Drained(NamedTuple):
    """A backlog that was drained, in so many seconds, and what share of the processors was busy meanwhile.

    `run_ms` and `other_ms` are the processor's time for an event, of the runs, and of the app and the store.
    """

    case: Case
    seconds: float
    busy: float
    run_ms: float
    other_ms: float


def fill(service: Service, count: int) -> None:
    """Journal so many pending events, each of an upload of its own: copies of a real one."""
    event = uploaded(token_of(new_session()))
    entry = service.ingest(event).entry
    assert entry.upload is not None
    with client_of(service.redis_url) as client:
        key = next(key for key in client.scan_iter() if ":event:" in key)
        record: dict[str, Any] = client.hgetall(key)
        client.flushdb()
        body, now = packed(notification_of(event)), int(service.clock())
        pipeline = client.pipeline(transaction=False)
        for number in range(count):
            name, user, upload_id = f"copy-{number}", f"user-{number % 1000}", f"01M7Q5CQG0{number:016d}"
            at = service.store.key_of(entry._replace(name=name, upload=entry.upload._replace(user_id=user)))
            own = {"name": name, "user_id": user, "upload_id": upload_id}
            pipeline.hset(at.key, mapping={**record, **own})
            pipeline.set(at.body, body)
            pipeline.zadd(f"{at.partition}:due", {at.key: now})
            if number % _AT_ONCE == 0:
                pipeline.execute()
        pipeline.execute()


def drain(case: Case) -> Drained:
    """Fill a new store, and have the shards deliver all of it."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        store = parts.enter_context(EmbeddedStore(folder))
        ready, port = SPAWNED.Pipe(duplex=False)
        app = _started(parts, _serve, case.app_seconds, port)
        settings = {
            "APP_WEBHOOK_URL": f"http://{HOST}:{ready.recv()}/",
            "DELIVERY_RATE": str(case.rate),
            "READ_BACK": "off",
        }
        service = Service(store.url, settings, clock=time.time)
        fill(service, case.events)
        runs = [
            _started(parts, _invoke_again, service.variables, number, case.shards)
            for number in range(case.shards)
        ]
        # Until the first is delivered the interpreters start.
        _wait_until_fewer_are_due(store.url, case.events, _PATIENCE * case.seconds)
        with client_of(store.url) as client:
            others = [app.pid, client.info("server")["process_id"]]
        groups = [[run.pid for run in runs], others]
        before, began = processor_times(), time.monotonic() - case.app_seconds
        used = [_seconds_used(group) for group in groups]
        _wait_until_fewer_are_due(store.url, 1, _PATIENCE * case.seconds)
        seconds, busy = time.monotonic() - began, share_between(before, processor_times())
        each = [
            (_seconds_used(group) - it) / case.events * 1000 for group, it in zip(groups, used, strict=True)
        ]
        return Drained(case, seconds, busy, *each)


def _seconds_used(pids: Iterable[int | None]) -> float:
    """Return the processor's time that processes have taken, in all their threads."""
    ticks = 0
    for pid in pids:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _started(parts: ExitStack, target: Any, *arguments: object) -> SpawnProcess:  # noqa: ANN401 -- any function
    process = SPAWNED.Process(target=target, args=arguments, daemon=True)
    process.start()
    parts.callback(process.join, 10)
    parts.callback(process.kill)
    return process


def _wait_until_fewer_are_due(redis_url: str, count: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    with client_of(redis_url) as client:
        while time.monotonic() < end:
            time.sleep(_TICK_SECONDS)
            due = sum(int(client.zcard(f"vuf:{{{STAGE}.{number}}}:due")) for number in range(PARTITIONS))
            if due < count:
                return
    message = "The backlog was not drained."
    raise TimeoutError(message)


def _invoke_again(variables: dict[str, str], number: int, shards: int) -> None:
    """Invoke the function as a shard, again and again."""
    os.environ.update(variables)
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- for the life of the process
    event = {"Type": "Shard", "Shard": number, "Shards": shards}
    while True:
        event_delivery.main_handler(event, {"request_id": "bench", "time_limit_in_ms": _RUN_SECONDS * 1000})


class _App(asyncio.Protocol):
    """One connection of an app that answers 204 after `seconds`, with as little work as can be."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        if end and len(body) == int(length):
            asyncio.get_running_loop().call_later(self._seconds, self._answer)

    def _answer(self) -> None:
        assert isinstance(self._transport, asyncio.WriteTransport)
        self._transport.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        self._transport.close()


def _serve(app_seconds: float, port: Any) -> None:  # noqa: ANN401 -- one end of a pipe
    """Run the app, and send its port."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _App(app_seconds), HOST, 0, backlog=1024)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def measure() -> list[str]:
    """Measure, print the table, and return what misses its target."""
    drained = [drain(case) for case in CASES]
    sys.stdout.write(
        f"Deliveries, over a connection each. {machine()}\n\n"
        "| app answers in | runs | set rate | events | seconds by it | seconds | a second | processors | "
        "ms of one for an event: run, app and store |\n"
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    for it in drained:
        case = it.case
        sys.stdout.write(
            f"| {case.app_seconds * 1000:.0f} ms | {case.shards} | {case.rate} | {case.events:,} | "
            f"{case.seconds:.0f} | {it.seconds:.0f} | {case.events / it.seconds:.0f} | {it.busy:.0%} | "
            f"{it.run_ms:.2f}, {it.other_ms:.2f} |\n"
        )
    keep("delivery", {"drained": [{**it.case._asdict(), **it._asdict(), "case": ""} for it in drained]})
    return list(faults_in(drained))


def faults_in(drained: list[Drained]) -> Iterator[str]:
    """Yield a sentence for each backlog that took another time than the rate says, on an idle machine."""
    for it in drained:
        off = it.seconds / it.case.seconds - 1
        if abs(off) > MOST_OFF and it.busy < BUSY:
            yield (
                f"{it.case.events} events at {it.case.rate} a second took {it.seconds:.0f} s, "
                f"{off:+.0%} of the time that the rate says."
            )
