"""The warm path on one core, against a real Valkey: invocations a second, beside the least that they need.

The floor of a signature is one EVALSHA of the same script with the same arguments, PyJWT's verification of
the same token, and the signature's HMAC; of an event, its EVALSHA, reading its body, and its seal's HMAC. It
is measured twice: with redis-py, and with the client that the functions have, which is quicker.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import importlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import jwt
import redis

from local.stack.embedded_store import EmbeddedStore
from local.stack.instances import scf_context
from shared.redis.resp import RespClient
from tests.bench.invocations import Deployment
from tests.bench.series import keep, machine, percentile, quartiles
from tests.functions.deployment import JWT_SECRET, start_anew

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.redis.resp import Meanwhile

    Command = tuple[Any, ...]

ROUNDS, CALLS = 30, 100
LEAST_SHARE = 0.7
MOST_TIMES_MEDIAN = 3.0
FUNCTIONS = ("upload_signature", "event_notification")


class Warm:
    """One function, called repeatedly in this process."""

    def __init__(self, function: str, deployment: Deployment) -> None:
        """Deploy the function, and invoke it for the first time."""
        os.environ.update(deployment.variables(function))
        start_anew()
        self._name = function
        self._deployment = deployment
        self._handler = importlib.import_module(f"functions.{function}").main_handler
        self._context = scf_context(function, "warm", 30)
        # The first call connects, and has the store load the script.
        self.once(deployment.event(function))
        self.usual = self._answer_to(deployment.event(function))

    def events(self, count: int) -> list[Mapping[str, object]]:
        """Return so many invocations, made ahead of time."""
        return [self._deployment.event(self._name) for _ in range(count)]

    def once(self, event: Mapping[str, object]) -> None:
        """Invoke the function and check its result."""
        result = self._handler(event, self._context)
        if not self._deployment.is_right(self._name, result):
            raise AssertionError(str(result)[:300])

    def _answer_to(self, event: Mapping[str, object]) -> list[Any]:
        """Return the store's answers to one invocation."""
        answers: list[Any] = []
        ask = RespClient._exchange  # noqa: SLF001  # what goes over the wire is what counts

        def listen(client: RespClient, commands: Sequence[Command], *meanwhile: Meanwhile) -> list[Any]:
            answers[:] = ask(client, commands, *meanwhile)
            return list(answers)

        with mock.patch.object(RespClient, "_exchange", listen):
            self.once(event)
        return answers


def floor_of(
    function: str, event: Mapping[str, Any], call: Command, evalsha: Callable[..., object]
) -> Callable[[], object]:
    """Return a function that does the least that an invocation needs."""
    _, digest, count, *words = call
    if function == "upload_signature":
        token = event["headers"]["authorization"].partition(" ")[2]
        text = b"x" * 900

        def sign() -> None:
            jwt.decode(token, JWT_SECRET, algorithms=["HS256"])
            evalsha(digest, count, *words)
            base64.b64encode(hmac.digest(b"secret", text, hashlib.sha1) + text)

        return sign

    def ingest() -> None:
        hmac.digest(b"secret", event["body"].encode(), hashlib.sha256)
        json.loads(event["body"])
        evalsha(digest, count, *words)

    return ingest


def timed(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Measure each call, in seconds."""
    taken = []
    for call in calls:
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return taken


def compare(warm: Warm, function: str, redis_url: str) -> dict[str, list[float]]:
    """Measure the function and its floor alternately, on new events each time."""
    series: dict[str, list[float]] = {"function": [], "floor": [], "bare floor": []}
    client = RespClient(redis_url, timeout_seconds=5, call_seconds=10)
    clients: dict[str, Callable[..., object]] = {
        "floor": redis.Redis.from_url(redis_url, decode_responses=True, protocol=2).evalsha,
        "bare floor": lambda *words: client._exchange([("EVALSHA", *words)]),  # noqa: SLF001  # as above
    }
    for number in range(1 + ROUNDS):
        turns: dict[str, list[Callable[[], object]]] = {
            name: [floor_of(function, event, call, evalsha) for event, call in recorded(warm, function)]
            for name, evalsha in clients.items()
        }
        turns["function"] = [partial(warm.once, event) for event in warm.events(CALLS)]
        for name in sorted(turns, reverse=bool(number % 2)):
            taken = timed(turns[name])
            if number:
                series[name] += taken
    return series


def recorded(warm: Warm, function: str) -> list[tuple[Mapping[str, Any], Command]]:
    """Return new events, each with the one command that the function would send to the store.

    The command is not sent, so that the floor can send it first.
    """
    events = warm.events(CALLS)
    heard: list[Command] = []

    def note(_client: RespClient, commands: Sequence[Command], _meanwhile: Meanwhile) -> list[Any]:
        heard.extend(commands)
        return list(warm.usual)

    with mock.patch.object(RespClient, "_exchange", note):
        for event in events:
            warm.once(event)
    if [command[0] for command in heard] != ["EVALSHA"] * CALLS:
        message = f"{function} says {len(heard)} commands for {CALLS} invocations."
        raise AssertionError(message)
    return list(zip(events, heard, strict=True))


def measure() -> list[str]:
    """Measure, print the table, and return what misses its target."""
    faults: list[str] = []
    lines = [
        f"Warm, {ROUNDS} turns of {CALLS} calls, one core. {machine()}",
        "",
        "| | a second | ms, median (quartiles) | p99 | its floor | share of it | the same with our client |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    figures = {}
    with contextlib.ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        store = parts.enter_context(EmbeddedStore(folder))
        deployment = parts.enter_context(Deployment(store.url))
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:1])
        try:
            for function in FUNCTIONS:
                with contextlib.redirect_stdout(io.StringIO()):
                    warm = Warm(function, deployment)
                    series = compare(warm, function, store.url)
                figures[function] = series
                lines.append(row(function, series))
                faults += faults_in(function, series)
        finally:
            os.sched_setaffinity(0, cores)
    keep("warm", figures)
    sys.stdout.write("\n".join(lines) + "\n")
    return faults


def row(function: str, series: Mapping[str, Sequence[float]]) -> str:
    """Format one line of the table."""
    values, floor = series["function"], series["floor"]
    first, middle, third = (value * 1000 for value in quartiles(values))
    share, bare = statistics.median(floor) / middle * 1000, statistics.median(series["bare floor"]) * 1000
    return (
        f"| `{function}` | {1 / statistics.median(values):,.0f} | {middle:.2f} ({first:.2f} to {third:.2f}) "
        f"| {percentile(values, 0.99) * 1000:.2f} | {statistics.median(floor) * 1000:.2f} | {share:.0%} "
        f"| {bare:.2f}, {bare / middle:.0%} |"
    )


def faults_in(function: str, series: Mapping[str, Sequence[float]]) -> list[str]:
    """Return a sentence for each target that is missed."""
    values = series["function"]
    faults = []
    share = statistics.median(series["floor"]) / statistics.median(values)
    if share < LEAST_SHARE:
        faults.append(f"{function} makes {share:.0%} of its floor, not {LEAST_SHARE:.0%}.")
    times = percentile(values, 0.99) / statistics.median(values)
    if times > MOST_TIMES_MEDIAN:
        faults.append(f"{function}: p99 is {times:.1f} times the median, not {MOST_TIMES_MEDIAN:.0f}.")
    return faults
