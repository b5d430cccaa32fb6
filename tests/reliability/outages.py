"""The ways in which a store can be unavailable to a running stack."""

from __future__ import annotations

import signal
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import requests

from local.simulator.notifications import without_nulls
from local.upload.client import StoredUpload, UploadClient
from local.upload.order import UploadOrder
from tests.reliability.many_uploads import stored_media
from tests.waiting import PATIENCE_SECONDS

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
    folder: Path

    @property
    def database_file(self) -> Path:
        """The file in which the simulated VOD keeps its media."""
        return self.folder / "simulator" / "simulator.sqlite3"

    def upload(self, file: Path) -> StoredUpload:
        """Upload a real file; VOD does not raise its event."""
        with closing(UploadClient(self.stack.url)) as client:
            return client.upload(UploadOrder(file, "alice"), lambda _part, _sent: None)

    def push(self, upload: StoredUpload) -> None:
        """Push the event of an upload, as VOD."""
        media = stored_media(self.database_file, upload.file_id)
        self.stack.call(self.stack.simulator.emit(without_nulls(media.upload_event())))

    def pushes(self, ending: str = "") -> int:
        """Return the number of VOD's sends, or of those that timed out or were refused."""
        return self.stack.simulator.counters.get(f"Push{ending}", 0)

    def heard(self, upload: StoredUpload) -> list[dict[str, Any]]:
        """Return what the app received about an upload."""
        answer = requests.get(f"{self.stack.url}/local/events?uploadId={upload.upload_id}", timeout=10)
        return [webhook["body"] for webhook in answer.json()]

    def ask(self, method: str, path: str) -> int:
        """Send a user's request; return the status."""
        token = requests.get(f"{self.stack.url}/local/token", timeout=10).text
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = "{}" if method == "POST" else ""
        address = self.stack.url + path
        answer = requests.request(method, address, headers=headers, data=body, timeout=PATIENCE_SECONDS)
        return answer.status_code

    def instances(self) -> set[str]:
        """Return the process ids of the function instances."""
        instances = set()
        for file in Path("/proc/self/task").glob("*/children"):
            with suppress(OSError):  # what has ended has neither children nor a command
                for child in file.read_text(encoding="ascii").split():
                    if b"local.stack.function_instance" in Path(f"/proc/{child}/cmdline").read_bytes():
                        instances.add(child)
        return instances
