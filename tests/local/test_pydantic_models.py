"""What a function lets in pydantic lets in, and what it finds wrong, in the same words."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.package.checks import SETTINGS
from local.pydantic_models import findings, pydantic_model
from shared.domain.policy import Policy, SignatureRequest
from shared.field_types import InvalidValueError
from tests.functions.deployment import environment

if TYPE_CHECKING:
    from shared.model import Model

WORDS = st.one_of(
    st.text(string.printable, max_size=40),
    st.text(max_size=10),
    st.sampled_from(
        ["on", "off", "Finish", "ap-seoul", "mp4", "https://host.example", "redis://host", "anonymous"]
    ),
)
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), WORDS
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.from_regex(r"\s{0,2}[+-]{0,2}[0-9_]{0,6}(\.[0-9]{0,3})?\s?", fullmatch=True),
    st.sampled_from(["1_000", "1__0", "_1", "1_", "30.0", "30.", ".5", "0x10", "1e3", "+5", "", " ", "007"]),
)
BOOLEANS = st.sampled_from(
    ["1", "0", "true", "FALSE", "On", "oFF", "y", "N", "yes", "no", "t", "F", "2", "", " true"]
)
KEY_LISTS = st.lists(st.text("abc,. ", max_size=40), max_size=4).map(",".join)
VALUES = st.one_of(WORDS, NUMBERS, BOOLEANS, KEY_LISTS, JSON.map(json.dumps))


def ours(model: type[Model], members: object) -> tuple[str, list[tuple[Any, ...]]]:
    """Read the members as a function does: what they become, or what is wrong with them."""
    try:
        return repr(model.model_validate(members)), []
    except InvalidValueError as error:
        return "", [tuple(finding) for finding in error.findings]


def pydantics(model: type[Model], members: object) -> tuple[str, list[tuple[Any, ...]]]:
    """Read them as pydantic does."""
    found = [tuple(finding) for finding in findings(model, members)]
    return ("" if found else repr(pydantic_model(model).model_validate(members))), found


def members_of(model: type[Model], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw members by their names outside, now and then with one that was not declared."""
    names = sorted({field.alias for field in model.model_fields.values()})
    known = st.fixed_dictionaries({}, optional=dict.fromkeys(names, values))
    return st.builds(
        lambda inside, beside: beside | inside,
        known,
        st.dictionaries(st.text(string.ascii_letters, max_size=5), values, max_size=1),
    )


@pytest.mark.parametrize("function", SETTINGS)
@given(data=st.data())
def test_settings_are_the_same(function: str, data: st.DataObject) -> None:
    """A complete deployment in which some variables have other texts, and some are missing."""
    model = SETTINGS[function]
    changes = data.draw(members_of(model, VALUES))
    complete = {**environment("redis://host:6379/0"), "APP_WEBHOOK_URL": "https://app.example.com/hook"}
    missing = data.draw(st.sets(st.sampled_from(sorted(complete)), max_size=2))
    given_to = {name: text for name, text in (complete | changes).items() if name not in missing and text}

    assert ours(model, given_to) == pydantics(model, given_to)


@pytest.mark.parametrize("function", SETTINGS)
def test_complete_settings_are_taken_by_both(function: str) -> None:
    """The comparison above is not only one of refusals."""
    complete = {
        **environment("redis://host:6379/0"),
        "APP_WEBHOOK_URL": "https://app.example.com/hook",
        "APP_WEBHOOK_SECRETS": "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cy13aXRoLTMyLWJ5dGVz",
    }

    shown, found = ours(SETTINGS[function], complete)

    assert found == []
    assert (shown, found) == pydantics(SETTINGS[function], complete)


@given(members=members_of(Policy, st.one_of(JSON, st.lists(WORDS, max_size=3))))
@example({"claims": {"role": ["teacher", 1, True]}, "procedures": ["a"], "storageRegions": ["ap-seoul\n"]})
@example({"claims": {"": [1.5, None]}, "classIds": [True], "oneTime": 1, "taskNotifyMode": "Never"})
@example({"claims": {"x": []}, "procedures": [""], "maxFileSize": 0, "ttlSeconds": 86_401})
def test_policies_are_the_same(members: dict[str, Any]) -> None:
    """Whatever JSON a policy is made of."""
    assert ours(Policy, members) == pydantics(Policy, members)


@given(members=members_of(SignatureRequest, JSON))
@example({"uploadId": "01M7Q5CQG00000000000000001", "fileSize": 10**30})
@example({"uploadId": "01M7Q5CQG00000000000000001\n", "context": "\ud800", "classId": 1.0})
def test_requests_are_the_same(members: dict[str, Any]) -> None:
    """Whatever JSON a request is made of."""
    assert ours(SignatureRequest, members) == pydantics(SignatureRequest, members)


@given(value=JSON)
def test_what_is_no_object_is_refused_alike(value: object) -> None:
    """A model is made of an object, and of nothing else."""
    assert ours(Policy, value) == pydantics(Policy, value)


@pytest.mark.parametrize("model", [Policy, SignatureRequest, *SETTINGS.values()])
def test_models_declare_the_same_members(model: type[Model]) -> None:
    """The same names outside, the same defaults, and the same of them shown."""
    twin = pydantic_model(model).model_fields

    assert {
        name: (field.alias, field.is_required, field.repr) for name, field in model.model_fields.items()
    } == {name: (field.alias, field.is_required(), field.repr) for name, field in twin.items()}
