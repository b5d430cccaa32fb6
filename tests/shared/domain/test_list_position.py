"""How a page moves the position in a list that is ordered by whole seconds."""

from __future__ import annotations

import pytest

from shared.domain.list_position import PAGE, SEARCH_LIMIT, ListPosition

AT, END = 1_795_000_000, 1_795_000_900


@pytest.mark.parametrize(
    ("offset", "created", "following"),
    [
        (0, [], (END + 1, 0)),
        (0, [AT] * (PAGE - 1), (END + 1, 0)),
        (0, [AT] * (PAGE - 5) + [AT + 1] * 5, (AT + 1, 0)),
        (0, [AT] * (PAGE - 6) + [AT + 1] * 6, (AT + 1, 6)),
        (7, [AT] * PAGE, (AT, PAGE + 7)),
        (0, [0] * PAGE, (AT, PAGE)),
        (0, [AT + 9, *[AT + 2] * (PAGE - 1)], (AT + 9, 0)),
        (SEARCH_LIMIT - PAGE - 3, [AT] * PAGE, (AT, SEARCH_LIMIT - PAGE)),
        (SEARCH_LIMIT - PAGE, [AT] * PAGE, (AT + 1, 0)),
        (SEARCH_LIMIT - PAGE, [AT] * (PAGE - 9) + [AT + 3] * 9, (AT + 3, 9)),
    ],
    ids=[
        "nothing is listed",
        "the list is at its end",
        "few files of the last second are listed again",
        "many are skipped",
        "all of one second",
        "times that cannot be read",
        "out of order",
        "the last page of a second that VOD lists",
        "a second with more than VOD lists",
        "the last page ends the second",
    ],
)
def test_next_page_goes_on_from_the_last_time(
    offset: int, created: list[int], following: tuple[int, int]
) -> None:
    """The position never moves back, and every full page moves it on."""
    position = ListPosition(AT, offset)

    assert position.after(created, before=END) == following
    assert position.is_crowded(created) is (following == (AT + 1, 0) and AT + 1 not in created)
    assert ListPosition(*following) > position
