"""How a reply's members are declared, and what is wrong with a reply that differs.

A declaration maps paths to members: `data.video.url` is in an object, `Part[].ETag` in each item of a list,
and `EventSet[].*` stands for whatever else somebody else has written there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Condition = Callable[[Mapping[str, object]], bool]

_EMPTY: tuple[object, ...] = ("", None, [], {})


@dataclass(frozen=True)
class Member:
    """One member: the words say when it is absent and why it may be empty; no words are never.

    `holds` checks the condition of presence, where the object that has the member shows it.
    """

    absent_unless: str = ""
    may_be_empty: str = ""
    holds: Condition | None = None


Declaration = dict[str, Member]

ALWAYS = Member()


def absent_unless(condition: str, *, holds: Condition | None = None, may_be_empty: str = "") -> Member:
    """Declare a member that is left out, rather than empty, where the condition does not hold."""
    return Member(absent_unless=condition, holds=holds, may_be_empty=may_be_empty)


def may_be_empty(reason: str) -> Member:
    """Declare a member that is always there, and may be an empty text, list or null."""
    return Member(may_be_empty=reason)


def all_absent_unless(condition: str, members: Declaration) -> Declaration:
    """Return members that are all left out where the condition does not hold."""
    return {name: replace(member, absent_unless=condition) for name, member in members.items()}


def under(path: str, members: Declaration, member: Member = ALWAYS) -> Declaration:
    """Return a member and the members inside it; `path` ends with `[]` for a list."""
    return {path.removesuffix("[]"): member, **{f"{path}.{name}": value for name, value in members.items()}}


def objections(reply: Mapping[str, object], declared: Declaration) -> list[str]:
    """Return a sentence for each member that is missing, empty or there against its declaration."""
    return list(_objections(reply, declared, ""))


def paths(reply: object, declared: Declaration, path: str = "") -> set[str]:
    """Return the declared paths that a reply has."""
    found = {path} & set(declared)
    if isinstance(reply, list):
        return found.union(*(paths(item, declared, f"{path}[]") for item in reply))
    if isinstance(reply, dict):
        inside = (paths(value, declared, _joined(path, name)) for name, value in reply.items())
        return found.union(*inside)
    return found


def _objections(reply: Mapping[str, object], declared: Declaration, prefix: str) -> Iterator[str]:
    for path, member in declared.items():
        parent, _, name = path.rpartition(".")
        if parent == prefix and name not in (*reply, "*"):
            yield from _about_an_absent_member(reply, path, member)
    for name, value in reply.items():
        path = _joined(prefix, name)
        if path in declared:
            yield from _about_a_value(reply, path, declared[path], value)
            items = [(value, path)] if isinstance(value, dict) else []
            items += [(item, f"{path}[]") for item in value] if isinstance(value, list) else []
            for item, place in items:
                if isinstance(item, dict):
                    yield from _objections(item, declared, place)
        elif _joined(prefix, "*") not in declared:
            yield f"{path} is not declared"


def _about_an_absent_member(reply: Mapping[str, object], path: str, member: Member) -> Iterator[str]:
    if not member.absent_unless:
        yield f"{path} is missing"
    elif member.holds is not None and member.holds(reply):
        yield f"{path} is missing, although {member.absent_unless}"


def _about_a_value(reply: Mapping[str, object], path: str, member: Member, value: object) -> Iterator[str]:
    if value in _EMPTY and not member.may_be_empty:
        yield f"{path} is empty"
    if member.holds is not None and not member.holds(reply):
        yield f"{path} is there, and it is not so that {member.absent_unless}"


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
