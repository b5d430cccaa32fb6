"""One run: the world of a seed, its weather, and the quiet period after it."""

from __future__ import annotations

import base64
import gc
import json
import tempfile
from collections import Counter
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from local.operator.event_store import EventQuery, OperatorStore
from shared.domain.event_status import EventStatus
from shared.store.connection import StoreScope
from tests.simulation.deployment import CALLBACK_TOKEN, Deployment, settings_of
from tests.simulation.endpoints import Endpoints
from tests.simulation.features import CLASSES, FEATURES
from tests.simulation.instances import Platform, http_event, status_of
from tests.simulation.integrity import IntegrityRules
from tests.simulation.invariants import NOT_YET, Invariants
from tests.simulation.limits import LimitRules
from tests.simulation.outcome import Outcome
from tests.simulation.quiet_rules import PROMPT_SECONDS, UNDELAYED_SECONDS, QuietRules
from tests.simulation.rejections import RejectionRules
from tests.simulation.scheduler import Scheduler
from tests.simulation.store_faults import StoreNetwork
from tests.simulation.tokens import AUDIENCES
from tests.simulation.users import Users
from tests.simulation.virtual_store import VirtualStore
from tests.simulation.vod_api_model import VodApiModel
from tests.simulation.vod_model import Vod
from tests.simulation.weather import DAY, HOUR, calm, fail_over, plan_weather

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

START = 1_795_000_000
UPLOADS_PER_DAY = 85
BODIES_READ = 0.05
"""How many bodies a gateway hands over as the JSON value that they are."""
WAITING = 40
"""So many events wait for an endpoint that is dead."""
QUIET_SECONDS = 36 * HOUR
"""Longer than a session, and than the longest pause between two attempts."""


