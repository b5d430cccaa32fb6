from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vod.context_token import base64url_decode, base64url_encode


@given(st.binary(max_size=99))
def test_it_is_the_alphabet_for_urls_without_padding(content: bytes) -> None:
    """The encoding is that of the standard library without padding."""
    text = base64url_encode(content)

    assert text == base64.urlsafe_b64encode(content).decode().rstrip("=")
    assert base64url_decode(text) == content


@pytest.mark.parametrize("text", ["A", "AAAAA", "é"])
def test_what_spells_no_bytes_is_an_error(text: str) -> None:
    """Incomplete groups and characters outside the alphabet are errors."""
    with pytest.raises(ValueError, match=r".+"):
        base64url_decode(text)
