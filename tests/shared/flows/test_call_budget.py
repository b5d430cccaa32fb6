"""An event for whose read-back there are no calls: VOD is asked later, and nothing is decided before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.flows.deliver_events import BUDGET_SECONDS
from shared.flows.verify_event import MAX_ATTEMPTS
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.service import token_of
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from tests.shared.flows.world import World

MEDIA, TASKS = "media_info", "tasks_of_file"


@pytest.mark.parametrize("spent", [MEDIA, TASKS])
def test_event_waits_for_calls_however_long_and_is_told_when_there_are(world: World, spent: str) -> None:
    """That VOD was not asked is no attempt: no event is given up, or taken for a forgery, because of it."""
    token = token_of(world.begin_now(procedure="LongVideoPreset"))
    world.keep(token)
    world.vod.spent = {spent}

    outcomes = [world.deliver(uploaded(token))]
    for _ in range(2 * MAX_ATTEMPTS):
        [outcome] = world.run(after=BUDGET_SECONDS)
        outcomes.append(outcome)
    [record] = world.records()
    world.vod.spent = set()

    assert outcomes == ["held"] * (1 + 2 * MAX_ATTEMPTS)
    assert (record["attempts"], record["problem"]) == ("0", f"{spent} was not called: canary.")
    assert world.run(after=BUDGET_SECONDS) == {"delivered": 1}
    [told] = world.received
    assert (told["data"]["verified"], told["data"]["verdict"]) == (True, "attributed")


def test_pause_is_spread(world: World) -> None:
    """Between half a minute and a whole one, so that not all ask at once again."""
    world.vod.spent = {MEDIA}
    late = world.delivery_run().deliverer._replace(jitter=lambda: 0.99)
    late.deliver(world.ingest(uploaded(token_of(world.begin_now())), "push"))

    assert world.due(after=int(1.9 * BUDGET_SECONDS)) == 0
    assert world.due(after=2 * BUDGET_SECONDS) == 1


def test_foreign_event_waits_as_well_and_is_not_told_unverified(world: World) -> None:
    """VOD may be asked about it when others leave a call: then the app gets VOD's own word."""
    world.vod.spent = {MEDIA}
    assert world.deliver(uploaded("order-7781")) == "due"
    assert world.received == []

    world.vod.spent = set()
    world.keep("order-7781")
    assert world.run(after=BUDGET_SECONDS) == {"delivered": 1}
    [told] = world.received
    assert told["data"]["verified"] is True


def test_store_that_goes_down_meanwhile_leaves_the_event_held(world: World) -> None:
    """That it waits could not be written down: its lease ends, and the timer asks."""
    ingested = world.ingest(uploaded(token_of(world.begin_now())), "push")
    world.vod.spent = {MEDIA}
    gone = replace(world, redis_url=f"redis://{HOST}:{refused_port()}/0")

    assert gone.delivery_run().deliverer.deliver(ingested) == "held"
