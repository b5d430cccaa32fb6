"""The ways in which a store can be unavailable to a running stack."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import requests

from local.simulator.media import Media
from local.simulator.notifications import without_nulls
from local.upload.client import StoredUpload, UploadClient
from local.upload.order import UploadOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.stack.stack import Stack
    from tests.cluster.valkey_server import ValkeyServer
    from tests.reliability.tcp_proxy import TcpProxy

Outage = Literal["stopped", "killed", "frozen", "black hole", "slow"]
SLOW_SECONDS = 0.5


@contextmanager
def outage(kind: Outage, store: ValkeyServer, proxy: TcpProxy) -> Iterator[None]:
    """Take the store away, and bring it back."""
    if kind == "slow":
        proxy.delay_seconds = SLOW_SECONDS
    elif kind == "black hole":
        proxy.is_silent = True
    elif kind == "frozen":
        store.freeze()
    else:
        store.end(signal.SIGTERM if kind == "stopped" else signal.SIGKILL)
    try:
        yield
    finally:
        proxy.heal()
        if kind == "frozen":
            store.thaw()
        elif kind in ("stopped", "killed"):
            store.start()


@dataclass(frozen=True)
class Site:
    """A stack whose functions reach their store through a proxy; its users, its VOD and its app."""

    stack: Stack
    store: ValkeyServer
    proxy: TcpProxy
    folder: Path

    def upload(self, file: Path) -> StoredUpload:
        """Upload a real file; VOD does not raise its event."""
        client = UploadClient(self.stack.url)
        with closing(client):
            return client.upload(UploadOrder(file, "alice"), lambda _part, _sent: None)

    def push(self, upload: StoredUpload) -> None:
        """Push the event of an upload, as VOD."""
        with closing(sqlite3.connect(self.folder / "simulator" / "simulator.sqlite3", timeout=10)) as vod:
            query = "SELECT document FROM media WHERE file_id = ?"
            (document,) = vod.execute(query, (upload.file_id,)).fetchone()
        event = without_nulls(Media(**json.loads(document)).upload_event())
        self.stack.call(self.stack.simulator.emit(event))

    def pushes(self, ending: str = "") -> int:
        """Return the number of VOD's sends, or of those that timed out or were refused."""
        return self.stack.simulator.counters.get(f"Push{ending}", 0)

    def heard(self, upload: StoredUpload) -> list[dict[str, Any]]:
        """Return what the app received about an upload."""
        answer = requests.get(f"{self.stack.url}/local/events?uploadId={upload.upload_id}", timeout=10)
        return [webhook["body"] for webhook in answer.json()]

    def ask(self, method: str, path: str) -> tuple[int, float]:
        """Send a user's request; return status and seconds."""
        token = requests.get(f"{self.stack.url}/local/token", timeout=10).text
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = "{}" if method == "POST" else ""
        before = time.monotonic()
        answer = requests.request(method, self.stack.url + path, headers=headers, data=body, timeout=10)
        return answer.status_code, time.monotonic() - before

    def instances(self) -> set[int]:
        """Return the process ids of the function instances."""
        return {
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if folder.name.isdecimal() and _is_instance(folder, parent=os.getpid())
        }

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        """Return the functions' log lines of one kind."""
        lines = (self.folder / "functions.log").read_text(encoding="utf-8").splitlines()
        logged = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in logged if line["event"] == event]


def _is_instance(folder: Path, *, parent: int) -> bool:
    try:
        status = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()
        return (
            int(status[1]) == parent and b"local.stack.function_instance" in (folder / "cmdline").read_bytes()
        )
    except OSError:
        # It has ended meanwhile.
        return False
