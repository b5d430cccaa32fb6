from __future__ import annotations

import hashlib
import json
import zlib

import pytest

from shared.domain.event_text import DICTIONARY, packed, unpacked
from tests.shared.uploads import changed, notification_of, uploaded

EVENTS = [
    uploaded("vuf1.W10.c2lnbmF0dXJl"),
    changed("수업 3"),
    {"EventType": "Strange", "Text": "\ud83d"},
]


def kept(text: bytes) -> str:
    """Return bytes as the store returns them."""
    return text.decode("utf-8", "surrogateescape")


def with_dictionary(text: bytes, dictionary: bytes) -> bytes:
    """Compress a text with a preset dictionary."""
    stream = zlib.compressobj(zdict=dictionary)
    return stream.compress(text) + stream.flush()


@pytest.mark.parametrize("event", EVENTS)
def test_event_is_read_back_as_it_was(event: dict[str, object]) -> None:
    """Alone, and before what was pushed in its place."""
    notification = notification_of(event)

    assert [json.loads(text) for text in unpacked(kept(packed(notification)))] == [event]
    both = unpacked(kept(packed(notification, notification_of(uploaded()))))
    assert [json.loads(text) for text in both] == [event, uploaded()]


def test_texts_of_other_releases_are_read() -> None:
    """One that did not compress, one without a dictionary, and one with it."""
    texts = [json.dumps(event) for event in EVENTS[:2]]
    first, second = (text.encode() for text in texts)
    of_this = with_dictionary(first, DICTIONARY) + with_dictionary(second, first)

    assert unpacked(texts[0]) == texts[:1]
    assert unpacked(kept(zlib.compress(first) + zlib.compress(second))) == texts
    assert unpacked(kept(of_this)) == texts


def test_dictionary_stays_as_it_is() -> None:
    """What is kept cannot be read with another."""
    digest = hashlib.sha256(DICTIONARY).hexdigest()

    assert digest == "72f7d3e3098aef4edb0e1c92dd08b523498d650eadd977dfa0cd56a2f2b1a412"


def test_damaged_text_is_an_error() -> None:
    """It is not taken for an event."""
    with pytest.raises(ValueError, match="damaged"):
        unpacked(kept(packed(notification_of(uploaded()))[:-4] + b"tail"))
