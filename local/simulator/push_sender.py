"""The normal callback: POST each event to the callback URL, and again after a time-out.

The answer's status and body are ignored, as VOD does. `notifications` stores the events.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.counters import Counters
    from local.simulator.database import Database
    from local.simulator.faults import Fault, FaultDial
    from local.simulator.settings import SimulatorSettings

# API model ModifyEventConfigRequest: T is the send time and ten minutes.
_SIGN_SECONDS = 600
_PARALLEL_SENDS = 8
_OF_ONE_SEND = frozenset({"error", "drop-reply"})
_TRICKLES = 10
_DELAY_STEP_SECONDS = 0.1
_log = logging.getLogger("local.simulator")


def signed_push(event: dict[str, object], *, sign_key: str, now: float) -> dict[str, object]:
    """Add the callback signature: Sign = MD5(SignKey followed by T), both at the top level (UNVERIFIED)."""
    if not sign_key:
        return event
    expires_at = int(now) + _SIGN_SECONDS
    digest = hashlib.md5(f"{sign_key}{expires_at}".encode(), usedforsecurity=False).hexdigest()
    return {**event, "Sign": digest, "T": expires_at}


@dataclass
class PushSender:
    """Sends what `pushes` holds; each try is counted before it is made, so a restart never exceeds three."""

    database: Database
    settings: SimulatorSettings
    configuration: ConfigurationStore
    clock: Callable[[], float]
    counters: Counters
    faults: FaultDial
    _sending: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _held: dict[int, asyncio.Event] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Start sending, beginning with what an earlier process left."""
        context = ssl.create_default_context(cafile=self.settings.callback_ca_file)
        self._pool = urllib3.PoolManager(
            maxsize=_PARALLEL_SENDS,
            ssl_context=context,
            retries=False,
            timeout=self.settings.push_timeout_seconds,
        )
        self._threads = ThreadPoolExecutor(_PARALLEL_SENDS, "simulator-push")
        self._loop = asyncio.get_running_loop()
        self._start_sends()

    async def stop(self) -> None:
        """Stop sending; what is not done is sent after the next start."""
        self._loop = None
        self._ending.set()
        tasks = list(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pool.clear()

    def wake(self) -> None:
        """Start sending new events; may be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start_sends)

    def _start_sends(self) -> None:
        if self._loop is None:
            return
        for row in self.database.rows("SELECT push_id FROM pushes ORDER BY push_id"):
            push_id = row["push_id"]
            if push_id not in self._sending:
                task = self._loop.create_task(self._send(push_id))
                self._sending[push_id] = task
                task.add_done_callback(partial(self._forget, push_id))

    def _forget(self, push_id: int, task: asyncio.Task[None]) -> None:
        self._sending.pop(push_id, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a push broke off", exc_info=task.exception())

    async def _send(self, push_id: int) -> None:
        fault = self.faults.strike("Push")
        kind = "" if fault is None else fault.kind
        if fault is not None and kind == "delay":
            await self._wait_while_in_force(fault)
        if fault is not None and kind == "reorder":
            await self._wait_to_be_overtaken(push_id, fault.seconds)
        if kind != "drop":
            for _ in range(2 if kind == "duplicate" else 1):
                await self._send_until_answered(push_id, fault)
        self.database.change("DELETE FROM pushes WHERE push_id = ?", push_id)
        for held_id, overtaken in self._held.items():
            if held_id < push_id:
                overtaken.set()

    async def _wait_while_in_force(self, fault: Fault) -> None:
        end = asyncio.get_running_loop().time() + fault.seconds
        while (left := end - asyncio.get_running_loop().time()) > 0 and self.faults.holds(fault):  # noqa: ASYNC110  # other threads turn the dial
            await asyncio.sleep(min(left, _DELAY_STEP_SECONDS))

    async def _wait_to_be_overtaken(self, push_id: int, seconds: float) -> None:
        self._held[push_id] = asyncio.Event()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._held[push_id].wait(), seconds)
        del self._held[push_id]

    async def _send_until_answered(self, push_id: int, fault: Fault | None) -> None:
        while True:
            row = self.database.row("SELECT * FROM pushes WHERE push_id = ?", push_id)
            url = self.configuration.present.callback_url
            if row is None or row["sends_left"] <= 0 or not url:
                return
            self.database.change("UPDATE pushes SET sends_left = sends_left - 1 WHERE push_id = ?", push_id)
            event = signed_push(
                json.loads(row["body"]), sign_key=self.configuration.present.sign_key, now=self.clock()
            )
            body = json.dumps(event, ensure_ascii=False).encode()
            self.counters.count("Push")
            if await self._post_with(fault, url, body):
                return
            # Only the first send meets the fault that VOD answers with another one.
            fault = None if fault is not None and fault.kind in _OF_ONE_SEND else fault
            await asyncio.sleep(self.settings.push_retry_seconds)

    async def _post_with(self, fault: Fault | None, url: str, body: bytes) -> bool:
        """Send once, with what the rule changes; return True when no further try is needed."""
        kind = "" if fault is None else fault.kind
        if kind == "corrupt":
            body = body[: len(body) // 2]
        answered = kind != "error" and await self._post(
            url, body, slow_seconds=fault.seconds if fault is not None and kind == "slow" else 0.0
        )
        if kind not in _OF_ONE_SEND:
            return answered
        self.counters.count("PushTimeout")
        return False

    async def _post(self, url: str, body: bytes, *, slow_seconds: float) -> bool:
        """Send once; return True when no further try is needed."""
        loop = asyncio.get_running_loop()
        try:
            status = await loop.run_in_executor(self._threads, self._request, url, body, slow_seconds)
        except urllib3.exceptions.NewConnectionError:
            # Of urllib3's connect time-outs this one is none: nobody listens, or the name is unknown.
            return self._note_refusal()
        except urllib3.exceptions.TimeoutError:
            self.counters.count("PushTimeout")
            return False
        except (urllib3.exceptions.HTTPError, OSError):
            return self._note_refusal()
        _log.info("an event was pushed and answered with %d", status)
        return True

    def _note_refusal(self) -> bool:
        """Count a send that reached nobody; whether VOD then tries again is UNVERIFIED."""
        _log.warning("the callback URL cannot be reached")
        self.counters.count("PushRefused")
        return not self.settings.retry_refused_pushes

    def _request(self, url: str, body: bytes, slow_seconds: float) -> int:
        response = self._pool.request(
            "POST",
            url,
            body=self._trickle(body, slow_seconds) if slow_seconds else body,
            headers={"Content-Type": "application/json", "Content-Length": str(len(body))},
            redirect=False,
            preload_content=False,
        )
        response.close()
        return response.status

    def _trickle(self, body: bytes, seconds: float) -> Iterator[bytes]:
        starts = range(0, len(body), len(body) // _TRICKLES + 1)
        for start in starts:
            self._ending.wait(seconds / len(starts))
            yield body[start : start + starts.step]
