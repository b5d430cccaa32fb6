"""One deployment around a real store, as `shared.runtime.bootstrap` builds it, with a clock to move."""

from __future__ import annotations

import itertools
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import redis

from local.operator.event_store import EventQuery, KeptEvent, OperatorStore
from shared.config.settings import EventDeliverySettings, load_settings
from shared.domain.event_status import EventStatus
from shared.domain.event_text import unpacked
from shared.domain.ingested_event import Source
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import state_of
from shared.flows.deliver_events import Deliverer
from shared.flows.delivery_run import DeliveryRun
from shared.flows.endpoint_runs import EndpointRuns, endpoint_runs
from shared.flows.fan_out import FanOut
from shared.flows.ingest_event import Ingester
from shared.flows.pull_events import Pulling
from shared.flows.reconcile_uploads import Reconciliation
from shared.flows.settle_event import verify
from shared.http.webhook import AppWebhook
from shared.runtime.workers import Workers
from shared.store.connection import StoreScope
from shared.store.enforcements import EnforcementStore
from shared.store.journal import Store
from shared.vod.context_token import UploadContext, seal
from shared.vod_api import VodApi
from tests.shared.uploads import NOW, SESSION_SECONDS, notification_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.deadline import Start
    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.session import UploadSession, UploadState
    from shared.flows.pull_events import EventQueue
    from shared.flows.reconcile_uploads import Library
    from shared.flows.verify_event import ReadBack

CONTEXT_KEY = "canary-of-the-context-key-of-the-tests"
SECRET_ID, SECRET_KEY = "AKIDsimulated00000000000000000000000", "simulated-secret-key"
STAGE = "test"
_leases = itertools.count(1)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return Unix seconds."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def call_at_once(call: Callable[[], None]) -> None:
    """Start a call in the thread that begins it."""
    call()


def new_lease() -> str:
    """Return a new lease, as long as a random one."""
    return f"{next(_leases):016x}"


