"""What is compared of an answer: the shape of a reply, and the differences of two answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Answer = dict[str, Any]
"""Facts by name: texts, numbers, flags, and objects of them. None of them differs between two accounts that
behave alike."""
ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """One fact that VOD and the simulator answer differently; `path` names it, with dots."""

    path: str
    real: object
    simulated: object


def shape(value: object) -> dict[str, str]:
    """Return the kind of each member by its path: `Part[].ETag` is a member of the items of a list."""
    return {path: "/".join(sorted(kinds)) for path, kinds in sorted(_kinds(value).items())}


def _kinds(value: object, path: str = "") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {path: {_kind(value)}} if path else {}
    inside: list[tuple[str, object]] = []
    if isinstance(value, dict):
        inside = [(f"{path}.{name}" if path else str(name), member) for name, member in value.items()]
    elif isinstance(value, list):
        inside = [(f"{path}[]", item) for item in value]
    for place, member in inside:
        for inner, kinds in _kinds(member, place).items():
            found.setdefault(inner, set()).update(kinds)
    return found


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, str):
        return "text" if value else "empty text"
    if isinstance(value, list):
        return "list" if value else "empty list"
    return "object" if isinstance(value, dict) else "number"


def differences(real: Mapping[str, Any], simulated: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Compare two answers, fact by fact."""
    return tuple(_differences(real, simulated, ""))


def _differences(real: Mapping[str, Any], simulated: Mapping[str, Any], prefix: str) -> Iterator[Difference]:
    for name in dict.fromkeys((*real, *simulated)):
        one, other = real.get(name, ABSENT), simulated.get(name, ABSENT)
        path = f"{prefix}{name}"
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, f"{path}: ")
        elif one != other:
            yield Difference(path, one, other)
