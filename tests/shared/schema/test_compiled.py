"""What functions validate by, held against the pydantic models that it is compiled of."""

from __future__ import annotations

import json
import random
import re
import string
import subprocess
import sys
from functools import partial
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shared.schema.models.settings as setting_models
from local.compiled_schema import compiled, compiled_text
from local.package.function_settings import SETTINGS
from local.package.wheels import read_lock
from local.repository import REPOSITORY
from shared.config import settings as setting_values
from shared.domain import policy
from shared.domain.policy import SignatureRequest, camel_case
from shared.schema import validation
from shared.schema.models import policy as policy_models
from shared.schema.models import uploads as upload_models
from tests.functions.deployment import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

VALUE_CLASSES = {policy_models.Policy: policy.Policy}
GROUPS = [name for name in compiled() if name.endswith("Settings")]
COMPLETE = {
    **environment("redis://host:6379/0"),
    "APP_WEBHOOK_URL": "https://app.example.com/hook",
    "APP_WEBHOOK_SECRETS": "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cy13aXRoLTMyLWJ5dGVz",
}
EXAMPLES = settings().max_examples
DOCUMENTS = 250
"""So many are made of the values of one example, because drawing values takes a hundred times as long: 50,000
in all, where TEST_EXAMPLES does not ask for fewer."""

BOUNDS = sorted({int(digits) + step for digits in re.findall(r"\d+", compiled_text()) for step in (-1, 0, 1)})
"""The numbers of the compiled file, and those beside them."""
PARTICULAR = ["on", "off", "Finish", "ap-seoul", "mp4", "https://host.example", "redis://host", "anonymous"]
WORDS = st.text(string.printable, max_size=40) | st.text(max_size=10) | st.sampled_from(PARTICULAR)
INTEGERS = st.integers() | st.sampled_from(BOUNDS)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ODD_NUMBERS = st.from_regex(r"\s{0,2}[+-]{0,2}[0-9_]{0,6}(\.[0-9]{0,3})?\s?", fullmatch=True)
NUMBERS = (INTEGERS | st.floats()).map(str) | ODD_NUMBERS
BOOLEANS = st.sampled_from(["1", "0", "true", "FALSE", "On", "oFF", "y", "N", "yes", "no", "t", "F", " true"])
KEY_LISTS = st.lists(st.text("abc,. ", max_size=40), max_size=4).map(",".join)
TEXTS = st.one_of(WORDS, NUMBERS, BOOLEANS, KEY_LISTS, JSON.map(json.dumps))
SEEDS = st.integers(0, 1 << 32)


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Draw the values of which documents are made."""
    return st.lists(values, min_size=8, max_size=8)


def documents(names: Sequence[str], values: Sequence[Any], seed: int) -> Iterator[dict[str, Any]]:
    """Return some members some of the values, now and then one that was not declared."""
    draw = random.Random(seed)  # noqa: S311 -- a test's, and repeatable
    for _ in range(DOCUMENTS):
        chosen = draw.sample([*names, "another"], draw.choice((1, 1, 2, 3, len(names))))
        yield {name: draw.choice(values) for name in chosen}


def outcome(read: Callable[[object], Any], members: object) -> tuple[str, list[tuple[Any, ...]]]:
    """Read members: what they become, or everything that is wrong with them."""
    try:
        return repr(plain(read(members))), []
    except pydantic.ValidationError as error:
        return "", [(it["loc"], it["type"], it["msg"]) for it in validation.errors_in(error)]


def plain(value: Any) -> Any:  # noqa: ANN401 -- a value, a model or a part of one
    """Write a value and its model in the same way."""
    if isinstance(value, (policy.Policy, SignatureRequest)):
        return value._asdict()
    if isinstance(value, (setting_values.SettingsGroup, pydantic.BaseModel)):
        return {name: plain(member) for name, member in vars(value).items()}
    return {name: plain(it) for name, it in value.items()} if isinstance(value, dict) else value


def alike(value_class: type, model: type[pydantic.BaseModel], members: object) -> bool:
    """Return whether the compiled and the live model say the same."""
    live = outcome(model.model_validate, members)
    return outcome(partial(validation.validate, value_class), members) == live


def model_of(value_class: type) -> type[pydantic.BaseModel]:
    """Find the model that a class of settings has its fields of."""
    model: type[pydantic.BaseModel] = getattr(setting_models, value_class.__name__)
    return model


def test_compiled_file_is_what_pydantic_makes_of_the_models() -> None:
    """After a change to a model, or a new pydantic: `make schema`."""
    with open(validation.COMPILED_FILE, encoding="utf-8") as file:  # noqa: PTH123 -- it is no Path
        assert file.read() == compiled_text()


def test_compiled_file_is_made_with_the_versions_that_are_deployed() -> None:
    """A core schema is for the pydantic_core of its release."""
    lock = read_lock((REPOSITORY / "requirements.txt").read_text("utf-8"))

    made_with = compiled()["made_with"]

    assert made_with == {name: lock[name].version for name in ("pydantic", "pydantic-core")}


@pytest.mark.parametrize("function", SETTINGS)
@settings(max_examples=EXAMPLES // 5)
@given(values=several(TEXTS), seed=SEEDS)
def test_settings_are_read_alike(function: str, values: list[str], seed: int) -> None:
    """A complete deployment in which some variables have other texts, and some are missing."""
    value_class = SETTINGS[function]
    for changes in documents(sorted(setting_values.variables_of(value_class)), ["", *values], seed):
        given_to = {name: text for name, text in (COMPLETE | changes).items() if text}

        assert alike(value_class, model_of(value_class), given_to), given_to


@settings(max_examples=EXAMPLES // 2)
@given(values=several(st.one_of(JSON, st.lists(WORDS, max_size=3))), seed=SEEDS)
def test_policies_are_read_alike(values: list[Any], seed: int) -> None:
    """Whatever JSON a policy is made of."""
    pair = {name: COMPLETE[name] for name in ("VOD_SECRET_ID", "VOD_SECRET_KEY")}
    names = [camel_case(name) for name in policy.Policy._fields]
    for members in documents(names, values, seed):
        given_to = {**pair, "UPLOAD_POLICIES": json.dumps({"default": members})}

        assert alike(setting_values.SigningSettings, setting_models.SigningSettings, given_to), members


@settings(max_examples=EXAMPLES // 2)
@given(values=several(JSON), seed=SEEDS)
def test_requests_are_read_alike(values: list[Any], seed: int) -> None:
    """Whatever JSON a request is made of."""
    for members in documents([camel_case(name) for name in SignatureRequest._fields], values, seed):
        assert alike(SignatureRequest, upload_models.SignatureRequest, members), members


@pytest.mark.parametrize("function", SETTINGS)
def test_complete_settings_are_accepted_by_both(function: str) -> None:
    """The comparison above is not only one of refusals."""
    value_class = SETTINGS[function]

    assert outcome(model_of(value_class).model_validate, COMPLETE)[1] == []
    assert alike(value_class, model_of(value_class), COMPLETE)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"AUTH_MODE": "anonymous"}, ["anonymous_key"]),
        ({"JWT_SECRETS": ""}, ["jwt_jwks_url"]),
        ({"UPLOAD_POLICIES": '{"default": {"ttl": 5}}'}, ["UPLOAD_POLICIES.default.ttl"]),
        ({"UPLOAD_POLICIES": '{"default": {}, "other": 7}'}, ["UPLOAD_POLICIES.other"]),
        ({"UPLOAD_POLICIES": "{}"}, ["UPLOAD_POLICIES"]),
        ({"NEW_UPLOADS_PER_MINUTE": "0", "STAGE": "A"}, ["STAGE", "NEW_UPLOADS_PER_MINUTE"]),
    ],
)
def test_rules_across_members_survive_compilation(changes: dict[str, str], refused: list[str]) -> None:
    """So do unknown members of a policy, and bounds. An error in a default has the field's name."""
    given_to = {name: text for name, text in (COMPLETE | changes).items() if text}

    _, errors = outcome(partial(validation.validate, setting_values.UploadSignatureSettings), given_to)

    assert [".".join(map(str, loc)) for loc, _, _ in errors] == refused


