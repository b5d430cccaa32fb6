"""The places where a worker can end or stop: before and after every call that leaves the process.

A point is installed in the worker's own process only; which of them a test uses is left to the tests.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.http.webhook import AppWebhook
from shared.store.journal import Store
from shared.vod_api import VodApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Side = Literal["before", "after"]

ADAPTERS: Mapping[str, type] = {"Store": Store, "VodApi": VodApi, "AppWebhook": AppWebhook}
"""All that a function talks to."""

PASSED_BY_NO_EVENT: Mapping[str, str] = {
    "Store.begin_upload": "issues a signature",
    "Store.renew_upload": "issues a signature",
    "Store.cancel_upload": "is a caller's wish",
    "Store.key_of": "asks nobody",
    "Store.backlog": "is for the log",
    "Store.endpoint_health": "is for the log",
    "Store.enable_endpoint": "is an operator's wish",
}


@dataclass(frozen=True)
class CrashPoint:
    """A place in a worker: the signal comes at the `passing`-th time that it gets there."""

    call: str
    side: Side
    passing: int
    signal: int


def public_calls() -> set[str]:
    """Name every public method of what a function talks to."""
    return {
        f"{owner}.{name}"
        for owner, adapter in ADAPTERS.items()
        for name in dir(adapter)
        if not name.startswith("_") and callable(getattr(adapter, name))
    }


def install(point: CrashPoint, places: Mapping[str, type]) -> None:
    """Have this process send itself the point's signal when it gets there for the `passing`-th time."""
    owner, name = point.call.split(".")
    call: Callable[..., object] = getattr(places[owner], name)
    left = point.passing

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), point.signal)

    @functools.wraps(call)
    def watched(*arguments: object, **options: object) -> object:
        if point.side == "before":
            pass_by()
        result = call(*arguments, **options)
        if point.side == "after":
            pass_by()
        return result

    setattr(places[owner], name, watched)
