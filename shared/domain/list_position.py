"""A position in VOD's list of media by creation time, and how a page moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 100
"""The most that SearchMedia lists in one call."""
SEARCH_LIMIT = 5000
"""SearchMedia lists no more than this for one search (266/31813): `Offset` and `Limit` together."""
MOST_LISTED_AGAIN = 5


class ListPosition(NamedTuple):
    """Where the next page begins: at a creation time (Unix seconds), after so many files of that second."""

    second: int
    offset: int = 0

    def after(self, created: Sequence[int], *, before: int) -> ListPosition:
        """Return the position after a page, given the creation times in it; `before` is the last one listed.

        A page that is not full ends the list. The next one begins with the last second of this one, because
        more files of it may follow. Its few files are listed again, so that one deleted in the meantime moves
        no other out of sight; where they are many, they are skipped by an offset.
        """
        if len(created) < PAGE:
            return ListPosition(before + 1)
        if self.is_crowded(created):
            return ListPosition(self.second + 1)
        # A time that cannot be read is 0: such a file counts as one of the second before it.
        last = max(self.second, *created)
        seen = self.offset + PAGE if last == self.second else created.count(last)
        return ListPosition(last, 0 if seen <= MOST_LISTED_AGAIN else min(seen, SEARCH_LIMIT - PAGE))

    def is_crowded(self, created: Sequence[int]) -> bool:
        """Return whether this page reaches SEARCH_LIMIT within one second, which may have further files."""
        return self.offset + len(created) >= SEARCH_LIMIT and max(created) <= self.second


class TailLease(NamedTuple):
    """Who holds a position, a random text, and until when (Unix seconds)."""

    name: str
    ends_at: int
