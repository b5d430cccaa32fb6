"""Models of what comes from outside: classes with declared members, each made of a mapping, or not at all.

`shared.field_types` checks the members. The names are those of pydantic, for which the same
declarations serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar, get_args, get_type_hints

from shared.field_types import Field, Finding, InvalidValueError, check_of, field_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_options: object) -> Callable[[type], type]:
        """Declare the constructor to the type checker; without effect at run time."""
        return lambda kind: kind


_NO_DEFAULT: Any = object()
_Function = TypeVar("_Function")


class ModelConfig(NamedTuple):
    """How a model is read: whether a member that was not declared is a fault, and what names are outside."""

    extra: str = "ignore"
    alias_generator: Callable[[str], str] | None = None
    validate_default: bool = False


class ValidationInfo(NamedTuple):
    """What a validator may know beside the value: the members before it that are right."""

    data: Mapping[str, Any]


class FieldValidator(Generic[_Function]):
    """A further check of one member, once it has its type; see `field_validator`."""

    def __init__(self, field: str, function: _Function) -> None:
        self.field = field
        self.function: Any = getattr(function, "__func__", function)


class FieldInfo(NamedTuple):
    """One member as it is `declared`: `annotation` is its bare type, `alias` its name outside."""

    declared: Any
    annotation: Any
    alias: str
    default: Any
    repr: bool
    check: Callable[[Any], Any]
    validators: tuple[Any, ...]
    validate_default: bool

    @property
    def is_required(self) -> bool:
        """Return whether the member has no default."""
        return self.default is _NO_DEFAULT


class _Fields:
    """The members of a class, read once, when they are first needed."""

    def __get__(self, _instance: object, owner: type[Model]) -> dict[str, FieldInfo]:
        known: dict[str, FieldInfo] | None = vars(owner).get("_known_fields")
        if known is None:
            known = _fields_of(owner)
            owner._known_fields = known  # noqa: SLF001 -- its own class
        return known


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:
    """A value with declared members; it never changes."""

    model_config: ClassVar[ModelConfig] = ModelConfig()
    model_fields: ClassVar[_Fields] = _Fields()
    _known_fields: ClassVar[dict[str, FieldInfo]]

    def __init__(self, **members: Any) -> None:  # noqa: ANN401 -- each member has its own type
        vars(self).update(_read(type(self), members))

    @classmethod
    def model_validate(cls, members: object) -> Self:
        """Build an instance from a mapping with the external names.

        Raises:
            InvalidValueError: with every finding.

        """
        if isinstance(members, cls):
            return members
        if not isinstance(members, dict):
            words = f"Input should be a valid dictionary or instance of {cls.__name__}"
            raise field_error("model_type", words)
        made = cls.__new__(cls)
        vars(made).update(_read(cls, members))
        return made

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """Return a copy with these members, which are not checked."""
        made = type(self).__new__(type(self))
        vars(made).update(vars(self) | dict(update))
        return made

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse."""
        raise InvalidValueError(Finding((name,), "frozen_instance", "Instance is frozen"))

    def __eq__(self, other: object) -> bool:
        """Compare member by member."""
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        """Be the same for what is equal."""
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        """Show the members that may be shown."""
        shown = (f"{name}={vars(self)[name]!r}" for name, it in self.model_fields.items() if it.repr)
        return f"{type(self).__name__}({', '.join(shown)})"


def field_validator(field: str) -> Callable[[_Function], _Function]:
    """Check a member further; the function gets the class, the value, and the members before it.

    It returns the value, or raises ValueError.
    """

    def decorate(function: _Function) -> Any:  # noqa: ANN401 -- what a class keeps of it is no method
        return FieldValidator(field, function)

    return decorate


def to_camel(name: str) -> str:
    """Convert a member name to its JSON form: `storage_region` -> `storageRegion`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _fields_of(owner: type[Model]) -> dict[str, FieldInfo]:
    config = owner.model_config
    validators = [
        it for kind in reversed(owner.__mro__) for it in vars(kind).values() if isinstance(it, FieldValidator)
    ]
    fields = {}
    for name, annotation in get_type_hints(owner, include_extras=True).items():
        if name in ("model_config", "model_fields", "_known_fields"):
            continue
        mark = next((it for it in get_args(annotation)[1:] if isinstance(it, Field)), Field())
        outside = config.alias_generator(name) if config.alias_generator else name
        fields[name] = FieldInfo(
            declared=annotation,
            annotation=get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation,
            alias=mark.alias or outside,
            default=getattr(owner, name, _NO_DEFAULT),
            repr=mark.repr,
            check=check_of(annotation),
            validators=tuple(it.function for it in validators if it.field == name),
            validate_default=mark.validate_default or config.validate_default,
        )
    return fields


def _read(kind: type[Model], members: Mapping[str, Any]) -> dict[str, Any]:
    findings: list[Finding] = []
    values: dict[str, Any] = {}
    fields: dict[str, FieldInfo] = kind.model_fields
    for name, field in fields.items():
        given = field.alias in members
        if not given and field.is_required:
            findings.append(Finding((field.alias,), "missing", "Field required"))
            continue
        value = members[field.alias] if given else field.default
        try:
            if given or field.validate_default:
                value = _checked(kind, field, value, values)
        except InvalidValueError as error:
            # A default has no name outside.
            findings += error.below(field.alias if given else name)
        else:
            values[name] = value
    if kind.model_config.extra == "forbid":
        known = {field.alias for field in fields.values()}
        extra = "Extra inputs are not permitted"
        findings += [Finding((name,), "extra_forbidden", extra) for name in members if name not in known]
    if findings:
        raise InvalidValueError(*findings)
    return values


def _checked(kind: type[Model], field: FieldInfo, value: object, before: Mapping[str, Any]) -> object:
    value = field.check(value)
    for validator in field.validators:
        try:
            value = validator(kind, value, ValidationInfo(before))
        except ValueError as error:  # noqa: PERF203 -- a validator is one of a few
            raise field_error("value_error", f"Value error, {error}") from None
    return value
