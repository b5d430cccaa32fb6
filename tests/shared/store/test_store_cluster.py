"""The store on a Redis Cluster: a real one, of one node, which refuses what a cluster refuses."""

from __future__ import annotations

import pytest

from shared.domain.event_status import AttemptOutcome, EventStatus, IngestOutcome, Verdict
from shared.domain.journal import AttemptEnding, Journaled
from shared.domain.rate_limits import UploadLimits
from shared.errors import StoreUnavailableError
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.shared.loopback_peer import HOST, refused_port
from tests.shared.uploads import ENDPOINT, NOW, facts_in, new_entry, new_session, uploaded

SCOPE = StoreScope("test", 7200)


def test_whole_story_of_an_upload_runs_on_a_cluster(cluster_url: str) -> None:
    """Every script and list keeps to one slot, so that a cluster does all that one server does."""
    store, session = Store(cluster_url, SCOPE), new_session()
    entry = new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD)
    ending = AttemptEnding(
        "timer", ENDPOINT, NOW + 11, EventStatus.DELIVERED, AttemptOutcome.DELIVERED, None, {}
    )

    assert store.begin_upload(session, randoms=(1, 2), now=NOW, limits=UploadLimits(60)).nonce == 1
    assert (
        store.renew_upload("alice", session.upload_id, randoms=(1, 2), now=NOW, limits=UploadLimits(60))[
            1
        ].nonce
        == 2
    )
    assert store.uploads_to_check(now=session.ends_at, limit=10) == (session,)
    assert store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 10).outcome == "held"
    assert store.settle(entry, now=NOW, genuine=True) == Journaled(
        IngestOutcome.VERIFIED, Verdict.ATTRIBUTED, 1
    )
    (at,) = store.due_events(now=NOW + 10, limit=10)
    assert store.take(at, endpoint=ENDPOINT, now=NOW + 10, lease="timer", lease_ends_at=NOW + 40)
    assert store.finish_attempt(at, ending)
    assert store.due_events(now=NOW * 2, limit=10) == ()
    assert store.find_upload("alice", session.upload_id).sequence == 1


def test_cluster_that_is_down_is_told() -> None:
    """A cluster's client connects at its first use: also then nothing but our own error gets out."""
    port = refused_port()

    with pytest.raises(StoreUnavailableError) as failure:
        Store(f"redis+cluster://{HOST}:{port}", SCOPE).find_upload("alice", "01M7Q5CQG00000000000000001")

    assert str(port) not in failure.value.detail
