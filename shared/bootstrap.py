"""Where the outside begins: the only reader of environment, clock and randomness.

It builds what a function needs once per process, and wraps each handler so that every answer is a
proper one; what a function does is left to `functions/`.
"""

from __future__ import annotations

import os
import secrets
import time
import traceback
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from shared import log
from shared.errors import ServiceError
from shared.http_message import (
    INTERNAL,
    Request,
    Response,
    allow_methods,
    parse_request,
    preflight_response,
    problem_response,
    to_scf_response,
    with_common_headers,
)
from shared.settings import (
    EventNotificationSettings,
    StoreSettings,
    UploadSignatureSettings,
    UploadStatusSettings,
    load_settings,
)
from shared.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.app_webhook import AppWebhook
    from shared.vod_api import VodApi

_Settings = TypeVar("_Settings", bound=StoreSettings)


@dataclass(frozen=True)
class Runtime(Generic[_Settings]):
    """What an HTTP function works with for as long as its process lives."""

    settings: _Settings
    store: Store


@lru_cache(maxsize=1)
def upload_signature() -> Runtime[UploadSignatureSettings]:
    """Build what `functions/upload_signature.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    return _runtime(UploadSignatureSettings)


@lru_cache(maxsize=1)
def upload_status() -> Runtime[UploadStatusSettings]:
    """Build what `functions/upload_status.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    return _runtime(UploadStatusSettings)


@lru_cache(maxsize=1)
def event_notification() -> Runtime[EventNotificationSettings]:
    """Build what `functions/event_notification.py` works with.

    Raises:
        ConfigurationError: naming every setting that is missing or invalid.

    """
    return _runtime(EventNotificationSettings)


@lru_cache(maxsize=1)
def vod_api() -> VodApi:
    """Build the client of the server API at its first use: its import would slow every cold start."""
    from shared.vod_api import VodApi  # noqa: PLC0415 -- see above

    return VodApi(event_notification().settings)


@lru_cache(maxsize=1)
def app_webhook() -> AppWebhook | None:
    """Build the sender of webhooks at its first use; None if no webhook is set up."""
    from shared.app_webhook import AppWebhook  # noqa: PLC0415 -- not needed by a duplicate

    settings = event_notification().settings
    return AppWebhook(settings) if settings.app_webhook_url is not None else None


def now() -> float:
    """Tell the time in Unix seconds."""
    return time.time()


def wait(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)


def random_bits(bits: int) -> int:
    """Draw a number of so many bits from the system's cryptographic source."""
    return secrets.randbits(bits)


def answer(
    event: object,
    context: object,
    *,
    methods: tuple[str, ...],
    respond: Callable[[Request], Response],
    origins: Callable[[], tuple[str, ...]] = tuple,
) -> dict[str, object]:
    """Answer one HTTP invocation; whatever goes wrong, no traceback leaves the function.

    `origins` tells which origins' pages may call: none, for a function that no browser has to do with.
    """
    request_id = _request_id(context)
    request = Request("", "", {}, {}, b"", "", request_id)
    allowed_origins: tuple[str, ...] = ()
    try:
        request = parse_request(event, request_id=request_id)
        allowed_origins = origins()
        if request.method == "OPTIONS":
            response = preflight_response(request, methods=methods, allowed_origins=allowed_origins)
        else:
            allow_methods(request, *methods)
            response = respond(request)
    except ServiceError as error:
        response = problem_response(error, request_id=request_id)
        level = "error" if error.status >= INTERNAL else "info"
        log.write(
            "request.refused", request_id=request_id, level=level, status=error.status, detail=error.detail
        )
    except Exception as error:  # noqa: BLE001 -- the last line of defence: a defect must not leak
        response = problem_response(ServiceError("unexpected"), request_id=request_id)
        log.write("request.failed", request_id=request_id, level="error", trace=_trace(error))
    return to_scf_response(with_common_headers(response, request, allowed_origins=allowed_origins))


def _runtime(kind: type[_Settings]) -> Runtime[_Settings]:
    settings = load_settings(kind, os.environ)
    store = Store(settings.redis_url, stage=settings.stage, retention_seconds=settings.retention_seconds)
    return Runtime(settings, store)


def _request_id(context: object) -> str:
    """Read the platform's id of this invocation: `context` is a dict (scf-platform 1.6, unverified)."""
    given = context.get("request_id") if isinstance(context, dict) else getattr(context, "request_id", None)
    return given if isinstance(given, str) and given else str(uuid.uuid4())


def _trace(error: Exception) -> list[str]:
    """Where it happened, without the message: that could quote what the caller sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{type(error).__name__}", *(f"{frame.name}:{frame.lineno}" for frame in frames[-8:])]
