"""The encoder that is made once writes what `json.dumps` writes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.schema.encoding import ascii_json

SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_value_is_read_back_from_ascii(value: object) -> None:
    """Characters outside ASCII are escaped, lone surrogates among them."""
    text = ascii_json(value)

    assert text.isascii()
    assert json.loads(text) == value


@given(st.dictionaries(st.text(), SCALARS | st.lists(SCALARS)))
def test_text_is_the_one_of_the_standard_library(value: object) -> None:
    """Its encoder is called as the standard library calls it, which no document promises."""
    assert ascii_json(value) == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("text", ["plain", "수업", "\ud800"])
def test_what_json_cannot_write_is_written_as_text(text: str) -> None:
    """A log line is written whatever a field holds."""
    assert json.loads(ascii_json([text, Decimal("1.5")])) == [text, "1.5"]
