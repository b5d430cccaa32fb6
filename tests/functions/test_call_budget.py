"""A push for whose read-back there are no calls of VOD's API left: the callback answers, the timer asks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import redis

from functions import event_delivery
from shared.flows.deliver_events import BUDGET_SECONDS
from shared.runtime import bootstrap
from tests.functions.vod import push, upload

if TYPE_CHECKING:
    import pytest

    from tests.local.simulator.account import Account
    from tests.shared.loopback_peer import HttpPeer

CONTEXT = {"request_id": "call-budget", "time_limit_in_ms": 55_000}
ACTION = "DescribeMediaInfos"
A_MINUTE = 60_000


def test_push_without_a_call_left_is_answered_at_once_and_read_back_by_the_timer(
    services: dict[str, str], vod: Account, app: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The callback waits for no call; VOD is not asked, and the app hears of it when VOD was."""
    (_, warm), (_, event) = upload(vod), upload(vod)
    push(warm)
    asked = vod.counters()
    with redis.Redis.from_url(services["REDIS_URL"]) as client:
        partition = bootstrap.event_notification().store._partition_of(ACTION)  # noqa: SLF001 -- its key is short-lived
        key = f"{partition}:calls:{ACTION}"
        client.set(key, int(time.time() * 1000) + A_MINUTE, px=A_MINUTE)
        assert push(event).status == 200
        assert vod.counters() == asked
        client.delete(key)
    assert len(app.received) == 1

    monkeypatch.setattr(bootstrap, "now", lambda: time.time() + 2 * BUDGET_SECONDS)
    assert event_delivery.main_handler({}, CONTEXT)["deliveries"] == {"delivered": 1}
    assert b'"verified":true' in app.received[-1].body
