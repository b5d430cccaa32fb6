"""The models of `shared/` as pydantic's own: for the OpenAPI document, and as a second opinion.

A function checks what comes in without pydantic, whose import would be most of its cold start; these are
made of the very same declarations. What a declaration means here is pydantic's affair alone, so that a
deployment's settings are checked twice before they are deployed (`local.package.checks`).
"""

from __future__ import annotations

from functools import reduce
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, cast, get_args, get_origin

import pydantic

from shared import field_types
from shared.model import Model, ValidationInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.field_types import Finding
    from shared.model import FieldInfo


_made: dict[type[Model], type[pydantic.BaseModel]] = {}


def pydantic_model(model: type[Model]) -> type[pydantic.BaseModel]:
    """Build pydantic's model of the same declarations; cached."""
    if model not in _made:
        _made[model] = _make(model)
    return _made[model]


def findings(model: type[Model], members: object) -> list[Finding]:
    """List what pydantic finds wrong with the members, as `InvalidValueError` would."""
    try:
        pydantic_model(model).model_validate(members)
    except pydantic.ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        return [field_types.Finding(it["loc"], it["type"], it["msg"]) for it in found]
    return []


def _make(model: type[Model]) -> type[pydantic.BaseModel]:
    config = model.model_config
    fields: Mapping[str, FieldInfo] = model.model_fields
    made = pydantic.create_model(  # type: ignore[call-overload]  # its members are known at run time only
        model.__name__,
        __config__=pydantic.ConfigDict(
            frozen=True,
            hide_input_in_errors=True,
            extra="forbid" if config.extra == "forbid" else "ignore",
            alias_generator=config.alias_generator,
            validate_default=config.validate_default,
        ),
        __doc__=model.__doc__,
        __validators__={
            f"check_{name}_{number}": pydantic.field_validator(name)(classmethod(_validator(model, function)))
            for name, field in fields.items()
            for number, function in enumerate(field.validators)
        },
        **{
            name: (pydantic_type(field.declared), ... if field.is_required else field.default)
            for name, field in fields.items()
        },
    )
    return cast("type[pydantic.BaseModel]", made)


def _validator(model: type[Model], function: Any) -> Callable[..., object]:  # noqa: ANN401 -- each has its own type
    def check(_cls: type, value: object, info: pydantic.ValidationInfo) -> object:
        return function(model, value, ValidationInfo(info.data))

    return check


def pydantic_type(kind: Any) -> Any:  # noqa: ANN401 -- types have no common one
    """Convert a declared type to pydantic's."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        base, *marks = parts
        return reduce(lambda kind, mark: Annotated[kind, _mark(mark)], marks, pydantic_type(base))
    if origin in (Union, UnionType):
        return Union[tuple(pydantic_type(part) for part in parts)]  # noqa: UP007 -- known at run time only
    if origin in (tuple, dict):
        return origin[tuple(part if part is ... else pydantic_type(part) for part in parts)]
    return pydantic_model(kind) if isinstance(kind, type) and issubclass(kind, Model) else kind


def _mark(mark: object) -> object:
    if isinstance(mark, field_types.Field):
        known: dict[str, Any] = {"repr": mark.repr, **mark.limits}
        if mark.alias is not None:
            known["alias"] = mark.alias
        if mark.validate_default:
            known["validate_default"] = True
        return pydantic.Field(**known)
    if isinstance(mark, field_types.StringConstraints):
        return pydantic.StringConstraints(**mark.limits)
    if isinstance(mark, field_types.BeforeValidator):
        return pydantic.BeforeValidator(mark.func)
    if isinstance(mark, field_types.AfterValidator):
        return pydantic.AfterValidator(mark.func)
    return pydantic.Strict()
