"""Where the outside begins: the only reader of environment, clock and randomness.

It builds what a function works with, once per process; what the function does with it is left to
`functions/`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.config.settings import (
    EventDeliverySettings,
    EventNotificationSettings,
    ReliableNotificationSettings,
    StoreSettings,
    UploadSignatureSettings,
    UploadStatusSettings,
    load_settings,
)
from shared.store.connection import StoreConnection, StoreScope

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.config.settings import VodApiSettings, WebhookSettings
    from shared.flows.deliver_events import Deliverer
    from shared.http.webhook import AppWebhook
    from shared.store.journal import Store
    from shared.store.uploads import UploadStore
    from shared.vod_api import VodApi

_Settings = TypeVar("_Settings", bound=StoreSettings)
_Settings_co = TypeVar("_Settings_co", bound=StoreSettings, covariant=True)
_Store = TypeVar("_Store", bound=StoreConnection)
_Store_co = TypeVar("_Store_co", bound=StoreConnection, covariant=True)
_RANDOM_STEPS = 1 << 53


@dataclass(frozen=True, eq=False)
class Runtime(Generic[_Settings_co, _Store_co]):
    """What a function works with for as long as its process lives; each is equal to itself alone."""

    settings: _Settings_co
    store: _Store_co


@lru_cache(maxsize=1)
def upload_signature() -> Runtime[UploadSignatureSettings, UploadStore]:
    """Build what `functions/upload_signature.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    from shared.store.uploads import UploadStore  # noqa: PLC0415 -- the other functions have a whole store

    return _runtime(UploadSignatureSettings, UploadStore)


@lru_cache(maxsize=1)
def upload_status() -> Runtime[UploadStatusSettings, UploadStore]:
    """Build what `functions/upload_status.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    from shared.store.uploads import UploadStore  # noqa: PLC0415 -- as above

    return _runtime(UploadStatusSettings, UploadStore)


@lru_cache(maxsize=1)
def event_notification() -> Runtime[EventNotificationSettings, Store]:
    """Build what `functions/event_notification.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    from shared.store.journal import Store  # noqa: PLC0415 -- half of it would slow the start of a signature

    return _runtime(EventNotificationSettings, Store)


@lru_cache(maxsize=1)
def reliable_notification() -> Runtime[ReliableNotificationSettings, Store]:
    """Build what `functions/reliable_notification.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    from shared.store.journal import Store  # noqa: PLC0415 -- half of it would slow the start of a signature

    return _runtime(ReliableNotificationSettings, Store)


@lru_cache(maxsize=1)
def event_delivery() -> Runtime[EventDeliverySettings, Store]:
    """Build what `functions/event_delivery.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    from shared.store.journal import Store  # noqa: PLC0415 -- half of it would slow the start of a signature

    return _runtime(EventDeliverySettings, Store)


def deliverer(runtime: Runtime[EventDeliverySettings, Store], *, deadline: float) -> Deliverer:
    """Build what one invocation delivers with, until `deadline` (Unix seconds)."""
    return _deliverer_of(runtime)(deadline=deadline)


@lru_cache(maxsize=1)
def _deliverer_of(runtime: Runtime[EventDeliverySettings, Store]) -> Callable[..., Deliverer]:
    """Prepare all of a courier but its deadline, once."""
    from shared.flows.deliver_events import Deliverer  # noqa: PLC0415 -- the functions that issue signatures do without
    from shared.flows.ingest_event import Ingester  # noqa: PLC0415 -- as above

    settings = runtime.settings
    return partial(
        Deliverer,
        ingester=Ingester(runtime.store, settings),
        read_back=lambda: vod_api(settings),
        webhook=_app_webhook(settings) if settings.app_webhook_url is not None else None,
        clock=now,
        jitter=lambda: random_bits(53) / _RANDOM_STEPS,
        wait=wait,
        new_lease=new_lease,
    )


def _app_webhook(settings: WebhookSettings) -> AppWebhook:
    from shared.http.webhook import AppWebhook  # noqa: PLC0415 -- not every deployment has one

    return AppWebhook(settings)


@lru_cache(maxsize=1)
def vod_api(settings: VodApiSettings) -> VodApi:
    """Build the client of the server API at its first use: its import would slow every cold start."""
    from shared.vod_api import VodApi  # noqa: PLC0415 -- see above

    return VodApi(settings)


def now() -> float:
    """Tell the time in Unix seconds."""
    return time.time()


def wait(seconds: float) -> None:
    """Let time pass."""
    time.sleep(max(0.0, seconds))


def random_bits(bits: int) -> int:
    """Draw a number of so many bits from the system's cryptographic source."""
    return int.from_bytes(os.urandom(-(-bits // 8)), "big") >> -bits % 8


def new_lease() -> str:
    """Draw the text by which the holder of an event is known."""
    return os.urandom(12).hex()


def _runtime(kind: type[_Settings], store: type[_Store]) -> Runtime[_Settings, _Store]:
    settings = load_settings(kind, os.environ)
    scope = StoreScope(settings.stage, settings.retention_seconds)
    return Runtime(settings, store(settings.redis_url, scope))
