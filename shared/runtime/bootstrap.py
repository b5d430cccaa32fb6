"""The only reader of environment, clock and randomness; builds what a function needs, once per process."""

from __future__ import annotations

import os
import time
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.config.settings import (
    CallbackSettings,
    EventDeliverySettings,
    EventNotificationSettings,
    ReliableNotificationSettings,
    StoreSettings,
    UploadSignatureSettings,
    UploadStatusSettings,
    load_settings,
)
from shared.deadline import in_daemon_thread
from shared.errors import ConfigurationError
from shared.runtime.invocation import told_by
from shared.store.connection import StoreConnection, StoreScope

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.config.settings import DeliveryRunSettings, DeliverySettings, WebhookSettings
    from shared.flows.deliver_events import Deliverer
    from shared.flows.delivery_run import DeliveryRun
    from shared.flows.endpoint_runs import EndpointRuns
    from shared.flows.enforce_limits import LimitEnforcement
    from shared.flows.fan_out import FanOut
    from shared.flows.ingest_event import Ingester
    from shared.flows.prove_bytes import Proofs
    from shared.http.webhook import AppWebhook
    from shared.runtime.file_reader import FileReader
    from shared.store.enforcements import EnforcementStore
    from shared.store.journal import Store
    from shared.store.uploads import UploadStore
    from shared.vod_api import VodApi

_Settings = TypeVar("_Settings", bound=StoreSettings)
_Settings_co = TypeVar("_Settings_co", bound=StoreSettings, covariant=True)
_Store = TypeVar("_Store", bound=StoreConnection)
_Store_co = TypeVar("_Store_co", bound=StoreConnection, covariant=True)
_RANDOM_STEPS = 1 << 53
_TOLD_BY_PLATFORM = {
    "function_name": "SCF_FUNCTIONNAME",
    "function_version": "SCF_FUNCTIONVERSION",
    "namespace": "SCF_NAMESPACE",
    "tencentcloud_region": "TENCENTCLOUD_REGION",
}
"""Members of an invocation's context, and the variables with the same values."""
HOLD_SECONDS = 6.0
"""The default of CALLBACK_HOLD_SECONDS."""


class Runtime(Generic[_Settings_co, _Store_co]):
    """Settings and store of one function, for the life of its process; compared by identity."""

    def __init__(self, settings: _Settings_co, store: _Store_co) -> None:
        self.settings = settings
        self.store = store


class Function(Generic[_Settings, _Store]):
    """One deployed function: a call returns its runtime, built at the first call of the process.

    Raises:
        ConfigurationError: on the call, naming every setting that is missing or invalid.

    """

    def __init__(self, settings: type[_Settings], store: Callable[[], type[_Store]]) -> None:
        self._settings, self._store = settings, store
        self._runtime: Runtime[_Settings, _Store] | None = None

    def __call__(self) -> Runtime[_Settings, _Store]:
        """Return the runtime, built at the first call."""
        if self._runtime is None:
            settings = load_settings(self._settings, os.environ)
            scope = StoreScope(settings.stage, settings.retention_seconds)
            self._runtime = Runtime(settings, self._store()(settings.redis_url, scope))
        return self._runtime

    def cache_clear(self) -> None:
        """Drop the runtime, so that the next call reads the environment again."""
        self._runtime = None


def _uploads() -> type[UploadStore]:
    from shared.store.uploads import UploadStore  # noqa: PLC0415 -- the whole store would slow a signature's start

    return UploadStore


def _everything() -> type[Store]:
    from shared.store.journal import Store  # noqa: PLC0415 -- as above

    return Store


@lru_cache(maxsize=1)
def callback_settings() -> CallbackSettings:
    """Return what tells VOD's callback from others, whatever is wrong with other settings.

    Raises:
        ConfigurationError: naming every setting of these that is missing or invalid.

    """
    return load_settings(CallbackSettings, os.environ)


