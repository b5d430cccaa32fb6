"""What is kept of an event that the app has taken: all of it for a day, then what tells a copy from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.operator.event_store import EventQuery, OperatorStore
from shared.domain.event_status import IngestOutcome
from shared.domain.event_text import unpacked
from shared.store.connection import StoreScope
from tests.shared.loopback_peer import Reply
from tests.shared.service import STAGE, client_of, token_of
from tests.shared.uploads import new_session, uploaded

if TYPE_CHECKING:
    from tests.shared.flows.world import World

DAY = 86_400


def test_tombstone_of_a_delivered_event_stays(world: World) -> None:
    """All else is kept for DELIVERED_RETENTION_SECONDS; with the tombstone a copy is still a duplicate."""
    world = world.with_settings(DELIVERED_RETENTION_SECONDS="3600")
    event = uploaded(token_of(world.begin(new_session())))
    at = world.store.key_of(world.ingest(event).entry)

    with client_of(world.redis_url) as client:
        assert 3600 < client.ttl(at.body) <= client.ttl(at.key)
        kept = str(client.get(at.body))
        assert [json.loads(text) for text in unpacked(kept)] == [event]
        assert len(kept) < len(json.dumps(event)) * 0.7

        assert world.run() == {"delivered": 1}

        assert 0 < client.ttl(at.body) <= client.ttl(at.key) <= 3600 < client.ttl(at.tombstone)
        client.delete(at.body, at.key)
    assert [world.ingest(event).journaled.outcome for _ in range(2)] == [IngestOutcome.DUPLICATE] * 2


def test_delivered_event_leaves_the_lists_after_its_time(world: World) -> None:
    """The next delivery of its partition removes what is over from the list of delivered events."""
    token = token_of(world.begin(new_session()))
    with client_of(world.redis_url) as client:
        for number in range(3):
            at = world.store.key_of(world.ingest(uploaded(token, file_id=str(number))).entry)
            world.run(after=DAY + 1)

            (journal, delivered) = (
                client.zrange(index, 0, -1) for index in at.indexes("journal", "delivered")
            )
            assert (journal, delivered) == ([], [at.key])


@pytest.mark.parametrize("ending", ["delivered", "retrying"])
def test_delivered_event_that_is_revived_is_kept_like_any_other(world: World, ending: str) -> None:
    """It is listed, and not forgotten before it has gone out again."""
    at = world.store.key_of(world.ingest(uploaded("of the console")).entry)
    operators = OperatorStore(world.redis_url, StoreScope(STAGE, world.settings.retention_seconds))
    with client_of(world.redis_url) as client:
        world.run()
        assert operators.revive(at, now=int(world.clock()))

        assert min(client.ttl(key) for key in (at.key, at.body)) > DAY
        assert [it.at for it in operators.find(EventQuery())] == [at]
        world.app.answer = lambda _request: Reply(204 if ending == "delivered" else 500)
        assert world.run() == {ending: 1}
        assert (client.ttl(at.key) <= DAY) is (ending == "delivered")
    assert world.ingest(uploaded("of the console")).journaled.outcome is IngestOutcome.DUPLICATE
