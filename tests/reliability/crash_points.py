"""The places where a worker can be killed or stopped: before and after every call that leaves the process.

A point is installed in the worker's own process only.
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
"""Every adapter through which a function leaves the process."""

PASSED_BY_NO_EVENT: Mapping[str, str] = {
    "Store.begin_upload": "issues a signature",
    "Store.renew_upload": "issues a signature",
    "Store.list_uploads": "is a caller's wish",
    "Store.cancel_upload": "is a caller's wish",
    "Store.key_of": "asks nobody",
    "Store.journal_call": "asks nobody",
    "Store.time": "asks for the time",
    "Store.add_applications": "is for uploads to other sub-applications",
    "Store.tailed_applications": "is for uploads to other sub-applications",
    "Store.due_enforcements": "is for files beyond their policies: test_limit_violations.py",
    "VodApi.forbid_media": "is for files beyond their policies: test_limit_violations.py",
    "VodApi.delete_media": "is for files beyond their policies: test_limit_violations.py",
    "Store.park": "keeps what is no event",
    "Store.backlog": "is for the log",
    "Store.endpoint_health": "is for the log",
    "Store.enable_endpoint": "is an operator's wish",
}


@dataclass(frozen=True)
class CrashPoint:
    """A place in a worker; the signal comes when it is passed for the `passing`-th time."""

    call: str
    side: Side
    passing: int
    signal: int


def public_calls() -> set[str]:
    """Return every public method of the adapters."""
    return {
        f"{owner}.{name}"
        for owner, adapter in ADAPTERS.items()
        for name in dir(adapter)
        if not name.startswith("_") and callable(getattr(adapter, name))
    }


def install(point: CrashPoint, places: Mapping[str, type]) -> None:
    """Install the point: this process sends itself the signal at the `passing`-th passing."""
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