upload_signature = Function(UploadSignatureSettings, _uploads)
upload_status = Function(UploadStatusSettings, _uploads)
event_notification = Function(EventNotificationSettings, _everything)
reliable_notification = Function(ReliableNotificationSettings, _everything)
event_delivery = Function(EventDeliverySettings, _everything)


def callback_hold_seconds() -> float:
    """Return how long a callback goes unanswered; the default where the settings cannot be read."""
    try:
        return event_notification().settings.callback_hold_seconds
    except ConfigurationError:
        return HOLD_SECONDS


def deliverer(runtime: Runtime[DeliverySettings, Store], *, deadline: float) -> Deliverer:
    """Return a deliverer for one invocation that ends by `deadline` (Unix seconds)."""
    return _deliverer_of(runtime)(deadline=deadline)


@lru_cache(maxsize=1)
def _deliverer_of(runtime: Runtime[DeliverySettings, Store]) -> Callable[..., Deliverer]:
    """Bind all arguments of a deliverer except its deadline."""
    from shared.flows.deliver_events import Deliverer  # noqa: PLC0415 -- the functions that issue signatures do without
    from shared.flows.ingest_event import Ingester  # noqa: PLC0415 -- as above
    from shared.runtime.workers import Pool  # noqa: PLC0415 -- as above

    settings = runtime.settings
    return partial(
        Deliverer,
        ingester=Ingester(runtime.store, settings),
        read_back=Pool(lambda: new_vod_api(runtime)).lent,
        webhook=_app_webhook(settings) if settings.app_webhook_url is not None else None,
        fan_out=_fan_out(runtime) if settings.endpoints else None,
        clock=now,
        jitter=lambda: random_bits(53) / _RANDOM_STEPS,
    )


def delivery_run(
    runtime: Runtime[DeliveryRunSettings, Store],
    timer: str = "",
    *,
    deadline: float,
    has: Callable[[int], bool] = lambda _partition: True,
) -> DeliveryRun | EndpointRuns:
    """Return the delivery run of a timer's function that ends by `deadline` (Unix seconds).

    It delivers the events of the partitions that it `has`.
    """
    from shared.flows.delivery_run import DeliveryRun  # noqa: PLC0415 -- only the timers have runs
    from shared.runtime.workers import Workers  # noqa: PLC0415 -- as above

    new_run = partial(DeliveryRun, wait=wait, new_lease=new_lease, has=has)
    new_workers = partial(Workers, start=start_worker)
    delivers, concurrency = deliverer(runtime, deadline=deadline), runtime.settings.delivery_concurrency
    if runtime.settings.endpoints:
        from shared.flows.endpoint_runs import endpoint_runs  # noqa: PLC0415 -- few deployments have several

        return endpoint_runs(
            delivers, _fan_out(runtime), new_run, new_workers, concurrency=concurrency, timer=timer
        )
    rate = runtime.settings.delivery_rate
    return new_run(deliverer=delivers, workers=new_workers(concurrency), rate=rate, timer=timer)


@lru_cache(maxsize=1)
def _fan_out(runtime: Runtime[DeliverySettings, Store]) -> FanOut:
    from shared.flows.fan_out import FanOut  # noqa: PLC0415 -- few deployments have several endpoints

    return FanOut({endpoint: _app_webhook(endpoint.settings) for endpoint in runtime.settings.endpoints})


def proofs(
    runtime: Runtime[EventDeliverySettings, Store],
    ingester: Ingester,
    *,
    clock: Callable[[], float],
    deadline: float,
) -> Proofs:
    """Return a run that proves files by their digests until `deadline` (Unix seconds, by `clock`)."""
    from shared.flows.prove_bytes import Proofs  # noqa: PLC0415 -- only one timer has them

    return Proofs(
        ingester=ingester,
        vod_api=lambda: vod_api(runtime),
        clock=clock,
        new_lease=new_lease,
        deadline=deadline,
        own_sub_app_id=runtime.settings.vod_api_sub_app_id,
    )


