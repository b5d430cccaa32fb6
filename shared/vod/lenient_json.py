"""JSON from outside: strict about the text, lenient about what the members hold."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from shared.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 64
# Python's own limit is only in the later patch releases, and without one the time grows with the square.
MAX_DIGITS = 1000
MAX_CONTAINERS = 50_000
"""Objects and lists of one event: three hours of snapshots, one a second, have some 11,000 in 1.45 MB."""
MAX_COMMAS = 300_000  # more than 6 MiB of such events have; a body of short values takes seconds to read

_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**63 - 1
_SURROGATES = re.compile("[\ud800-\udfff]")


def read_object(text: str) -> dict[str, object]:
    """Parse the text of one JSON object, in which no member may stand twice.

    A number beyond a double's range becomes the text `Infinity` or `-Infinity`,
    because there is no JSON to write it back; all else is kept as it was sent.

    Raises:
        InvalidRequestError: not JSON, not an object, `NaN` or `Infinity`, the same member twice, a number
            of more than 1000 digits, nested deeper than 64.

    """
    return _read(text, _STRICT)


def read_event_object(text: str) -> dict[str, object]:
    """Parse the text of one JSON object as `read_object` does; of a doubled member the last one counts.

    VOD's own samples have such. Values are counted before anything is parsed: empty ones cost most.

    Raises:
        InvalidRequestError: as `read_object`, or more than 50,000 objects and lists, or 300,000 commas.

    """
    # What has fewer characters cannot have so many values.
    if len(text) > MAX_CONTAINERS and (
        text.count("{") + text.count("[") > MAX_CONTAINERS or text.count(",") > MAX_COMMAS
    ):
        raise InvalidRequestError("The body has too many values.")
    return _read(text, _LENIENT)


def _read(text: str, decoder: json.JSONDecoder) -> dict[str, object]:
    try:
        value: object = decoder.decode(text)
    except ValueError as error:
        raise InvalidRequestError("The body is not JSON.") from error
    except RecursionError as error:
        raise InvalidRequestError("The body is nested too deep.") from error
    if not isinstance(value, dict):
        raise InvalidRequestError("The body is not a JSON object.")
    # Counting brackets is far cheaper than walking the tree, and settles every honest body.
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_too_deep(value):
        raise InvalidRequestError("The body is nested too deep.")
    return value


def canonical_json(value: object) -> str:
    """Encode a value canonically: sorted members, no spaces, ASCII only."""
    return _CANONICAL.encode(value)


def as_text(value: object) -> str:
    """Return a string that any encoding can carry, the digits of an integer, or `""`.

    A lone surrogate, which no encoding accepts, becomes U+FFFD.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    integer = as_integer(value)
    return "" if integer is None else str(integer)


def as_integer(value: object) -> int | None:
    """Return an integer that fits into 64 bits, or None."""
    # A bool is an int to isinstance.
    return value if type(value) is int and _LEAST_INTEGER <= value <= _GREATEST_INTEGER else None


def as_number(value: object) -> float | None:
    """Return a number as a float, or None."""
    if isinstance(value, float):
        return value
    integer = as_integer(value)
    return None if integer is None else float(integer)


def as_object(value: object) -> dict[str, object]:
    """Return an object, or an empty one if the value is none."""
    return value if isinstance(value, dict) else {}


def objects_in(value: object) -> tuple[dict[str, object], ...]:
    """Return the objects among the items of a list."""
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def texts_in(value: object) -> tuple[str, ...]:
    """Return the texts among the items of a list, without the empty ones."""
    return tuple(filter(None, map(as_text, value))) if isinstance(value, list) else ()


def _object_from(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequestError("An object in the body has two members of one name.")
    return members


def _integer_from(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_DIGITS:
        raise InvalidRequestError("A number in the body has too many digits.")
    return int(digits)


def _number_from(digits: str) -> float | str:
    number = float(digits)
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def _refuse_constant(_name: str) -> object:
    raise InvalidRequestError("The body holds NaN or Infinity, which JSON does not know.")


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _decoder(
    object_pairs_hook: Callable[[list[tuple[str, object]]], dict[str, object]] | None = None,
) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=object_pairs_hook,
        parse_int=_integer_from,
        parse_float=_number_from,
        parse_constant=_refuse_constant,
    )


_STRICT, _LENIENT = _decoder(_object_from), _decoder()


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _containers_in(node)]
    return bool(level)


def _containers_in(node: object) -> list[object]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [child for child in children if isinstance(child, dict | list)]
