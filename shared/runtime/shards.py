"""Share the work of a timer among several invocations of its function.

The invocation by the timer starts the others: asynchronous invocations of the same version of the same
function (SCF's API Invoke, InvocationType `Event`, doc 583/17243), each with the event

    {"Type": "Shard", "Shard": 2, "Shards": 4}

They run at the same time, each in an instance of its own, and none of them starts another.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import InvalidRequestError
from shared.runtime import bootstrap, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.config.settings import ShardSettings
    from shared.tencent_api import TencentApi

    Start = Callable[[dict[str, object]], str]
    """Starts an invocation with an event; returns an error's code, empty if it is started."""

SERVICE, VERSION = "scf", "2018-04-16"
START_SECONDS = 2.0
"""The longest that the start of one shard may take."""
MOST = 64
_TYPE = "Shard"


class Share(NamedTuple):
    """The shards, from 0, `of` so many whose work an invocation does; `figures` of those it has started."""

    shards: tuple[int, ...]
    of: int
    figures: dict[str, dict[str, int]]

    def has(self, number: int) -> bool:
        """Return whether a part of the work, such as a partition, falls to this invocation."""
        return number % self.of in self.shards


def share_of(event: object, *, count: int, start: Start, request_id: str) -> Share:
    """Return the share of an invocation.

    An invocation by the timer starts `count` - 1 others, and takes over the shards that cannot be started.

    Raises:
        InvalidRequestError: the event is that of a shard, and its numbers are not.

    """
    if isinstance(event, dict) and event.get("Type") == _TYPE:
        return _share_in(event)
    if count == 1:
        return Share((0,), 1, {})
    started = 1 + _start(count, start, request_id)
    figures = {"shards": {"started": started - 1, "failed": count - started}}
    return Share((0, *range(started, count)), count, figures)


def _share_in(event: dict[str, object]) -> Share:
    number, count = event.get("Shard"), event.get("Shards")
    if type(number) is int and type(count) is int and 0 <= number < count <= MOST:
        return Share((number,), count, {})
    raise InvalidRequestError("The event of a shard has no such number.")


def _start(count: int, start: Start, request_id: str) -> int:
    """Start the shards from 1 on until one fails; return how many were started."""
    for number in range(1, count):
        if code := start({"Type": _TYPE, "Shard": number, "Shards": count}):
            log.write("shards.notStarted", request_id=request_id, level="error", code=code, shard=number)
            return number - 1
    return count - 1


def starter(settings: ShardSettings, context: object) -> Start:
    """Return what starts an invocation of the function that `context` belongs to."""
    told = bootstrap.told_by_platform(context)

    @cache
    def scf_api() -> TencentApi:
        from shared.tencent_api import TencentApi  # noqa: PLC0415 -- most deployments have one shard

        return TencentApi(
            SERVICE,
            VERSION,
            url=settings.invoke_api_url,
            credentials=settings.api_credentials,
            region=told["tencentcloud_region"],
        )

    def start(event: dict[str, object]) -> str:
        from shared.tencent_api import TencentApiError  # noqa: PLC0415 -- as above

        invocation: dict[str, object] = {
            "FunctionName": told["function_name"],
            "Namespace": told["namespace"] or "default",
            # The version that runs: an alias might lead to another by now.
            "Qualifier": told["function_version"] or "$LATEST",
            "InvocationType": "Event",
            "ClientContext": json.dumps(event),
        }
        try:
            scf_api().call("Invoke", invocation, timeout_seconds=START_SECONDS)
        except TencentApiError as error:
            return error.code or "NoAnswer"
        return ""

    return start
