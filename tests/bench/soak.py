"""Twenty minutes at 50 requests a second: signatures, status, callbacks; memory, descriptors, errors."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.stack.demo_settings import user_token
from local.stack.stack import Stack
from shared.vod.signature import decode
from tests.bench.invocations import NO_LIMITS
from tests.bench.series import keep, machine, percentile
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = float(os.environ.get("SOAK_SECONDS", "1200"))
RATE, CLIENTS = 50, 8
MOST_GROWTH_MB = 8.0
"""Of all instances together, between the second and the last quarter of the run."""


class Traffic:
    """The requests of one upload in sequence: a signature, its status, its event, the status again."""

    def __init__(self, stack: Stack) -> None:
        """Prepare the users; nothing is counted yet."""
        self._address = urlsplit(stack.url).netloc
        self._callback = urlsplit(str(stack.info["callbackUrl"])).path
        tokens = {
            user: user_token(stack.environment, user=user, ttl_seconds=86_400)
            for user in (f"user-{number}" for number in range(50))
        }
        self._users = itertools.cycle(tokens.items())
        self._numbers = itertools.count(1)
        self._local = threading.local()
        self._lock = threading.Lock()
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []

    def story(self) -> Iterator[None]:
        """Send the requests of one upload, one for each step."""
        with self._lock:
            (_, token), number = next(self._users), next(self._numbers)
        bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        issued = self._ask("POST", "/signature", bearer, "{}")
        yield
        upload_id = issued.get("uploadId", "")
        self._ask("GET", f"/uploads/{upload_id}", bearer)
        yield
        context = decode(issued["signature"]).values["sourceContext"] if issued else ""
        event = uploaded(context, file_id=str(5_576_678_000_000_000_000 + number))
        self._ask("POST", self._callback, {"Content-Type": "application/json"}, json.dumps(event))
        yield
        self._ask("GET", f"/uploads/{upload_id}", bearer)
        yield

    def _ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> dict[str, str]:
        started = time.perf_counter()
        try:
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = http.client.HTTPConnection(self._address, timeout=10)
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._local.connection = None
            self._note(type(error).__name__, started)
            return {}
        self._note(str(answer.status), started)
        return dict(json.loads(content)) if answer.status == http.client.OK and content else {}

    def _note(self, outcome: str, started: float) -> None:
        with self._lock:
            self.statuses[outcome] += 1
            self.latencies.append(time.perf_counter() - started)


def instances_of(process_id: int) -> tuple[float, int, int]:
    """Return megabytes, descriptors and number of the function instances below a process."""
    memory, descriptors, count = 0.0, 0, 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            status = (folder / "status").read_text(encoding="utf-8")
            is_ours = b"local.stack.function_instance" in words and f"\nPPid:\t{process_id}\n" in status
            opened = len(list((folder / "fd").iterdir())) if is_ours else 0
        except OSError:
            continue
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        if is_ours and found:
            memory, descriptors, count = memory + int(found[1]) / 1024, descriptors + opened, count + 1
    return memory, descriptors, count


def measure() -> list[str]:
    """Send requests for `SECONDS`, print the figures, and return what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        overrides = {**NO_LIMITS, "READ_BACK": "off"}
        with Stack(folder=Path(folder), overrides=overrides) as stack, ThreadPoolExecutor(CLIENTS) as clients:
            traffic, samples = Traffic(stack), []
            began = time.monotonic()
            working = [clients.submit(_ask_evenly, traffic, began) for _ in range(CLIENTS)]
            while any(not it.done() for it in working):
                time.sleep(min(10.0, SECONDS / 20))
                samples.append((time.monotonic() - began, *instances_of(os.getpid())))
            for it in working:
                it.result()
    figures = {"samples": samples, "statuses": dict(traffic.statuses), "seconds": SECONDS}
    keep("soak", figures)
    memory = [sample[1] for sample in samples if sample[3]]
    quarter = len(memory) // 4
    early, late = max(memory[quarter : 2 * quarter + 1]), max(memory[-quarter - 1 :])
    opened = [sample[2] for sample in samples if sample[3]]
    slow = percentile(traffic.latencies, 0.99) * 1000
    answers = ", ".join(f"{count:,} of {kind}" for kind, count in sorted(traffic.statuses.items()))
    sys.stdout.write(
        f"Soak, {SECONDS / 60:.0f} minutes, {len(traffic.latencies) / SECONDS:.0f} a second. {machine()}\n\n"
        f"| answers | p99 | instances, their memory early and late | descriptors, most early and late |\n"
        f"|---|--:|--:|--:|\n"
        f"| {answers} | {slow:.0f} ms "
        f"| {samples[-1][3]}, {early:.0f} and {late:.0f} MB "
        f"| {max(opened[quarter : 2 * quarter + 1])} and {max(opened[-quarter - 1 :])} |\n"
    )
    faults = [
        f"{kind} was answered {count} times." for kind, count in traffic.statuses.items() if kind != "200"
    ]
    if late > early + MOST_GROWTH_MB:
        faults.append(f"The instances grew by {late - early:.0f} MB.")
    if max(opened[-quarter - 1 :]) > max(opened[quarter : 2 * quarter + 1]) + CLIENTS:
        faults.append("Descriptors are not given back.")
    return faults


def _ask_evenly(traffic: Traffic, began: float) -> None:
    """Run one client that sends requests at an even pace."""
    due = time.monotonic()
    while due - began < SECONDS:
        for _ in traffic.story():
            due += CLIENTS / RATE
            time.sleep(max(0.0, due - time.monotonic()))