class World:
    """Everything there is in a simulation."""

    def __init__(
        self, seed: int, folder: Path, *, not_yet: frozenset[str], features: Collection[str]
    ) -> None:
        self.scheduler = scheduler = Scheduler(seed, start=START + (seed % 24) * HOUR)
        self.faults: Counter[str] = Counter()
        self.is_calm = self.is_probed = False
        self.active_steps = 0
        self.random = scheduler.random_of("world")
        self.features = features
        self.delete_grace_seconds = scheduler.random_of("settings").choice((0, 7200))
        self.invariants = Invariants(self, not_yet=not_yet)
        self.limits = LimitRules(self)
        self.quiet_rules = QuietRules(self)
        self.rejections = RejectionRules(self)
        self.integrity = IntegrityRules(self)
        self.platform = Platform(scheduler, self.count_fault, self.invariants.on_time_limit)
        may_be_killed = self.platform.may_be_killed
        self.store = VirtualStore(folder, scheduler)
        self.network = StoreNetwork(self.store, scheduler, self.count_fault, may_be_killed)
        self.endpoints = Endpoints(self)
        self.vod = Vod(scheduler, self.count_fault, self.post, self.invariants.on_answer)
        self.vod.has_archive = CLASSES in features
        self.api = VodApiModel(
            self.vod,
            self.platform,
            self.count_fault,
            self.invariants.on_wrong_clock,
            self.rejections.on_action,
        )
        self.vod.mode = self.random.choice(("PUSH", "PUSH", "PULL"))
        self.endpoints.apps[0].always_sends_interim = self.random.random() < 0.3
        self.audiences = self.random.choice(((), AUDIENCES))
        self.gateway = scheduler.random_of("gateway")
        self.users = Users(self)
        self.tick_seconds = self.random.choice((290.0, 310.0))

    def count_fault(self, kind: str) -> None:
        """Count a fault that was injected."""
        self.faults[kind] += 1
        self.scheduler.trace(f"fault {kind}")

    def post(self, body: bytes, on_answer: Callable[[int | None], None]) -> None:
        """Post a body to the callback URL."""
        try:
            event = http_event("POST", f"/{CALLBACK_TOKEN}", body=body.decode(), address="198.51.100.9")
        except UnicodeDecodeError:
            text = base64.b64encode(body).decode()
            event = http_event("POST", f"/{CALLBACK_TOKEN}", body=text, address="198.51.100.9")
            event["isBase64Encoded"] = True
        if self.gateway.random() < BODIES_READ:
            with suppress(ValueError, RecursionError):
                event["body"] = json.loads(body)
        self.platform.invoke(
            "event_notification",
            event,
            lambda result: on_answer(None if result is None else status_of(result)),
        )

    # Timers.

    def plan_ticks(self) -> None:
        """Let the platform call the functions that have a timer."""
        functions = ["event_delivery", "reliable_notification"]
        for number, function in enumerate(functions):
            self.scheduler.after(30.0 * (1 + number), partial(self._tick, function))

    def _tick(self, function: str) -> None:
        if function == "event_delivery" or self.vod.mode == "PULL":
            self.platform.invoke(function, {"Type": "Timer"}, lambda _result: None)
        seconds = self.tick_seconds
        if self.is_calm:
            seconds = 30.0 if self.is_probed else 600.0
        self.scheduler.after(seconds, lambda: self._tick(function))

    # One run.

    def run(self, days: float, most_steps: int | None) -> None:
        """Run the days of bad weather, at most so many steps, and the quiet period."""
        scheduler = self.scheduler
        until = scheduler.now + days * DAY
        with redis.Redis.from_url(self.store.url, decode_responses=True) as store:
            store.config_set("appendonly", "no", "hz", 1)
            plan_weather(self, until)
            self.plan_ticks()
            self.users.begin_all(int(UPLOADS_PER_DAY * days), until)
            self._check_hourly(store)
            scheduler.run(until, most_steps=most_steps)
            self.active_steps = scheduler.steps
            if scheduler.is_halted:
                return
            calm(self)
            scheduler.after(600, partial(scheduler.spawn, "operator", self._operate))
            scheduler.after(4 * HOUR - 900, partial(self._tick_often, often=True))
            scheduler.after(4 * HOUR, self._let_one_endpoint_die)
            scheduler.after(5 * HOUR, partial(fail_over, self))
            scheduler.after(5 * HOUR, partial(self._probe, "prompt-when-quiet", PROMPT_SECONDS))
            scheduler.after(5 * HOUR + PROMPT_SECONDS, partial(self._tick_often, often=False))
            scheduler.run(scheduler.now + QUIET_SECONDS)
            scheduler.spawn("owners", self._ask_for_states)
            scheduler.run(scheduler.now + HOUR)
            if not scheduler.is_halted:
                self.store.show_now()
                self.quiet_rules.check_keys(store)
                self.quiet_rules.check_end(store)

    def _check_hourly(self, store: redis.Redis) -> None:
        self.store.show_now()
        self.quiet_rules.check_keys(store)
        self.scheduler.after(2 * HOUR, lambda: self._check_hourly(store))

    def _operate(self) -> None:
        """Enable the endpoint and revive what was given up, as an operator does after an outage."""
        operator = OperatorStore(self.store.url, StoreScope("sim", 604_800))
        for url in self.endpoints.urls:
            operator.enable_endpoint(url)
        for event in list(operator.find(EventQuery(EventStatus.DEAD))):
            operator.revive(event.at, now=int(self.scheduler.now))

    def _let_one_endpoint_die(self) -> None:
        """Upload more than the runs for a dead endpoint can try at a time, and a minute later what is probed.

        VOD shows each file at once: what is not shown yet is asked about again five minutes later.
        """
        self.endpoints.let_one_die()
        self.vod.weather.shown_after = (0.0,)
        for number in range(WAITING):
            self._upload_in_the_quiet(f"waiting-{number}")
        probe = partial(self._probe, "dead-endpoint-delays-nobody", UNDELAYED_SECONDS)
        self.scheduler.after(60, probe)
        self.scheduler.after(HOUR / 2, partial(calm, self))

    def _probe(self, rule: str, within: float) -> None:
        """Upload in the quiet, and see how long an endpoint that lives waits for it."""
        for number in range(6):
            self._upload_in_the_quiet(
                f"probe-{number}", partial(self.quiet_rules.check_probe, within=within, rule=rule)
            )

    def _upload_in_the_quiet(self, user: str, check: Callable[..., None] | None = None) -> None:
        def upload() -> None:
            _, signature = self.users.sign(user)
            file = self.vod.take(signature, 1000)
            if check:
                self.scheduler.after(PROMPT_SECONDS, lambda: check(file))

        self.scheduler.spawn(user, upload)

    def _tick_often(self, *, often: bool) -> None:
        """Call the timers so often that no connection of theirs is idle for long enough to be closed."""
        self.is_probed = often

    def _ask_for_states(self) -> None:
        for upload in list(self.users.uploads.values()):
            path = f"/uploads/{upload.upload_id}"
            status, answer = self.users.request("upload_status", "GET", path, upload.user)
            self.quiet_rules.check_state(upload, status, answer)


def simulate(
    seed: int,
    *,
    days: float = 2.0,
    most_steps: int | None = None,
    not_yet: frozenset[str] = NOT_YET,
    features: Collection[str] = FEATURES,
) -> Outcome:
    """Run one seed, with these of FEATURES."""
    # What is loaded outlives the run, and is a third of what the collector would look through each time.
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        world = World(seed, Path(folder), not_yet=not_yet, features=features)
        with (
            world.store,
            closing(world.network),
            Deployment(world.platform, world.network, world.endpoints, world.api).in_charge(
                settings_of(world)
            ),
        ):
            world.run(days, most_steps)
        return Outcome(
            seed,
            world.scheduler.steps,
            world.active_steps,
            world.scheduler.digest,
            len(world.users.uploads),
            len(world.vod.files),
            world.faults,
            world.platform.kills,
            world.platform.calls,
            world.invariants.violation,
            world.scheduler.last_lines,
        )
