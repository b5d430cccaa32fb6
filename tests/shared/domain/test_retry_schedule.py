from __future__ import annotations

import pytest

from shared.domain.retry_schedule import DELAYS_SECONDS, JITTER, next_attempt_at
from tests.shared.uploads import NOW

HOUR = 3600
DAY = 24 * HOUR


def test_schedule_is_the_one_standard_webhooks_recommends() -> None:
    """Ten attempts: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after one another."""
    delays = [next_attempt_at(made, now=0, random=0.0) for made in range(11)]

    assert delays == [0, 5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR, None]


def test_app_has_about_three_days() -> None:
    """The attempts reach over three days, and jitter makes it less than four."""
    assert 3 * DAY < sum(DELAYS_SECONDS) < sum(DELAYS_SECONDS) * (1 + JITTER) < 4 * DAY


@pytest.mark.parametrize("made", range(1, 10))
@pytest.mark.parametrize("random", [0.0, 0.5, 1.0])
def test_delay_is_lengthened_by_up_to_a_fifth(made: int, random: float) -> None:
    """Jitter spreads the attempts, and never makes one earlier."""
    delay = DELAYS_SECONDS[made]

    assert next_attempt_at(made, now=NOW, random=random) == NOW + round(delay * (1 + 0.2 * random))


@pytest.mark.parametrize("made", [10, 11, 1000])
def test_after_the_last_attempt_there_is_none(made: int) -> None:
    """Not even if the app names a time."""
    assert next_attempt_at(made, now=NOW, random=0.0, retry_after=60) is None


@pytest.mark.parametrize(
    ("wish", "delay"),
    [
        *((wish, 300) for wish in (None, 0, 299, -5)),
        *((301, 301), (DAY, DAY), (DAY + 1, DAY), (10**6, DAY)),
    ],
)
def test_wish_of_the_app_can_lengthen_a_delay_up_to_the_longest(wish: int | None, delay: int) -> None:
    """Retry-After is honoured, and can neither hurry us nor put an event off for ever."""
    assert next_attempt_at(2, now=NOW, random=0.0, retry_after=wish) == NOW + delay
