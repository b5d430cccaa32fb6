"""Numbers among the options of commands: each is bounded, and all are refused in the same words."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_DIGITS = 18
"""More are not converted: Python refuses more than 4300 in words of its own."""
_WHOLE = re.compile(rf"-?[0-9]{{1,{_MOST_DIGITS}}}", re.ASCII)
_SHOWN = 40
"""Of a long text so many characters are enough to recognize it."""


def whole_number(least: int, most: int, *, kind: str = "whole number") -> Callable[[str], int]:
    """Return a type for argparse: a whole number from `least` to `most`, in ASCII digits."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text[:_SHOWN]!r} is no {kind} from {least} to {most}")
        return int(text)

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a type for argparse: a number from `least` to `most`, which may have decimals."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:_SHOWN]!r} is no number from {least:g} to {most:g}")
        return value

    return read


port_number = whole_number(0, 65_535, kind="port")
"""A type for argparse; 0 is any free port."""
