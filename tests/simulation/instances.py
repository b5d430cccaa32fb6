"""The platform: instances of the functions, each with its own process state and clock, killed at any call."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from shared import deadline, vod_api
from shared.http import outbound
from shared.runtime import bootstrap, log
from shared.store import resp
from tests.simulation.scheduler import Killed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shared.config.settings import VodApiSettings
    from tests.simulation.app_model import App
    from tests.simulation.scheduler import Scheduler, Task
    from tests.simulation.store_faults import StoreNetwork
    from tests.simulation.vod_model import Vod

TIME_LIMITS = {
    "upload_signature": 10,
    "upload_status": 10,
    "event_notification": 15,
    "reliable_notification": 55,
    "event_delivery": 55,
}
"""Seconds after which the platform ends an invocation."""
SKEWS = ((0.80, 2.0), (0.12, 200.0), (0.08, 3600.0))
"""How many instances have a clock that is off by up to so many seconds."""
GOOD_CLOCK_SECONDS = 2.0
LIFE_SECONDS = 6 * 3600
"""How long an instance lives at most, whatever its clock says."""


@dataclass
class Instance:
    """One process of a function."""

    function: str
    skew: float
    ends_at: float
    runtime: Any
    vod_api: vod_api.VodApi | None = None
    clock_ahead: float = 0.0
    is_busy: bool = False
    is_dead: bool = False


@dataclass
class Platform:
    """Runs `main_handler` of the functions in instances, as many as are needed at the same time."""

    scheduler: Scheduler
    count_fault: Callable[[str], None]
    kill_rate: float = 0.0
    kills: int = 0
    skews_clocks: bool = True
    calls: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare its random numbers."""
        self.random = self.scheduler.random_of("platform")
        self.secrets = self.scheduler.random_of("secrets")
        self._kills = self.scheduler.random_of("kills")
        self._instances: list[Instance] = []
        self._numbers = 0

    def invoke(
        self, function: str, event: Mapping[str, Any], on_end: Callable[[dict[str, Any] | None], None]
    ) -> None:
        """Start an invocation; `on_end` gets its result, or None if the instance was killed."""
        instance = self._instance_for(function)
        instance.is_busy = True
        self._numbers += 1
        self.calls[function] = self.calls.get(function, 0) + 1
        limit = TIME_LIMITS[function]
        context = {"request_id": f"request-{self._numbers}", "time_limit_in_ms": limit * 1000}
        handler = import_module(f"functions.{function}").main_handler

        def work() -> None:
            result = None
            try:
                result = handler(event, context)
            finally:
                instance.is_busy = False
                # Whoever waits for the answer hears of it in a step of its own.
                self.scheduler.at(self.scheduler.now, lambda: on_end(result))

        task = self.scheduler.spawn(f"{function} {self._numbers}", work, owner=instance)
        self.scheduler.after(limit, lambda: None if task.has_ended else self._kill(task, "time limit"))

    def may_be_killed(self) -> None:
        """Kill the instance that makes this call, sometimes.

        Raises:
            Killed: it was killed now, or before.

        """
        task = self.scheduler.current
        assert task is not None
        if task.is_killed:
            raise Killed
        if self._kills.random() < self.kill_rate:
            self._bury(task, "kill")
            task.is_killed = True
            raise Killed

    def calm(self) -> None:
        """Keep the instances whose clocks are right, and make no others from here on."""
        self.skews_clocks = False
        for instance in self._instances:
            instance.is_dead = instance.is_dead or abs(instance.skew) > GOOD_CLOCK_SECONDS
            instance.ends_at = float("inf")

    def now(self) -> float:
        """Return the time as the instance that asks sees it."""
        task = self.scheduler.current
        owner = task.owner if task else None
        return self.scheduler.now + (owner.skew if isinstance(owner, Instance) else 0.0)

    def current(self) -> Instance:
        """Return the instance that is at work."""
        task = self.scheduler.current
        assert task is not None
        assert isinstance(task.owner, Instance)
        return task.owner

    def _kill(self, task: Task, why: str) -> None:
        self._bury(task, why)
        task.kill()

    def _bury(self, task: Task, why: str) -> None:
        assert isinstance(task.owner, Instance)
        task.owner.is_dead = True
        self.kills += 1
        self.count_fault(why)

    def _instance_for(self, function: str) -> Instance:
        now = self.scheduler.now
        self._instances = [
            instance for instance in self._instances if not instance.is_dead and now < instance.ends_at
        ]
        idle = [it for it in self._instances if it.function == function and not it.is_busy]
        if idle and self.random.random() > 0.01:
            return self.random.choice(idle)
        instance = Instance(
            function, self._skew(), now + self.random.random() * LIFE_SECONDS, _fresh(function)
        )
        self._instances.append(instance)
        return instance

    def _skew(self) -> float:
        if not self.skews_clocks:
            return 0.0
        shares, bounds = zip(*SKEWS, strict=True)
        bound = self.random.choices(bounds, shares)[0]
        return self.random.uniform(-bound, bound)

    @contextlib.contextmanager
    def in_charge(
        self, environment: Mapping[str, str], network: StoreNetwork, app: App, vod: Vod
    ) -> Iterator[None]:
        """Patch virtual time, seeded randomness and the models of the world into the functions."""
        with contextlib.ExitStack() as stack:
            patch = stack.enter_context
            patch(mock.patch.dict(os.environ, environment))
            for function in TIME_LIMITS:
                patch(mock.patch.object(bootstrap, function, self._runtime))
            patch(mock.patch.object(bootstrap, "now", self.now))
            patch(mock.patch.object(bootstrap, "wait", self.scheduler.sleep))
            patch(mock.patch.object(bootstrap, "random_bits", self.secrets.getrandbits))
            patch(mock.patch.object(bootstrap, "new_lease", self._new_lease))
            patch(mock.patch.object(bootstrap, "vod_api", self._vod_api))
            patch(mock.patch.object(vod_api, "CommonClient", vod.client))
            patch(mock.patch.object(vod_api, "VodClock", InstanceClock(self)))
            patch(mock.patch.object(vod_api, "time", SimpleNamespace(time=self.now)))
            # What a process keeps for its life is of this deployment, and of no later one.
            for kept in (bootstrap.callback_settings, bootstrap._deliverer_of):  # noqa: SLF001 -- as above
                kept.cache_clear()
                stack.callback(kept.cache_clear)
            patch(mock.patch.object(resp, "connect", network.connect))
            patch(mock.patch.object(outbound, "connect", app.connect))
            patch(mock.patch.object(log, "write", self._log))
            # Nothing is encrypted here, and a context takes 60 ms.
            context = ssl.create_default_context()
            patch(mock.patch.object(ssl, "create_default_context", return_value=context))
            # The clock of deadlines and of idle connections is a default argument.
            patch(mock.patch.object(deadline.Deadline.__init__, "__defaults__", (self.scheduler.monotonic,)))
            keywords = {"clock": self.scheduler.monotonic}
            patch(mock.patch.object(resp.RespClient.__init__, "__kwdefaults__", keywords))
            yield

    def _runtime(self) -> Any:  # noqa: ANN401 -- each function has settings and a store of its own
        return self.current().runtime()

    def _new_lease(self) -> str:
        return f"{self.secrets.getrandbits(96):024x}"

    def _vod_api(self, settings: VodApiSettings) -> vod_api.VodApi:
        instance = self.current()
        if instance.vod_api is None:
            # Its calls run in the task that makes them, and end by themselves.
            instance.vod_api = vod_api.VodApi(settings, start=lambda function: function())
        return instance.vod_api

    def _log(self, event: str, *, request_id: str, level: str = "info", **fields: object) -> None:
        del request_id
        if level == "error":
            self.scheduler.trace(
                f"log {event} {fields.get('code', '')} {fields.get('detail', '')} {fields.get('trace', '')}"
            )