def bare(kind: Any) -> Any:  # noqa: ANN401 -- types have no common one
    """Take a type's limits and validators off, down to its parts."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return bare(parts[0])
    if origin is Literal or not parts:
        return VALUE_CLASSES.get(kind, kind)
    bared = tuple(bare(part) for part in parts)
    return Union[bared] if origin is UnionType else origin[bared]  # noqa: UP007 -- known at run time only


@pytest.mark.parametrize(
    ("value_class", "model"),
    [
        *((getattr(setting_values, name), getattr(setting_models, name)) for name in GROUPS),
        *((value_class, model_of(value_class)) for value_class in SETTINGS.values()),
        (policy.Policy, policy_models.Policy),
        (SignatureRequest, upload_models.SignatureRequest),
    ],
    ids=lambda kind: kind.__name__,
)
def test_value_has_the_names_and_types_of_its_model(
    value_class: type, model: type[pydantic.BaseModel]
) -> None:
    """In the same order, by which errors are listed and what goes together is checked."""
    namespace = {"Policy": policy.Policy}

    types = get_type_hints(value_class, localns=namespace)
    declared = {name: bare(kind) for name, kind in get_type_hints(model, include_extras=True).items()}

    assert {name: declared[name] for name in model.model_fields} == {
        name: bare(types[name]) for name in types
    }


def test_names_of_members_in_json_are_those_of_the_models() -> None:
    """The domain writes pointers to members without knowing the models."""
    for model in (policy_models.Policy, upload_models.SignatureRequest):
        assert {name: field.alias for name, field in model.model_fields.items()} == {
            name: camel_case(name) for name in model.model_fields
        }


def test_pydantic_can_be_imported_later_than_its_core() -> None:
    """A command of `local/` does, and its models raise the same error."""
    program = (
        "from shared.schema.validation import ValidationError\nimport pydantic, pydantic_core\n"
        "print(pydantic.ValidationError is pydantic_core.ValidationError is ValidationError)"
    )
    command = [sys.executable, "-c", program]

    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)  # noqa: S603 -- our own

    assert run.stdout == "True\n"


def test_pydantic_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then its extension is there as well; without it, its place is taken while it is loaded."""
    whole = validation.load_core()
    monkeypatch.delitem(sys.modules, "pydantic_core")
    alone = validation.load_core()

    assert "pydantic_core" not in sys.modules
    assert whole.ValidationError is alone.ValidationError is pydantic.ValidationError
