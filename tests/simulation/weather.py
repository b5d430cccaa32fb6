"""The weather of a run: the ordinary faults, bad times among them, and the calm after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from tests.simulation.store_faults import StoreWeather
from tests.simulation.vod_model import VodWeather

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.world import World

HOUR, DAY = 3600.0, 86_400.0
BAD_TIMES_A_DAY = 8
KILLS_A_DAY = 3
"""At least; by chance there are more."""


def plan_weather(world: World, until: float) -> None:
    """Plan the ordinary faults, and the bad times and kills among them."""
    _ordinary(world)
    now, random = world.scheduler.now, world.random
    for number in range(int((until - now) / DAY * KILLS_A_DAY)):
        world.scheduler.at(now + (number + 0.5) * DAY / KILLS_A_DAY, lambda: _kill_soon(world))
    for _ in range(int((until - now) / DAY * BAD_TIMES_A_DAY)):
        at = now + random.random() * (until - now)
        change, longest = random.choice(BAD_TIMES)
        _plan_bad_time(world, change, at, min(at + random.uniform(0.1, 1.0) * longest, until))


def _plan_bad_time(world: World, change: Callable[[World], None], begins: float, ends: float) -> None:
    def begin() -> None:
        if not world.is_calm:
            world.scheduler.trace(f"bad time {change.__name__}")
            change(world)

    def end() -> None:
        if not world.is_calm:
            _ordinary(world)

    world.scheduler.at(begins, begin)
    world.scheduler.at(ends, end)


def _ordinary(world: World) -> None:
    failed_over_at = world.network.weather.failed_over_at
    world.network.weather = StoreWeather(rate=0.03, failed_over_at=failed_over_at)
    world.endpoints.set_weather(0.25)
    world.vod.weather = VodWeather(rate=0.08, lag=30.0, push_loss=0.05)
    world.platform.kill_rate = 0.0003


def calm(world: World) -> None:
    """Let nothing go wrong from here on."""
    world.is_calm = True
    failed_over_at = world.network.weather.failed_over_at
    world.network.weather = StoreWeather(failed_over_at=failed_over_at)
    world.endpoints.set_weather(0.0)
    world.vod.weather = VodWeather()
    world.platform.kill_rate, world.platform.kill_is_due = 0.0, False
    world.platform.calm()


def _store_down(world: World) -> None:
    world.network.weather.is_down = True


def _store_storm(world: World) -> None:
    world.network.weather.rate = 0.25


def _garble_storm(world: World) -> None:
    world.network.weather.rate, world.network.weather.only = 0.25, "garbled"


def fail_over(world: World) -> None:
    """Let every connection that is open be one to the demoted primary."""
    world.network.weather.failed_over_at = world.scheduler.now


def _flush_scripts(world: World) -> None:
    with redis.Redis.from_url(world.store.url) as store:
        store.script_flush()
    world.count_fault("scripts flushed")


def _app_down(world: World) -> None:
    world.endpoints.drawn().weather.is_down = True


def _app_gone(world: World) -> None:
    world.endpoints.drawn().weather.is_gone = True


def _app_storm(world: World) -> None:
    world.endpoints.drawn().weather.rate = 0.7


def _api_down(world: World) -> None:
    world.vod.weather.is_down = True


def _index_lag(world: World) -> None:
    # Less than reconciliation allows for; a longer one is made up for by its second pass, two days later.
    world.vod.weather.lag = 2100.0


def _push_storm(world: World) -> None:
    world.vod.weather.push_loss = 0.7


def _kill_storm(world: World) -> None:
    world.platform.kill_rate = 0.01


def _kill_soon(world: World) -> None:
    world.platform.kill_is_due = not world.is_calm


BAD_TIMES: tuple[tuple[Callable[[World], None], float], ...] = (
    (_store_down, 0.3 * HOUR),
    (_store_storm, 0.5 * HOUR),
    (_garble_storm, 1 * HOUR),
    (fail_over, 0.1 * HOUR),
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
