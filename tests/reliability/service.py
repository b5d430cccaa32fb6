"""The whole service around a worker: VOD's API, store, app and clock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.stack.timers import timer_event
from tests.functions import scf
from tests.functions.deployment import CALLBACK_TOKEN, environment, services_of, user_token
from tests.reliability.kept_records import journal_records, members
from tests.reliability.many_uploads import Upload, VodLibrary, begin_uploads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local.simulator.account import Account
    from tests.reliability.app_receiver import AppReceiver
    from tests.reliability.moved_time import SharedClock
    from tests.reliability.worker import Worker

SENDS_PER_EVENT = 3
"""VOD pushes an event once and, after time-outs, twice more (doc 266/33931)."""


def service_environment(redis_url: str, *, vod_url: str, webhook_url: str, **changes: str) -> dict[str, str]:
    """Return every variable that the functions read."""
    return environment(redis_url, **{**services_of(vod_url, webhook_url), **changes})


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
    worker: Worker
    environment: Mapping[str, str]

    @property
    def redis_url(self) -> str:
        """The address of the store."""
        return self.environment["REDIS_URL"]

    def finished_uploads(
        self, count: int, *, with_task_flow: bool = False, md5: str | None = None
    ) -> list[Upload]:
        """Create a finished upload of each of so many users; no event has been sent yet."""
        begun = self.begun_uploads(count, md5=md5)
        return self.library.finish_uploads(begun, with_task_flow=with_task_flow)

    def begun_uploads(self, count: int, *, md5: str | None = None) -> dict[str, str]:
        """Begin an upload of each of so many users, who have not used it; return their tokens."""
        return begin_uploads(self.redis_url, count, now=self.clock(), md5=md5)

    def records(self, kind: str) -> list[dict[str, str]]:
        """Return every hash of one kind: `event`, `upload`, `poison`."""
        return journal_records(self.redis_url, kind)

    def waiting(self, index: str) -> int:
        """Return the number of members of a sorted set, such as `due` or `checks`, over all partitions."""
        return len(members(self.redis_url, index))

    def due(self, index: str) -> int:
        """Return the number of members that are due."""
        return sum(at <= self.clock() for at in members(self.redis_url, index).values())
