"""One run: the world of a seed, its weather, and the quiet period after it."""

from __future__ import annotations

import base64
import json
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from local.operator.event_store import EventQuery, OperatorStore
from shared.domain.event_status import EventStatus
from shared.store.connection import StoreScope
from tests.simulation import app_model
from tests.simulation.app_model import App, AppWeather
from tests.simulation.instances import Platform, http_event, status_of
from tests.simulation.invariants import NOT_YET, PROMPT_SECONDS, SIGNATURES_PER_UPLOAD, Invariants, Violation
from tests.simulation.scheduler import Scheduler
from tests.simulation.store_faults import StoreNetwork, StoreWeather
from tests.simulation.users import JWT_SECRET, POLICIES, Users
from tests.simulation.virtual_store import VirtualStore
from tests.simulation.vod_model import SECRET_ID, SECRET_KEY, Vod, VodWeather

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_795_000_000
CALLBACK_TOKEN = "the-callback-token-of-a-simulation-0001"
HOUR, DAY = 3600.0, 86_400.0
UPLOADS_PER_DAY = 55
LEAST_A_DAY = (100, 250, 1.5)
"""Uploads, faults and kills."""
QUIET_SECONDS = 36 * HOUR
"""Longer than a session, and than the longest pause between two attempts."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    seed: int
    steps: int
    active_steps: int
    digest: str
    uploads: int
    files: int
    faults: Counter[str]
    kills: int
    calls: dict[str, int]
    violation: Violation | None
    last_lines: list[str]

    def is_thin(self, days: float) -> bool:
        """Return whether less happened than a run of so many days has to bring."""
        least = LEAST_A_DAY if days >= 1 else (0, 0, 0)
        brought = (self.uploads, sum(self.faults.values()), self.kills)
        return any(got < days * wanted for got, wanted in zip(brought, least, strict=True))

    @property
    def summary(self) -> str:
        """One line of figures."""
        faults = sum(self.faults.values())
        return (
            f"seed {self.seed}: {self.steps} steps, {self.uploads} uploads, {self.files} files, "
            f"{faults} faults, {self.kills} kills, digest {self.digest}"
        )


class World:
    """Everything there is in a simulation."""

    def __init__(self, seed: int, folder: Path, *, not_yet: frozenset[str]) -> None:
        self.scheduler = scheduler = Scheduler(seed, start=START + (seed % 24) * HOUR)
        self.faults: Counter[str] = Counter()
        self.is_calm = self.is_probed = False
        self.active_steps = 0
        self.random = scheduler.random_of("world")
        self.platform = Platform(scheduler, self.count_fault)
        may_be_killed = self.platform.may_be_killed
        self.invariants = Invariants(self, not_yet=not_yet)
        self.store = VirtualStore(folder, scheduler)
        self.network = StoreNetwork(self.store, scheduler, self.count_fault, may_be_killed)
        self.app = App(scheduler, self.count_fault, may_be_killed, self.invariants.on_event)
        self.vod = Vod(scheduler, self.platform, self.count_fault, self.post, self.invariants.on_answer)
        self.vod.mode = self.random.choice(("PUSH", "PUSH", "PULL"))
        self.app.always_sends_interim = self.random.random() < 0.3
        self.users = Users(self)
        self.tick_seconds = self.random.choice((240.0, 300.0))

    def count_fault(self, kind: str) -> None:
        """Count a fault that was injected."""
        self.faults[kind] += 1
        self.scheduler.trace(f"fault {kind}")

    def environment(self) -> dict[str, str]:
        """Return the settings of the deployment."""
        return {
            "REDIS_URL": self.store.url,
            "STAGE": "sim",
            "VOD_SECRET_ID": SECRET_ID,
            "VOD_SECRET_KEY": SECRET_KEY,
            "VOD_API_URL": "http://127.0.0.1:1",
            "UPLOAD_POLICIES": json.dumps(POLICIES),
            "CONTEXT_KEYS": "the-context-key-of-a-simulation-0001",
            "JWT_SECRETS": JWT_SECRET,
            "CALLBACK_TOKENS": CALLBACK_TOKEN,
            "READ_BACK": "on",
            "APP_WEBHOOK_URL": app_model.URL,
            "APP_WEBHOOK_SECRETS": "whsec_" + base64.b64encode(app_model.SECRET).decode(),
            "APP_WEBHOOK_ALLOW_INSECURE": "1",
            "OPEN_UPLOADS": "30",
            "NEW_UPLOADS_PER_DAY": "25",
            "SIGNATURES_PER_UPLOAD": str(SIGNATURES_PER_UPLOAD),
        }

    def post(self, body: bytes, on_answer: Callable[[int | None], None]) -> None:
        """Post a body to the callback URL."""
        try:
            event = http_event("POST", f"/{CALLBACK_TOKEN}", body=body.decode(), address="198.51.100.9")
        except UnicodeDecodeError:
            text = base64.b64encode(body).decode()
            event = http_event("POST", f"/{CALLBACK_TOKEN}", body=text, address="198.51.100.9")
            event["isBase64Encoded"] = True
        self.platform.invoke(
            "event_notification",
            event,
            lambda result: on_answer(None if result is None else status_of(result)),
        )

    # Weather.

    def plan_weather(self, until: float) -> None:
        """Plan the ordinary faults, and the bad times among them."""
        self._ordinary()
        now = self.scheduler.now
        for _ in range(int((until - now) / DAY * 8)):
            at = now + self.random.random() * (until - now)
            change, longest = self.random.choice(BAD_TIMES)
            self._plan_bad_time(at, change, self.random.uniform(0.1, 1.0) * longest, until)

    def _plan_bad_time(
        self, at: float, change: Callable[[World], None], seconds: float, until: float
    ) -> None:
        def begin() -> None:
            if not self.is_calm:
                self.scheduler.trace(f"bad time {change.__name__}")
                change(self)

        def end() -> None:
            if not self.is_calm:
                self._ordinary()

        self.scheduler.at(at, begin)
        self.scheduler.at(min(at + seconds, until), end)

    def _ordinary(self) -> None:
        failed_over_at = self.network.weather.failed_over_at
        self.network.weather = StoreWeather(rate=0.03, failed_over_at=failed_over_at)
        self.app.weather = AppWeather(rate=0.25)
        self.vod.weather = VodWeather(rate=0.08, lag=30.0, push_loss=0.05)
        self.platform.kill_rate = 0.0003

    def _calm(self) -> None:
        self.is_calm = True
        failed_over_at = self.network.weather.failed_over_at
        self.network.weather = StoreWeather(failed_over_at=failed_over_at)
        self.app.weather, self.vod.weather = AppWeather(), VodWeather()
        self.platform.kill_rate = 0.0
        self.platform.calm()

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
            self.plan_weather(until)
            self.plan_ticks()
            self.users.begin_all(int(UPLOADS_PER_DAY * days), until)
            self._check_hourly(store)
            scheduler.run(until, most_steps=most_steps)
            self.active_steps = scheduler.steps
            if scheduler.is_halted:
                return
            self._calm()
            scheduler.after(600, partial(scheduler.spawn, "operator", self._operate))
            scheduler.after(5 * HOUR - 900, partial(self._tick_often, often=True))
            scheduler.after(5 * HOUR, self._probe)
            scheduler.after(5 * HOUR + PROMPT_SECONDS, partial(self._tick_often, often=False))
            scheduler.run(scheduler.now + QUIET_SECONDS)
            scheduler.spawn("owners", self._ask_for_states)
            scheduler.run(scheduler.now + HOUR)
            if not scheduler.is_halted:
                self.store.show_now()
                self.invariants.check_keys(store)
                self.invariants.check_end(store)

    def _check_hourly(self, store: redis.Redis) -> None:
        self.store.show_now()
        self.invariants.check_keys(store)
        self.scheduler.after(2 * HOUR, lambda: self._check_hourly(store))

    def _operate(self) -> None:
        """Enable the endpoint and revive what was given up, as an operator does after an outage."""
        operator = OperatorStore(self.store.url, StoreScope("sim", 604_800))
        operator.enable_endpoint(app_model.URL)
        for event in list(operator.find(EventQuery(EventStatus.DEAD))):
            operator.revive(event.at, now=int(self.scheduler.now))

    def _probe(self) -> None:
        """Let the store fail over in the quiet, upload, and see how long the app waits for it."""

        def upload(user: str) -> None:
            _, signature = self.users.sign(user)
            file = self.vod.take(signature, 1000)
            self.scheduler.after(PROMPT_SECONDS, lambda: self.invariants.check_probe(file))

        _fail_over(self)
        for number in range(6):
            self.scheduler.spawn(f"probe {number}", partial(upload, f"probe-{number}"))

    def _tick_often(self, *, often: bool) -> None:
        """Call the timers so often that no connection of theirs is idle for long enough to be closed."""
        self.is_probed = often

    def _ask_for_states(self) -> None:
        for upload in list(self.users.uploads.values()):
            path = f"/uploads/{upload.upload_id}"
            status, answer = self.users.request("upload_status", "GET", path, upload.user)
            self.invariants.check_state(upload, status, answer)


def _store_down(world: World) -> None:
    world.network.weather.is_down = True


def _store_storm(world: World) -> None:
    world.network.weather.rate = 0.25


def _garble_storm(world: World) -> None:
    world.network.weather.rate, world.network.weather.only = 0.25, "garbled"


def _fail_over(world: World) -> None:
    world.network.weather.failed_over_at = world.scheduler.now


def _flush_scripts(world: World) -> None:
    with redis.Redis.from_url(world.store.url) as store:
        store.script_flush()
    world.count_fault("scripts flushed")


def _app_down(world: World) -> None:
    world.app.weather.is_down = True


def _app_gone(world: World) -> None:
    world.app.weather.is_gone = True


def _app_storm(world: World) -> None:
    world.app.weather.rate = 0.7


def _api_down(world: World) -> None:
    world.vod.weather.is_down = True


def _index_lag(world: World) -> None:
    # Less than reconciliation allows for; a longer one is made up for by its second pass, two days later.
    world.vod.weather.lag = 2100.0


def _push_storm(world: World) -> None:
    world.vod.weather.push_loss = 0.7


def _kill_storm(world: World) -> None:
    world.platform.kill_rate = 0.01


BAD_TIMES: tuple[tuple[Callable[[World], None], float], ...] = (
    (_store_down, 0.3 * HOUR),
    (_store_storm, 0.5 * HOUR),
    (_garble_storm, 1 * HOUR),
    (_fail_over, 0.1 * HOUR),
    (_flush_scripts, 0.1 * HOUR),
    (_app_down, 20 * HOUR),
    (_app_gone, 1 * HOUR),
    (_app_storm, 4 * HOUR),
    (_api_down, 3 * HOUR),
    (_index_lag, 4 * HOUR),
    (_push_storm, 4 * HOUR),
    (_kill_storm, 0.5 * HOUR),
)
"""What a bad time changes, and for how long at most."""


def simulate(
    seed: int, *, days: float = 2.0, most_steps: int | None = None, not_yet: frozenset[str] = NOT_YET
) -> Outcome:
    """Run one seed."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(seed, Path(folder), not_yet=not_yet)
        with (
            world.store,
            closing(world.network),
            world.platform.in_charge(world.environment(), world.network, world.app, world.vod),
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
