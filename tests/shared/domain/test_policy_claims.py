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
        {"a": {"role": "teacher"}},
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


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["offline_access", "teacher"]}}),
        ("resource_access.web.roles", {"resource_access": {"web": {"roles": ["teacher"]}}}),
        ("app_metadata.role", {"role": "authenticated", "app_metadata": {"role": "teacher"}}),
        ("o.rol", {"o": {"id": "org_1", "rol": "teacher"}, "v": 2}),
        ("https://app.example.com/role", {"https://app.example.com/role": "teacher"}),
        ("a.b.c", {"a": {"b.c": "teacher", "b": {"c": "viewer"}}}),
    ],
    ids=["Keycloak, realm", "Keycloak, client", "Supabase", "Clerk", "Auth0", "a dot inside"],
)
def test_claim_is_named_by_its_path(path: str, claims: dict[str, object]) -> None:
    """Dots lead into objects; on each level a member of exactly the name that is left comes first."""
    assert are_met({path: ("teacher",)}, claims)
    assert not are_met({path: ("teacher",)}, {**claims, path: "viewer"})
    assert not are_met({path: ("teacher",)}, {**claims, path: None})


@pytest.mark.parametrize("outer", [None, "teacher", ["teacher"], [{"roles": "teacher"}], {}, {"roles": {}}])
def test_path_that_leads_nowhere_lets_nobody_in(outer: object) -> None:
    """Neither through a list nor through a text."""
    assert not are_met({"realm_access.roles": ("teacher",)}, {"realm_access": outer, "roles": "teacher"})


@pytest.mark.parametrize("name", ["scope", "scp"])
def test_scope_counts_as_its_words_and_as_a_whole(name: str) -> None:
    """OAuth and Microsoft put several scopes into one text; no part of a word counts.

    Blanks alone are between words (RFC 6749, 3.3).
    """
    for allowed in ("upload:create", "openid", "openid upload:create"):
        assert are_met({name: (allowed,)}, {name: "openid upload:create"})
    for allowed in ("upload", "Openid", "upload:create openid"):
        assert not are_met({name: (allowed,)}, {name: "openid upload:create"})
    assert not are_met({name: ("openid",)}, {name: "email\topenid"})
    assert are_met({name: ("openid",)}, {name: ["email", "openid"]})
    assert not are_met({name: (7,)}, {name: "7"})


@pytest.mark.parametrize("choice", ["1", 1, True])
def test_kinds_of_values_are_told_apart(choice: str | int | bool) -> None:  # noqa: FBT001  # the value is what is tested
    """As in JSON: a text is no number, and a number no truth value."""
    others = [other for other in ("1", 1, True, 1.0) if type(other) is not type(choice)]

    assert are_met({"paid": (choice,)}, {"paid": choice})
    assert not any(are_met({"paid": (choice,)}, {"paid": other}) for other in others)
    assert not are_met({"paid": (choice,)}, {"paid": others})
