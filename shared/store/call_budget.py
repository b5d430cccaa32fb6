"""The calls of VOD's API that all instances may make together: a budget for each action."""

from __future__ import annotations

from shared.store.connection import StoreConnection

BURST_SHARE = 4
"""A quarter of a second's calls may be made at once, so that no second has more than 5/4 of the rate."""
FOREIGN_SHARE = 2
"""What half of a burst is left of is not for foreign events: others never wait for them."""


class CallBudgetStore(StoreConnection):
    """The budgets of one stage."""

    def take_call(self, action: str, *, per_second: int, foreign: bool, waits: bool = True) -> float:
        """Take a call out of the budget of its action; return 0, or the seconds to wait before asking again.

        A call that is about a `foreign` event, of an upload made without us, is granted only while others
        leave half of a burst unused. One of a burst is never granted to a call that does not wait: so a flood
        of callbacks takes none from the timers, which read up to 20 files by one.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        burst = max(FOREIGN_SHARE, per_second // BURST_SHARE)
        key = f"{self._partition_of(action)}:calls:{action}"
        interval_ms = -(-1000 // per_second)
        most = burst // FOREIGN_SHARE if foreign else burst - (not waits)
        return float(self._script("take_call", [key], [interval_ms, most])) / 1000
