"""Checks of memory and time-outs against what the code of each function does in an invocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.deploy.outcome import TIMER_PERIOD_SECONDS, WITH_TIMER
from local.deploy.serverless_file import functions_in, inputs_of
from shared.flows.deliver_events import ATTEMPT_SECONDS
from shared.runtime.bootstrap import HOLD_SECONDS
from shared.store.connection import CALL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MIN_MEMORY = 128
"""Megabytes: the interpreter with a function's modules takes about 50, and less memory is less processor."""
MIN_INIT_SECONDS = 5
"""A cold start takes half a second when all is well, and a private network adds its own."""
_BESIDES_THE_HOLD_SECONDS = 5
_STORE_CALLS = 3
_MARGIN_SECONDS = 2


def fit_faults(file: object, values: Mapping[str, str]) -> list[str]:
    """Return a sentence, without its full stop, for each memory or time-out that does not fit the code."""
    inputs = inputs_of(file)
    return [
        f"{name}: {fault}"
        for name, function in functions_in(file).items()
        for fault in _of_function(name, {**inputs, **function}, values)
    ]


def _of_function(name: str, function: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[str]:
    memory, timeout, start = (function.get(key) for key in ("memorySize", "timeout", "initTimeout"))
    if isinstance(memory, int) and memory < MIN_MEMORY:
        yield f"memorySize must be {MIN_MEMORY} or more for the code and its libraries"
    if isinstance(start, int) and start < MIN_INIT_SECONDS:
        yield f"initTimeout must be {MIN_INIT_SECONDS} or more, or a slow cold start is cut off"
    if not isinstance(timeout, int):
        return
    least = int(_STORE_CALLS * CALL_SECONDS) + 1
    if name in WITH_TIMER:
        least = int(ATTEMPT_SECONDS) + _MARGIN_SECONDS + 1
        if timeout >= TIMER_PERIOD_SECONDS:
            yield f"timeout must be below {TIMER_PERIOD_SECONDS}, so that a run ends before the next begins"
    elif name == "event_notification":
        least = int(_hold(values)) + _BESIDES_THE_HOLD_SECONDS + 1
    if timeout < least:
        reason = (
            "CALLBACK_HOLD_SECONDS and what comes before it" if name == "event_notification" else "its work"
        )
        yield f"timeout must be {least} or more for {reason}"


def _hold(values: Mapping[str, str]) -> float:
    try:
        return float(values.get("CALLBACK_HOLD_SECONDS") or HOLD_SECONDS)
    except ValueError:
        return HOLD_SECONDS  # a fault of the settings, and named as such
