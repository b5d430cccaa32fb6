"""How many round trips an event makes in its life, which docs/capacity.md counts with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from functions import reliable_notification
from local.operator.capacity import PULLED_AT_ONCE, READ_BACK_CALLS, STORE_CALLS
from shared.runtime import bootstrap
from tests.functions.deployment import services_of
from tests.functions.vod import push, upload
from tests.shared.loopback_peer import HOST, RawPeer, relay_to
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.functions.conftest import Deploy
    from tests.local.simulator.account import Account
    from tests.shared.loopback_peer import HttpPeer

CONTEXT = {"request_id": "store-calls", "time_limit_in_ms": 55_000}


@pytest.fixture
def sent(valkey_url: str, deploy: Deploy, vod: Account, app: HttpPeer) -> Iterator[list[bytes]]:
    """Deploy with read-back and an endpoint; return what is sent to the store, one piece a round trip."""
    parts, heard = urlsplit(valkey_url), list[bytes]()
    with RawPeer(relay_to(int(parts.port or 0), heard)) as peer:
        store = f"redis://:{parts.password}@{HOST}:{peer.port}/0"
        deploy(**services_of(vod.url, app.url), READ_BACK="on", REDIS_URL=store)
        yield heard


def test_pushed_event_is_journaled_verified_and_finished(sent: list[bytes], vod: Account) -> None:
    """One round trip each, one for each call of VOD, and none to take it for delivery: its lease is ours."""
    (_, warm), (_, event) = upload(vod), upload(vod)
    push(warm)
    before = len(sent)
    push(event)

    assert len(sent) - before == STORE_CALLS["push"]


def test_pushed_event_is_read_back_in_so_many_calls(
    sent: list[bytes], vod: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """VOD is asked for the file and, if the upload was granted a task flow, for its tasks."""
    calls = []
    wishes: tuple[dict[str, Any], ...] = ({"policy": "course"}, {})
    for wish in wishes:
        _, event = upload(vod, **wish)
        push(event)
        (line,) = (line for line in capsys.readouterr().out.splitlines() if '"event.journaled"' in line)
        calls.append(json.loads(line)["calls_vodApi"])

    assert calls == [READ_BACK_CALLS, READ_BACK_CALLS - 1]
    assert sent


def test_batch_is_one_round_trip_and_one_for_each_call_of_vod(
    sent: list[bytes], vod: Account, deploy: Deploy, app: HttpPeer
) -> None:
    """The call that pulls a batch and the one that confirms it are taken out of the budget."""
    relayed = str(bootstrap.reliable_notification().settings.redis_url)
    deploy(**{**services_of(vod.url, app.url), "APP_WEBHOOK_URL": "off"}, REDIS_URL=relayed)
    reliable_notification.main_handler({}, CONTEXT)
    trips = []
    for events in (PULLED_AT_ONCE, 2 * PULLED_AT_ONCE):
        vod.emit(*(uploaded(f"order-{number}", file_id=str(number)) for number in range(events)))
        before = len(sent)
        figures: Any = reliable_notification.main_handler({}, CONTEXT)
        assert figures["pulled"]["confirmed"] == events
        trips.append(len(sent) - before)

    assert trips[1] - trips[0] == STORE_CALLS["batch"]


def test_pulled_events_are_journaled_together_and_delivered_from_the_queue(
    sent: list[bytes], vod: Account
) -> None:
    """Each further event takes no more round trips than its delivery: what is taken together takes fewer."""
    trips = []
    for events in (1, 2, 6):
        for _ in range(events):
            upload(vod)
        before = len(sent)
        figures = reliable_notification.main_handler({}, CONTEXT)
        assert figures["deliveries"] == {"delivered": events}
        trips.append(len(sent) - before)

    assert trips[2] - trips[1] <= 4 * STORE_CALLS["delivery"]