class InstanceClock:
    """What `shared.vod_api.VodClock` keeps for a process, kept for each instance."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    @property
    def ahead(self) -> float:
        """By how many seconds the clock is ahead, as VOD said."""
        return self._platform.current().clock_ahead

    @ahead.setter
    def ahead(self, seconds: float) -> None:
        self._platform.current().clock_ahead = seconds


def _fresh(function: str) -> Any:  # noqa: ANN401 -- each function has settings and a store of its own
    deployed = _DEPLOYED[function]
    return bootstrap.Function(deployed._settings, deployed._store)  # noqa: SLF001 -- a process of its own has it anew


_DEPLOYED = {function: getattr(bootstrap, function) for function in TIME_LIMITS}


def http_event(
    method: str, path: str, *, body: str = "", headers: Mapping[str, str] | None = None, address: str
) -> dict[str, Any]:
    """Return an HTTP request as a function URL hands it over."""
    return {
        "httpMethod": method,
        "path": path,
        "queryString": {},
        "headers": {"x-scf-remote-addr": address, **(headers or {})},
        "body": body,
        "requestContext": {"sourceIp": address},
    }


def status_of(result: Mapping[str, Any] | None) -> int:
    """Return the HTTP status of an invocation's result; 502 if the instance was killed."""
    return 502 if result is None else int(result["statusCode"])


def json_of(result: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the JSON object that was answered; an empty one for anything else."""
    try:
        answer = json.loads(result["body"]) if result else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
