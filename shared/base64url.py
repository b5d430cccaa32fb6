"""Base64 in the alphabet for URLs, without padding (RFC 4648, section 5), as tokens are spelled.

Foreign characters are passed over: what a token may look like is decided before.
"""

from __future__ import annotations

import binascii

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = str.maketrans("-_", "+/")


def encoded(content: bytes) -> str:
    """Spell bytes."""
    return binascii.b2a_base64(content, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    """Read what `encoded` wrote.

    Raises:
        ValueError: it has a length that no bytes are spelled with, or is not ASCII.

    """
    return binascii.a2b_base64(text.translate(_FROM_URL) + "=" * (-len(text) % 4))
