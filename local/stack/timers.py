"""Fire the timer triggers, with a shorter period than the deployed minute."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from typing import TYPE_CHECKING

from local.stack.instances import FunctionFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.stack.instances import Instances

_log = logging.getLogger(__name__)


async def run_timers(instances: Instances, functions: Sequence[str], period_seconds: float) -> None:
    """Fire each function's timer every `period_seconds` until cancelled; a running invocation is awaited."""
    await asyncio.gather(*(_run_timer(instances, name, period_seconds) for name in functions))


def timer_event(function: str) -> dict[str, object]:
    """Build the event of a timer trigger (doc 583/31439)."""
    now = dt.datetime.now(tz=dt.timezone.utc)
    return {
        "Type": "Timer",
        "TriggerName": function,
        "Time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Message": "",
    }


async def _run_timer(instances: Instances, function: str, period_seconds: float) -> None:
    while True:
        await asyncio.sleep(period_seconds)
        try:
            await instances.invoke(function, timer_event(function))
        except FunctionFailedError as error:
            _log.error("The timer of %s failed: %s", function, error)
