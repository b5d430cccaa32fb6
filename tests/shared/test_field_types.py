from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
import pytest

from local.pydantic_models import pydantic_type
from shared.field_types import (
    AfterValidator,
    BeforeValidator,
    Field,
    InvalidValueError,
    Strict,
    StringConstraints,
    check_of,
)
from shared.model import Model, ModelConfig, field_validator, to_camel


def refuse(_value: object) -> object:
    """Refuse everything."""
    raise ValueError("is refused")


def found(kind: Any, value: object) -> list[tuple[Any, ...]]:  # noqa: ANN401 -- types have no common one
    """List what is wrong with a value; nothing, if it is what pydantic makes of it."""
    adapter = pydantic.TypeAdapter(pydantic_type(kind))
    try:
        read = check_of(kind)(value)
    except InvalidValueError as error:
        return [tuple(finding) for finding in error.findings]
    assert repr(read) == repr(adapter.validate_python(value))
    return []


def found_by_pydantic(kind: Any, value: object) -> list[tuple[Any, ...]]:  # noqa: ANN401 -- as above
    """List what pydantic finds wrong."""
    try:
        pydantic.TypeAdapter(pydantic_type(kind)).validate_python(value)
    except pydantic.ValidationError as error:
        return [(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors(include_url=False)]
    return []


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        (str, "\ud800", True),
        (Annotated[str, Field(min_length=1)], "\ud800", False),
        (Annotated[str, Field(pattern="^a")], "ab\n", True),
        (Annotated[str, Field(pattern="^a$")], "a\n", False),
        (Annotated[str, StringConstraints(min_length=2, max_length=3)], "a", False),
        (Annotated[str, StringConstraints(min_length=1, max_length=1)], "abc", False),
        (str, 1, False),
        (int, "12", True),
        (int, "1" * 5000, False),
        (Annotated[int, Strict()], "12", False),
        (Annotated[int, Field(ge=3)], 2, False),
        (Annotated[int, Field(le=3)], 4, False),
        (float, "1.5", True),
        (float, 2, True),
        (float, "one", False),
        (float, None, False),
        (Annotated[float, Field(ge=0, le=60)], "nan", False),
        (bool, "yes", True),
        (bool, True, True),
        (bool, "maybe", False),
        (Annotated[bool, Strict()], "yes", False),
        (bytes, b"abc", True),
        (bytes, 1, False),
        (Literal["a"], "a", True),
        (Literal["a"], "b", False),
        (Literal["a", "b", "c"], 1, False),
        (tuple[int, ...], ["1", "x", None], False),
        (tuple[int, ...], (1, 2), True),
        (tuple[int, ...], "12", False),
        (Annotated[tuple[int, ...], Field(min_length=1)], [], False),
        (Annotated[tuple[int, ...], Field(max_length=1)], [1, 2], False),
        (Annotated[tuple[int, ...], BeforeValidator(list), Field(min_length=1)], (), False),
        (Annotated[tuple[int, ...], BeforeValidator(list), Field(max_length=1)], (1, 2), False),
        (dict[Annotated[str, Field(min_length=1)], int], {"": "x", "a": 1}, False),
        (dict[str, int], [], False),
        (int | None, None, True),
        (Annotated[int | None, Field(ge=1)], 0, False),
        (Annotated[str, BeforeValidator(refuse)], "a", False),
        (Annotated[str, AfterValidator(refuse)], "a", False),
        (Annotated[str, BeforeValidator(str.strip), AfterValidator(str.upper)], " a ", True),
        (Annotated[str, Strict()] | Annotated[int, Strict()], 1.5, False),
        (Annotated[str, Strict()] | Annotated[int, Strict()], 1, True),
    ],
)
def test_value_is_taken_or_refused_as_by_pydantic(kind: Any, value: object, *, right: bool) -> None:  # noqa: ANN401 -- as above
    """The same values, and the same words about those that are wrong."""
    wrong = found(kind, value)

    assert wrong == found_by_pydantic(kind, value)
    assert (wrong == []) is right


class _Index(Model):
    model_config = ModelConfig(extra="forbid", alias_generator=to_camel)

    long_name: Annotated[str, Field(repr=False)]
    many: int = 3

    @field_validator("many")
    @classmethod
    def _is_even(cls, many: int, info: Any) -> int:  # noqa: ANN401 -- as above
        if many % 2:
            raise ValueError(f"is odd beside {sorted(info.data)}")
        return many


def test_model_is_made_by_the_names_outside() -> None:
    """From code or from a document, with what it does not show, and without what was not said."""
    made = _Index(longName="secret", many=4)  # type: ignore[call-arg]  # its name outside

    assert made == _Index.model_validate({"longName": "secret", "many": "4"})
    assert hash(made) == hash(_Index.model_validate(made))
    assert made != made.model_copy(update={"many": 6})
    assert made != "secret"
    assert repr(made) == "_Index(many=4)"
    assert _Index.model_validate({"longName": "a"}).many == 3


def test_model_never_changes() -> None:
    """It is the same for whoever holds it."""
    made = _Index.model_validate({"longName": "a"})

    with pytest.raises(InvalidValueError, match="frozen"):
        made.many = 4  # type: ignore[misc]  # that it must not is the point


def test_every_finding_names_its_place_and_no_value() -> None:
    """Findings of one document come together, and their text can be logged."""
    with pytest.raises(InvalidValueError) as refusal:
        _Index.model_validate({"many": 5, "else": "canary"})

    assert [tuple(it) for it in refusal.value.findings] == [
        (("longName",), "missing", "Field required"),
        (("many",), "value_error", "Value error, is odd beside []"),
        (("else",), "extra_forbidden", "Extra inputs are not permitted"),
    ]
    assert "canary" not in str(refusal.value)
