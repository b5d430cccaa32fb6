from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.event_status import AttemptOutcome, EventStatus, IngestOutcome
from shared.domain.journal import AttemptEnding
from shared.store.endpoint import Backlog
from shared.store.parked import FAILURES_BEFORE_PARKING
from tests.shared.store.every_method import SCOPE
from tests.shared.uploads import ENDPOINT, NOW, new_entry

if TYPE_CHECKING:
    from shared.store.journal import Store

NOTHING = Backlog(due=0, next_due_at=None, dead=0, parked=0, quarantined=0)


def test_empty_store_has_no_backlog(store: Store) -> None:
    """All counts of an empty store are zero."""
    assert store.backlog(now=NOW) == NOTHING
    assert set(NOTHING.figures(now=NOW).values()) == {0}


def test_every_event_counts_where_it_stands_in_whatever_partition(store: Store) -> None:
    """Those that wait with the time of the first of them; those given up by how that came to be."""
    for number in range(40):
        waiting = new_entry(None, name=f"waiting-{number}", intended=IngestOutcome.RECORDED)
        store.journal(waiting, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 100 + number)
    forged = new_entry(None, name="forged", intended=IngestOutcome.QUARANTINED)
    store.journal(forged, endpoint=ENDPOINT, now=NOW, next_attempt_at=None)
    given_up = new_entry(None, name="given-up", intended=IngestOutcome.RECORDED)
    store.journal(given_up, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW)
    ending = AttemptEnding(given_up.lease, ENDPOINT, NOW, EventStatus.DEAD, AttemptOutcome.FAILED, None, {})
    assert store.finish_attempt(store.key_of(given_up), ending)
    for _ in range(FAILURES_BEFORE_PARKING):
        store.count_failure("poison", problem="ValueError", now=NOW, budget=10**6)

    counted = store.backlog(now=NOW)

    assert counted == Backlog(due=40, next_due_at=NOW + 100, dead=1, parked=1, quarantined=1)
    assert counted.figures(now=NOW)["overdueSeconds"] == 0
    assert counted.figures(now=NOW + 130)["overdueSeconds"] == 30
    later = store.backlog(now=NOW + SCOPE.retention_seconds + 1)
    assert (later.dead, later.parked, later.quarantined) == (0, 0, 0)