@dataclass(frozen=True)
class Service:
    """A deployment; `changes` are environment variables, an empty text removes one."""

    redis_url: str
    changes: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = field(default_factory=Clock)
    wait: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = lambda: 0.0

    @property
    def variables(self) -> dict[str, str]:
        """Its environment."""
        return {
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
        }

    @cached_property
    def settings(self) -> EventDeliverySettings:
        """Its settings."""
        return load_settings(EventDeliverySettings, self.variables)

    @cached_property
    def store(self) -> Store:
        """Its store."""
        settings = self.settings
        return Store(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))

    @cached_property
    def enforcements(self) -> EnforcementStore:
        """Its files that may be beyond their policies."""
        settings = self.settings
        return EnforcementStore(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))

    @cached_property
    def webhook(self) -> AppWebhook | None:
        """The client of the app's endpoint, if there is one."""
        return AppWebhook(self.settings) if self.settings.app_webhook_url is not None else None

    @cached_property
    def fan_out(self) -> FanOut:
        """Hands events on to the endpoints of APP_WEBHOOKS."""
        return FanOut({it: AppWebhook(it.settings) for it in self.settings.endpoints})

    @cached_property
    def vod_api(self) -> VodApi:
        """VOD's server API, as this deployment calls it."""
        return VodApi(self.settings)

    @property
    def ingester(self) -> Ingester:
        """Ingests events."""
        return Ingester(self.store, self.settings)

    def deliverer(self, *, seconds: float = 60.0, read_back: ReadBack | None = None) -> Deliverer:
        """Return what delivers events for so many seconds; it asks this VOD, or else the deployment's."""
        return Deliverer(
            ingester=self.ingester,
            read_back=lambda: nullcontext(read_back or self.vod_api),
            webhook=self.webhook,
            fan_out=self.fan_out if self.settings.endpoints else None,
            clock=self.clock,
            jitter=self.jitter,
            deadline=self.clock() + seconds,
        )

    def delivery_run(
        self, *, seconds: float = 60.0, read_back: ReadBack | None = None, start: Start = call_at_once
    ) -> DeliveryRun | EndpointRuns:
        """Return a delivery run of so many seconds; its workers are this thread, unless `start` is given."""
        new_run = partial(DeliveryRun, wait=self.wait, new_lease=new_lease)
        new_workers = partial(Workers, start=start)
        delivers = self.deliverer(seconds=seconds, read_back=read_back)
        most = self.settings.delivery_concurrency
        if self.settings.endpoints:
            return endpoint_runs(delivers, self.fan_out, new_run, new_workers, concurrency=most, timer="")
        return new_run(deliverer=delivers, workers=new_workers(most), rate=self.settings.delivery_rate)

    def pulling(self, queue: EventQueue | None = None, *, seconds: float = 53.0) -> Pulling:
        """Return a run that pulls for so many seconds."""
        return Pulling(self.ingester, queue or self.vod_api, self.clock, new_lease, self.clock() + seconds)

    def reconciliation(self, library: Library | None = None, *, seconds: float = 53.0) -> Reconciliation:
        """Return a reconciliation run of so many seconds; with READ_BACK=off it asks nobody."""
        return Reconciliation(
            ingester=self.ingester,
            library=(lambda: library or self.vod_api) if self.settings.read_back == "on" else None,
            clock=self.clock,
            new_lease=new_lease,
            deadline=self.clock() + seconds,
            own_sub_app_id=self.settings.vod_api_sub_app_id,
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

    def state(self, session: UploadSession) -> UploadState:
        """Return the state of an upload as it is now."""
        return state_of(self.find(session), now=int(self.clock()))

    def ingest(self, event: dict[str, object], origin: str = "pull") -> IngestedEvent:
        """Ingest one event that is received now."""
        source = Source(origin, int(self.clock()), lease=new_lease())
        return self.ingester.ingest(notification_of(event), source)

    def verify(self, ingested: IngestedEvent, vod_api: ReadBack) -> IngestedEvent:
        """Ask VOD about a held event."""
        return verify(self.ingester, ingested, vod_api=vod_api, now=int(self.clock()), timeout_seconds=1.0)

    def recall_due(self, *, after: float = 60) -> IngestedEvent:
        """Take the one event that is due after so many seconds, as the timer does, out of the journal."""
        now = int(self.clock() + after)
        (at,) = self.store.due_events(now=now, limit=10)
        [(_, taken)] = self.store.take([at], endpoint="", now=now, lease=new_lease(), lease_ends_at=now + 30)
        return self.ingester.recall(taken)

    def due(self, *, after: float = 0) -> int:
        """Return the number of deliveries that are due now, or in so many seconds."""
        return len(self.store.due_events(now=int(self.clock() + after), limit=1000))

    def record(self, ingested: IngestedEvent) -> dict[str, str]:
        """Read what the journal holds of an event."""
        with client_of(self.redis_url) as client:
            return event_at(client, self.store.key_of(ingested.entry).key)

    def records(self) -> list[dict[str, str]]:
        """Read every event of the journal."""
        with client_of(self.redis_url) as client:
            return [event_at(client, key) for key in client.scan_iter("*:event:*")]

    def checks(self) -> dict[str, float]:
        """Return when each upload will be checked."""
        with redis.Redis.from_url(self.redis_url, decode_responses=True) as client:
            indexes = client.scan_iter("*:checks")
            return {
                member: at for key in indexes for member, at in client.zrange(key, 0, -1, withscores=True)
            }


def client_of(redis_url: str) -> redis.Redis:
    """Return a client that reads bytes which are no UTF-8 as the functions do."""
    return redis.Redis.from_url(redis_url, decode_responses=True, encoding_errors="surrogateescape")


def event_at(client: redis.Redis, key: str) -> dict[str, str]:
    """Read an event's record, and its bytes as the texts that they are compressed of."""
    record: Any = client.hgetall(key)
    body: Any = client.get(key.replace(":event:", ":body:", 1))
    record["event_id"] = "evt_" + key.rpartition(":")[-1]
    return {**record, **dict(zip(("raw", "pushed"), unpacked(body or ""), strict=False))}


def parked(redis_url: str) -> list[KeptEvent]:
    """Return the parked events with all fields, as an operator sees them."""
    store = OperatorStore(redis_url, StoreScope(STAGE, 604_800))
    return list(store.read(event.at for event in store.find(EventQuery(EventStatus.PARKED))))


def token_of(session: UploadSession, *, key: str = CONTEXT_KEY, stage: str = STAGE) -> str:
    """Seal the token that every signature of an upload carries."""
    context = UploadContext(session.upload_id, session.user_id, session.grant.context)
    return seal(context, keys=(key,), stage=stage)
