"""The local stack under wrk, and 1,000 whole uploads at once, counted at the end.

wrk is a program of its own (Debian's package `wrk`). The numbers are those of one small machine that also
runs the gateway, the simulator and wrk itself; what counts is that nothing fails and nobody waits.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from local.stack.demo_settings import user_token
from local.stack.stack import Stack
from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from shared.domain.upload_id import new_upload_id
from shared.vod.context_token import UploadContext, seal
from tests.bench.invocations import NO_LIMITS
from tests.bench.series import keep, machine
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = int(os.environ.get("LOAD_SECONDS", "60"))
CONNECTIONS, THREADS = 16, 2
MOST_P99_MS = 50.0
UPLOADS = int(os.environ.get("LOAD_UPLOADS", "1000"))
CLIENTS = 32
PATIENCE_SECONDS = 300
_CALLBACKS = 100_000

_SCRIPT = """\
local requests, number = {{}}, {start}
local threads, pause = {threads}, {pause}
for line in io.lines("{file}") do requests[#requests + 1] = line end
local counter = 0
function setup(thread) thread:set("first", counter) counter = counter + 1 end
function init() number = number + first end
function request()
  local line = requests[number % #requests + 1]
  number = number + threads
  local method, path, token, body = line:match("^(%S+) (%S+) (%S+) (.*)$")
  local headers = {{["Content-Type"] = "application/json"}}
  if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
  return wrk.format(method, path, headers, body ~= "" and body or nil)
end
function delay()
  if pause == 0 then return 0 end
  return math.random(math.floor(pause / 2), math.floor(pause * 3 / 2))
end
function done(summary, latency, _)
  local e = summary.errors
  io.write("FIGURES ", string.format(
    '{{"requests":%d,"seconds":%f,"p50":%f,"p90":%f,"p99":%f,"longest":%f,' ..
    '"errors":%d,"timeouts":%d}}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3,
    e.connect + e.read + e.write + e.status, e.timeout), "\\n")
end
"""


def wrk() -> str:
    """Return the path of wrk, installing Debian's package if possible.

    Raises:
        FileNotFoundError: it is not there, and cannot be installed.

    """
    if not shutil.which("wrk") and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "--yes", "--quiet", "wrk"]
        subprocess.run(install, check=False, capture_output=True)  # noqa: S603  # the system's own
    program = shutil.which("wrk")
    if program is None:
        message = "wrk was not found: install it, on Debian by apt-get install wrk."
        raise FileNotFoundError(message)
    return program


def under_load(
    stack: Stack, requests_file: Path, *, seconds: int, pause_ms: int = 0, start: int = 0
) -> dict[str, Any]:
    """Run wrk with the requests of a file, repeated from the line `start` on; return its figures."""
    script = requests_file.with_suffix(".lua")
    script.write_text(
        _SCRIPT.format(file=requests_file, start=start, threads=THREADS, pause=pause_ms), encoding="utf-8"
    )
    options = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "5s", "-s", str(script)]
    run = subprocess.run([wrk(), *options, stack.url], capture_output=True, text=True, check=True)  # noqa: S603  # see above
    line = next(line for line in run.stdout.splitlines() if line.startswith("FIGURES "))
    return dict(json.loads(line.removeprefix("FIGURES ")))


def requests_of(stack: Stack, folder: Path) -> Mapping[str, Path]:
    """Write the requests to files: signatures, the status of uploads, and events of new uploads."""
    users = {user: user_token(stack.environment, user=user, ttl_seconds=86_400) for user in _users(200)}
    callback = urlsplit(str(stack.info["callbackUrl"])).path
    signatures = [f"POST /signature {token} {{}}" for token in users.values()]
    status = [f"GET /uploads/{_begin(stack, token)} {token} " for token in list(users.values())[:50]]
    news = []
    for number in range(_CALLBACKS):
        token = sealed_token(stack.environment, number)
        event = uploaded(token, file_id=str(5_576_678_000_000_000_000 + number))
        news.append(f"POST {callback} - {json.dumps(event)}")
    files = {}
    for name, lines in (("signatures", signatures), ("status", status), ("callbacks", news)):
        files[name] = folder / f"{name}.txt"
        files[name].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return files


def sealed_token(environment: Mapping[str, str], number: int) -> str:
    """Seal the token of an upload that the store does not know: its event recreates the record."""
    upload_id = new_upload_id(now=time.time(), random=secrets.randbits(80))
    keys = tuple(environment["CONTEXT_KEYS"].split(","))
    return seal(UploadContext(upload_id, f"user-{number}"), keys=keys, stage=environment["STAGE"])


def _users(count: int) -> list[str]:
    return [f"user-{number}" for number in range(count)]


def _begin(stack: Stack, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = requests.post(f"{stack.url}/signature", data="{}", headers=headers, timeout=10)
    return str(answer.json()["uploadId"])


def whole_uploads(folder: Path) -> tuple[Counter[str], float, int]:
    """Upload small files, each with its own content, from many clients; count the app's events.

    Return how often each upload was reported complete, the seconds it took, and how many failed.
    """
    with contextlib.ExitStack() as parts:
        app = parts.enter_context(HttpPeer(lambda _request: Reply(204)))
        overrides = {**NO_LIMITS, "APP_WEBHOOK_URL": app.url}
        stack = parts.enter_context(Stack(folder=folder / "whole", overrides=overrides, timer_seconds=1.0))
        began, failed = time.monotonic(), Counter[str]()

        def upload(number: int) -> str:
            file = folder / f"file-{number}.mp4"
            file.write_bytes(secrets.token_bytes(random.Random(number).randrange(500, 20_000)))  # noqa: S311  # sizes
            with contextlib.closing(UploadClient(stack.url)) as client:
                order = UploadOrder(
                    file, f"user-{number % 100}", policy="default", context=f"number {number}"
                )
                try:
                    return client.upload(order, lambda _part, _sent: None).upload_id
                except Exception as error:  # noqa: BLE001  # it is counted
                    failed[type(error).__name__] += 1
                    return ""

        with ThreadPoolExecutor(CLIENTS) as clients:
            wanted = {upload_id for upload_id in clients.map(upload, range(UPLOADS)) if upload_id}
        deadline = time.monotonic() + PATIENCE_SECONDS
        heard = _heard(app)
        while not heard.keys() >= wanted and time.monotonic() < deadline:
            time.sleep(1.0)
            heard = _heard(app)
        return Counter({it: heard[it] for it in wanted}), time.monotonic() - began, sum(failed.values())


def _heard(app: HttpPeer) -> Counter[str]:
    told = {
        (event["id"], event["data"]["uploadId"])
        for event in (json.loads(received.body) for received in tuple(app.received))
        if event["type"] == "upload.completed"
    }
    return Counter(upload_id for _, upload_id in told)


def measure() -> list[str]:
    """Measure, print the tables, and return what misses its target."""
    faults: list[str] = []
    lines = [
        f"Load, {CONNECTIONS} connections, {SECONDS} s. {machine()}",
        "",
        "| | at | a second | p50 | p90 | p99 | longest | errors | time-outs |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        overrides = {**NO_LIMITS, "READ_BACK": "off", "APP_WEBHOOK_URL": "off"}
        with Stack(folder=folder / "stack", overrides=overrides) as stack:
            for name, file in requests_of(stack, folder).items():
                under_load(stack, file, seconds=3)
                whole = under_load(stack, file, seconds=SECONDS, start=5_000)
                rate = whole["requests"] / whole["seconds"]
                half = under_load(
                    stack,
                    file,
                    seconds=SECONDS // 2,
                    pause_ms=max(2, round(1000 * CONNECTIONS * 1.5 / rate)),
                    start=5_000 + whole["requests"],
                )
                for at, it in (("saturation", whole), ("half of it", half)):
                    lines.append(_row(name, at, it))
                    if it["errors"] or it["timeouts"]:
                        faults.append(f"{name} at {at}: {it['errors']} errors, {it['timeouts']} time-outs.")
                if half["p99"] > MOST_P99_MS:
                    faults.append(f"{name} at half: p99 is {half['p99']:.0f} ms, not {MOST_P99_MS:.0f}.")
                figures[name] = {"saturation": whole, "half": half}
        told, seconds, failed = whole_uploads(folder)
    lost, doubled = sum(not count for count in told.values()), sum(count > 1 for count in told.values())
    figures["uploads"] = {"told": len(told) - lost, "lost": lost, "doubled": doubled, "seconds": seconds}
    keep("load", figures)
    if len(told) != UPLOADS or lost or doubled:
        faults.append(f"Of {UPLOADS} uploads {failed} failed, {lost} were lost, {doubled} came twice.")
    lines += [
        "",
        (
            f"{UPLOADS:,} whole uploads of {CLIENTS} clients in {seconds:.0f} s: {len(told) - lost:,} "
            f"`upload.completed`, {lost} lost, {doubled} doubled."
        ),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return faults


def _row(name: str, at: str, it: Mapping[str, Any]) -> str:
    rate = it["requests"] / it["seconds"]
    delays = " | ".join(f"{it[key]:.0f} ms" for key in ("p50", "p90", "p99", "longest"))
    return f"| {name} | {at} | {rate:,.0f} | {delays} | {it['errors']} | {it['timeouts']} |"