def limit_enforcement(
    runtime: Runtime[EventDeliverySettings, Store],
    ingester: Ingester,
    *,
    clock: Callable[[], float],
    deadline: float,
    request_id: str,
) -> LimitEnforcement:
    """Return the enforcement of limits on files, that ends by `deadline` by this clock (Unix seconds)."""
    from shared.flows.enforce_limits import LimitEnforcement  # noqa: PLC0415 -- few runs have work for it
    from shared.runtime import log  # noqa: PLC0415 -- as above

    settings = runtime.settings
    return LimitEnforcement(
        store=_enforcements(runtime),
        ingester=ingester,
        library=vod_api(runtime),
        clock=clock,
        new_lease=new_lease,
        deadline=deadline,
        audit=partial(log.write, "limit.enforced", request_id=request_id),
        grace_seconds=settings.delete_grace_seconds,
        dry_run=settings.limit_enforcement == "dry-run",
    )


@lru_cache(maxsize=1)
def _enforcements(runtime: Runtime[EventDeliverySettings, Store]) -> EnforcementStore:
    """Return the store of enforcements, with one connection for all runs of the process."""
    from shared.store.enforcements import EnforcementStore  # noqa: PLC0415 -- few runs have work for it

    settings = runtime.settings
    return EnforcementStore(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))


def _app_webhook(settings: WebhookSettings) -> AppWebhook:
    from shared.http.webhook import AppWebhook  # noqa: PLC0415 -- not every deployment has one

    return AppWebhook(settings)


@lru_cache(maxsize=1)
def vod_api(runtime: Runtime[DeliverySettings, Store]) -> VodApi:
    """Return the client of the server API, for one thread at a time."""
    return new_vod_api(runtime)


def _file_reader() -> FileReader:
    """Return what reads files for all threads of the process."""
    from shared.runtime.file_reader import OF_THE_PROCESS  # noqa: PLC0415 -- the functions that sign do without

    return OF_THE_PROCESS


def new_vod_api(runtime: Runtime[DeliverySettings, Store]) -> VodApi:
    """Build a client of the server API at its first use: its import would slow every cold start."""
    from shared.vod_api import CALLS_PER_SECOND, CallBudget, VodApi  # noqa: PLC0415 -- see above

    settings, store = runtime.settings, runtime.store

    # VOD waits for the answer to its callback: without a call at once, the timer asks later.
    waits = not isinstance(settings, EventNotificationSettings)

    def take(action: str, foreign: bool) -> float:  # noqa: FBT001 -- the form of CallBudget.take
        most = settings.vod_calls_per_second
        per_second = min(most, CALLS_PER_SECOND.get(action, most))
        return store.take_call(action, per_second=per_second, foreign=foreign, waits=waits)

    return VodApi(settings, budget=CallBudget(take, wait if waits else None), files=_file_reader())


def told_by_platform(context: object) -> dict[str, str]:
    """Return what the platform tells of the function that runs, empty texts for what it does not.

    It is in an invocation's context (doc 583/9210) and in the environment; which of them Python and
    CustomRuntime have is unverified.
    """
    return {name: told_by(context, name) or os.environ.get(at, "") for name, at in _TOLD_BY_PLATFORM.items()}


def now() -> float:
    """Return the time in Unix seconds."""
    return time.time()


def wait(seconds: float) -> None:
    """Sleep for `seconds`; not at all for a negative number."""
    time.sleep(max(0.0, seconds))


def start_worker(call: Callable[[], None]) -> None:
    """Start a call in a thread of its own."""
    in_daemon_thread(call)


def random_bits(bits: int) -> int:
    """Return a random number of `bits` bits from the system's cryptographic source."""
    return int.from_bytes(os.urandom(-(-bits // 8)), "big") >> -bits % 8


def new_lease() -> str:
    """Return a random lease: 16 hexadecimal digits."""
    return os.urandom(8).hex()
