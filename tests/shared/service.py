"""One deployment's parts around a real store, as `shared.bootstrap` puts them together, with a clock to move.

What VOD and the app are, and what happens to them, is left to the tests.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import redis

from shared.app_webhook import AppWebhook
from shared.arrival import Source
from shared.delivery import Courier
from shared.delivery_round import DeliveryRound
from shared.intake import Intake
from shared.pulling import Pulling
from shared.reconciliation import Reconciliation
from shared.settings import EventDeliverySettings, load_settings
from shared.store import Store, StoreScope
from shared.upload_context import UploadContext, seal
from shared.upload_limits import UploadLimits
from shared.vod_api import VodApi
from tests.shared.uploads import NOW, SESSION_SECONDS, notification_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.arrival import Arrival
    from shared.pulling import EventQueue
    from shared.reconciliation import Library
    from shared.upload_session import UploadSession

CONTEXT_KEY = "canary-of-the-context-key-of-the-tests"
SECRET_ID, SECRET_KEY = "AKIDsimulated00000000000000000000000", "simulated-secret-key"
STAGE = "test"
_leases = itertools.count(1)


class Clock:
    """A clock that stands still until a test, or whoever waits by it, moves it."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell Unix seconds."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def new_lease() -> str:
    """Draw a lease nobody had."""
    return f"lease-{next(_leases)}"


@dataclass(frozen=True)
class Service:
    """A deployment; `changes` are environment variables, an empty text takes one away."""

    redis_url: str
    changes: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = field(default_factory=Clock)
    wait: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = lambda: 0.0

    @cached_property
    def settings(self) -> EventDeliverySettings:
        """Its settings."""
        return load_settings(
            EventDeliverySettings,
            {
                "REDIS_URL": self.redis_url,
                "STAGE": STAGE,
                "CONTEXT_KEYS": CONTEXT_KEY,
                "VOD_SECRET_ID": SECRET_ID,
                "VOD_SECRET_KEY": SECRET_KEY,
                "READ_BACK": "off",
                "APP_WEBHOOK_URL": "off",
                "APP_WEBHOOK_SECRETS": "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cy13aXRoLTMyLWJ5dGVz",
                "APP_WEBHOOK_ALLOW_INSECURE": "1",
                "UPLOAD_SESSION_SECONDS": str(SESSION_SECONDS),
                **self.changes,
            },
        )

    @cached_property
    def store(self) -> Store:
        """Its store."""
        settings = self.settings
        return Store(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))

    @cached_property
    def webhook(self) -> AppWebhook | None:
        """What sends to the app, if it has an endpoint."""
        return AppWebhook(self.settings) if self.settings.app_webhook_url is not None else None

    @cached_property
    def vod_api(self) -> VodApi:
        """VOD's server API, as this deployment calls it."""
        return VodApi(self.settings)

    @property
    def intake(self) -> Intake:
        """The way in for events."""
        return Intake(self.store, self.settings)

    def delivery_round(self, *, seconds: float = 60.0) -> DeliveryRound:
        """Make a round that has so many seconds."""
        courier = Courier(
            intake=self.intake,
            read_back=lambda: self.vod_api,
            webhook=self.webhook,
            clock=self.clock,
            draw=self.draw,
            deadline=self.clock() + seconds,
        )
        return DeliveryRound(courier, self.wait, new_lease)

    def pulling(self, queue: EventQueue | None = None, *, seconds: float = 53.0) -> Pulling:
        """Make a run that pulls for so many seconds."""
        return Pulling(self.intake, queue or self.vod_api, self.clock, new_lease, self.clock() + seconds)

    def reconciliation(self, library: Library | None = None, *, seconds: float = 53.0) -> Reconciliation:
        """Make a run that looks after uploads for so many seconds; with READ_BACK=off it asks nobody."""
        return Reconciliation(
            intake=self.intake,
            library=(lambda: library or self.vod_api) if self.settings.read_back == "on" else None,
            clock=self.clock,
            new_lease=new_lease,
            deadline=self.clock() + seconds,
        )

    def begin(self, session: UploadSession) -> UploadSession:
        """Open an upload session, as its first signature does."""
        self.store.begin_upload(
            session, randoms=(1, 2, 3, 4, 5), now=session.issued_at, limits=UploadLimits(100_000)
        )
        return session

    def find(self, session: UploadSession) -> UploadSession:
        """Read an upload as it is now."""
        return self.store.find_upload(session.user_id, session.upload_id)

    def take_in(self, event: dict[str, object], origin: str = "pull") -> Arrival:
        """Take in one event that has come just now."""
        source = Source(origin, int(self.clock()), lease=new_lease())
        return self.intake.take_in(notification_of(event), source)

    def due(self, *, after: float = 0) -> int:
        """Count the deliveries that are due by now, or after so many seconds more."""
        return len(self.store.due_events(now=int(self.clock() + after), limit=1000))

    def record(self, arrival: Arrival) -> dict[str, str]:
        """Read what the journal keeps of an event."""
        with redis.Redis.from_url(self.redis_url, decode_responses=True) as client:
            record: dict[str, str] = client.hgetall(self.store.key_of(arrival.entry).key)
            return record

    def records(self) -> list[dict[str, str]]:
        """Read every event of the journal."""
        with redis.Redis.from_url(self.redis_url, decode_responses=True) as client:
            return [client.hgetall(key) for key in client.scan_iter("*:event:*")]

    def checks(self) -> dict[str, float]:
        """Tell when each upload will be looked after."""
        with redis.Redis.from_url(self.redis_url, decode_responses=True) as client:
            shelves = client.scan_iter("*:checks")
            return {
                member: at for key in shelves for member, at in client.zrange(key, 0, -1, withscores=True)
            }


def token_of(session: UploadSession) -> str:
    """Seal the token that every signature of an upload carries."""
    context = UploadContext(session.upload_id, session.user_id, session.grant.context)
    return seal(context, keys=(CONTEXT_KEY,), stage=STAGE)
