"""The positions in VOD's lists: who holds one, and the sub-applications that have a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain.list_position import ListPosition, TailLease
from tests.shared.store.every_method import SCOPE
from tests.shared.uploads import NOW

if TYPE_CHECKING:
    import redis

    from shared.store.journal import Store

FIRST, LATER = ListPosition(NOW - 900), ListPosition(NOW - 60, 17)
OURS, OTHERS = TailLease("ours", NOW + 60), TailLease("others", NOW + 120)


def test_position_is_held_by_one_run_and_read_by_all(store: Store) -> None:
    """Until its lease ends nobody else may read on; where the position is they all learn."""
    assert store.take_tail("own:1", first=FIRST, now=NOW, lease=OURS) == (True, [*FIRST])
    assert store.move_tail("own:1", LATER, lease=OURS)
    assert store.take_tail("own:1", first=FIRST, now=NOW + 59, lease=OTHERS) == (False, [*LATER])
    assert store.take_tail("own:2", first=FIRST, now=NOW, lease=OTHERS) == (True, [*FIRST])

    assert store.take_tail("own:1", first=FIRST, now=NOW + 60, lease=OTHERS) == (True, [*LATER])
    assert not store.move_tail("own:1", FIRST, lease=OURS)
    assert store.move_tail("own:1", LATER, lease=OTHERS._replace(ends_at=0))
    assert store.take_tail("own:1", first=FIRST, now=NOW, lease=OURS) == (True, [*LATER])


@pytest.mark.parametrize("damaged", ["", "x", "17", "1 2 3", "-1 0"])
def test_damaged_position_is_the_first_again(store: Store, server: redis.Redis, damaged: str) -> None:
    """Reading begins anew, as with a store that is new."""
    store.take_tail("own:1", first=LATER, now=NOW, lease=OURS._replace(ends_at=0))
    [key] = server.keys("*:tail:own:1")
    server.hset(key, "position", damaged)

    assert store.take_tail("own:1", first=FIRST, now=NOW, lease=OURS) == (True, [*FIRST])


def test_sub_application_has_a_list_for_the_time_of_retention(store: Store) -> None:
    """It is counted from the last upload that was found there; what is here ends by itself."""
    assert store.tailed_applications(now=NOW) == ()
    store.add_applications([7, 8], now=NOW)
    store.add_applications([8], now=NOW + 1)

    assert store.tailed_applications(now=NOW + SCOPE.retention_seconds) == (7, 8)
    assert store.tailed_applications(now=NOW + SCOPE.retention_seconds + 1) == (8,)
