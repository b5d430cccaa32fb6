from __future__ import annotations

import pytest

from shared.domain.policy import are_met


@pytest.mark.parametrize(
    "role", ["teacher", "admin", ["admin"], ["viewer", "teacher"], [None, {}, "teacher"]]
)
def test_value_or_one_of_its_list_is_let_in(role: object) -> None:
    """Login services write one role as a text, and several as a list."""
    assert are_met({"role": ("teacher", "admin")}, {"role": role, "more": 7})


@pytest.mark.parametrize(
    "claims",
    [
        *({}, {"Role": "teacher"}, {"roles": "teacher"}, {"role": {"teacher": True}}),
        *({"role": role} for role in (None, "", "Teacher", "teacher ", "teacher admin")),
        *({"role": roles} for roles in ([], ["viewer"], [["teacher"]])),
    ],
)
def test_anything_else_is_not(claims: dict[str, object]) -> None:
    """The claim must be present and equal."""
    assert not are_met({"role": ("teacher", "admin")}, claims)


def test_every_named_claim_must_be_met() -> None:
    """One alone is not enough; and where none is named, anybody may."""
    rules = {"role": ("teacher",), "level": (2, 3)}

    assert are_met(rules, {"role": "teacher", "level": 3})
    assert not are_met(rules, {"role": "teacher", "level": 4})
    assert not are_met(rules, {"level": 3})
    assert are_met({}, {})


@pytest.mark.parametrize("choice", ["1", 1, True])
def test_kinds_of_values_are_told_apart(choice: str | int | bool) -> None:  # noqa: FBT001  # the value is what is tested
    """As in JSON: a text is no number, and a number no truth value."""
    others = [other for other in ("1", 1, True, 1.0) if type(other) is not type(choice)]

    assert are_met({"paid": (choice,)}, {"paid": choice})
    assert not any(are_met({"paid": (choice,)}, {"paid": other}) for other in others)
    assert not are_met({"paid": (choice,)}, {"paid": others})
