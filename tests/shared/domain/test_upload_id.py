from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.upload_id import is_upload_id, made_at, new_upload_id

TIMES = st.floats(0, 2**48 / 1000 - 1)
RANDOMS = st.integers(0, 2**80 - 1)


def test_known_id() -> None:
    """The example of the ULID specification, and its time as GNU date knows it: date -d @1469918176."""
    assert made_at("01ARYZ6S41TSV4RRFFQ69G5FAV") == 1469918176
    assert new_upload_id(now=1469918176.385, random=0x0D6764C61EFB99302BD5B)[:10] == "01ARYZ6S41"


def test_smallest_and_largest_id() -> None:
    """All bits off, and all on: the first character is at most 7."""
    assert new_upload_id(now=0, random=0) == "0" * 26
    assert new_upload_id(now=(2**48 - 1) / 1000, random=2**80 - 1) == "7" + "Z" * 25


@given(TIMES, RANDOMS)
def test_id_tells_its_second(now: float, random: int) -> None:
    """Whatever was drawn, the id has the right form and the time it was made."""
    upload_id = new_upload_id(now=now, random=random)

    assert is_upload_id(upload_id)
    assert made_at(upload_id) == int(now * 1000) // 1000


@given(TIMES, RANDOMS, RANDOMS)
def test_ids_sort_by_time(now: float, one: int, other: int) -> None:
    """An id made a millisecond or more later comes later."""
    assert new_upload_id(now=now, random=one) < new_upload_id(now=now + 0.0021, random=other)


@given(RANDOMS, RANDOMS)
def test_ids_differ_as_their_random_numbers_do(one: int, other: int) -> None:
    """No random bit is lost."""
    ids = {new_upload_id(now=1, random=random) for random in (one, other)}

    assert len(ids) == len({one, other})


@pytest.mark.parametrize(
    "text",
    [
        *("", "0" * 25, "0" * 27, "8" + "0" * 25, " " + "0" * 25, "0" * 26 + "\n", "\u0660" * 26),
        *("0" * 25 + last for last in "UIa\n"),
    ],
)
def test_other_texts_are_no_ids(text: str) -> None:
    """Letters that look like digits, other lengths, lower case: all no."""
    assert not is_upload_id(text)
