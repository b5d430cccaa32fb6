"""The whole service around a worker: VOD's API, store, app and clock."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.stack.timers import timer_event
from tests.functions import scf
from tests.functions.deployment import CALLBACK_TOKEN, environment, user_token
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account, MovableClock
from tests.reliability.many_uploads import Upload, VodLibrary, begin_uploads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import redis

    from tests.reliability.app_receiver import AppReceiver
    from tests.reliability.moved_time import SharedClock
    from tests.reliability.worker_process import WorkerProcess

WEBHOOK_SECRET = "whsec_Y2FuYXJ5IG9mIHRoZSB3ZWJob29rIHNlY3JldCE="
SENDS_PER_EVENT = 3
"""VOD pushes an event once and, after time-outs, twice more (doc 266/33931)."""


class MovedAccount(Account):
    """A simulated account on the moved clock, in pull mode."""

    def __init__(self, folder: Path, clock: SharedClock) -> None:
        super().__init__(folder, mode="PULL", pull_wait_seconds=0.05)
        self.clock = _AccountClock(clock)
        # asyncio knows only sockets of a named protocol for TCP; others keep back each answer for 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _AccountClock(MovableClock):
    def __init__(self, clock: SharedClock) -> None:
        super().__init__()
        self._clock = clock

    def __call__(self) -> float:
        return self._clock()


def service_environment(redis_url: str, *, vod_url: str, webhook_url: str, **changes: str) -> dict[str, str]:
    """Return every variable that the functions read."""
    wanted = {
        "VOD_SECRET_ID": SECRET_ID,
        "VOD_SECRET_KEY": SECRET_KEY,
        "VOD_API_URL": vod_url,
        "APP_WEBHOOK_URL": webhook_url,
        "APP_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "APP_WEBHOOK_ALLOW_INSECURE": "1",
        **changes,
    }
    return environment(redis_url, **wanted)


def push_of(event: Mapping[str, object]) -> tuple[str, dict[str, Any]]:
    """Build the invocation by which VOD pushes an event."""
    body = json.dumps(event, ensure_ascii=False)
    return "event_notification", scf.event_of("POST", f"/{CALLBACK_TOKEN}", body=body)


def signature_request(now: float, *, user: str) -> tuple[str, dict[str, Any]]:
    """Build the invocation by which a user requests the first signature of an upload."""
    headers = {
        "Authorization": f"Bearer {user_token(user, exp=int(now) + 600)}",
        "Content-Type": "application/json",
        "Accept": "text/plain",
    }
    return "upload_signature", scf.event_of("POST", "/signature", headers=headers, body="{}")


def timer_of(function: str) -> tuple[str, dict[str, Any]]:
    """Build the invocation of a timer."""
    return function, timer_event(function)


@dataclass(frozen=True)
class Service:
    """Everything that outlives a worker."""

    account: Account
    library: VodLibrary
    app: AppReceiver
    clock: SharedClock
    store: redis.Redis
    worker: WorkerProcess
    environment: Mapping[str, str]

    def finished_uploads(self, count: int, *, with_task_flow: bool = False) -> list[Upload]:
        """Create a finished upload of each of so many users; no event has been sent yet."""
        tokens = begin_uploads(self.environment, count, now=self.clock())
        return self.library.finish_uploads(tokens, with_task_flow=with_task_flow)

    def begun_uploads(self, count: int) -> set[str]:
        """Issue a signature to each of so many users, who never use it."""
        return set(begin_uploads(self.environment, count, now=self.clock()))

    def queue(self, events: Sequence[Mapping[str, object]]) -> None:
        """Queue events in VOD for the reliable callback."""

        async def emit() -> None:
            for event in events:
                await self.account.simulator.emit(event)

        asyncio.run(emit())

    def records(self, kind: str) -> list[dict[str, str]]:
        """Return every hash of one kind: `event`, `upload`, `poison`."""
        pipeline = self.store.pipeline(transaction=False)
        for key in self.store.scan_iter(f"vuf:*:{kind}:*", count=1000):
            pipeline.hgetall(key)
        return pipeline.execute()

    def waiting(self, index: str) -> int:
        """Return the number of members of a sorted set, such as `due` or `checks`, over all partitions."""
        return sum(int(self.store.zcard(key)) for key in self.store.scan_iter(f"vuf:*:{index}", count=1000))

    def due(self, index: str) -> int:
        """Return the number of members that are due."""
        now, keys = self.clock(), self.store.scan_iter(f"vuf:*:{index}", count=1000)
        return sum(int(self.store.zcount(key, "-inf", now)) for key in keys)

    def everything(self) -> dict[str, object]:
        """Return all that the store holds, except the app's send slots, which expire within a second."""
        keys = [key for key in self.store.scan_iter(count=1000) if ":turn:" not in key]
        return {key: self._value(key) for key in sorted(keys)}

    def _value(self, key: str) -> object:
        kind = self.store.type(key)
        if kind == "hash":
            return self.store.hgetall(key)
        return self.store.zrange(key, 0, -1, withscores=True) if kind == "zset" else self.store.get(key)
