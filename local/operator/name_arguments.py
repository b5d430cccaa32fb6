"""Texts and names among the arguments of commands: types for argparse."""

from __future__ import annotations

import argparse

_SHOWN = 40
"""Of a long text so many characters are enough to recognize it."""


def text(word: str) -> str:
    """Return a word as it is.

    Raises:
        argparse.ArgumentTypeError: its bytes are not UTF-8; Python has lone surrogates in their place.

    """
    try:
        word.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{word[:_SHOWN]!a} is not UTF-8") from None
    return word


def name(word: str) -> str:
    """Return a name; one that is empty is mostly a variable of a shell that is not set.

    Raises:
        argparse.ArgumentTypeError: it is empty, or its bytes are not UTF-8.

    """
    if not word:
        raise argparse.ArgumentTypeError("is empty")
    return text(word)
