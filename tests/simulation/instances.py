"""The platform: instances of the functions, each with its own process state and clock, killed at any call."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from shared.runtime import bootstrap
from tests.simulation.scheduler import Killed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.vod_api import VodApi
    from tests.simulation.scheduler import Scheduler, Task

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
    vod_api: VodApi | None = None
    clock_ahead: float = 0.0
    clock_refusals: int = 0
    is_busy: bool = False
    is_dead: bool = False
    tasks: list[Task] = field(default_factory=list)
    """What runs in it: the invocation, and the workers that it has begun."""


@dataclass
class Platform:
    """Runs `main_handler` of the functions in instances, as many as are needed at the same time."""

    scheduler: Scheduler
    count_fault: Callable[[str], None]
    on_time_limit: Callable[[str], None]
    kill_rate: float = 0.0
    kill_is_due: bool = False
    """The next call is killed, whatever the rate."""
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
    ) -> Instance:
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
        instance.tasks = [*(it for it in instance.tasks if not it.has_ended), task]
        self.scheduler.after(limit, lambda: None if task.has_ended else self._end(task))
        return instance

    def spawn_worker(self, call: Callable[[], object]) -> None:
        """Start a task in the instance that is at work; it is killed with it."""
        instance = self.current()
        number = len(instance.tasks)
        instance.tasks.append(
            self.scheduler.spawn(f"{instance.function} worker {number}", call, owner=instance)
        )

    def may_be_killed(self) -> None:
        """Kill the instance that makes this call, sometimes.

        Raises:
            Killed: it was killed now, or before.

        """
        task = self.scheduler.current
        assert task is not None
        if task.is_killed:
            raise Killed
        if self._kills.random() < self.kill_rate or self.kill_is_due:
            self.kill_is_due = False
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

    def _end(self, task: Task) -> None:
        self._bury(task, "time limit")
        task.kill()
        self.on_time_limit(task.name)

    def _bury(self, task: Task, why: str) -> None:
        assert isinstance(task.owner, Instance)
        task.owner.is_dead = True
        for other in task.owner.tasks:
            if other is not task and not other.has_ended:
                other.is_killed = True
                self.scheduler.at(self.scheduler.now, other.kill)
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
