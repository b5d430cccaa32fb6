"""What a value from outside must be: types and limits as pydantic spells them, and its findings about them.

They are declared as they would be for pydantic, and checked here, because its import alone takes four
times as long as a cold start of the vendor's demo (docs/performance.md). `local.pydantic_models` makes
models of pydantic's own out of the same declarations, and a test holds both to the same findings.
"""

from __future__ import annotations

import re
from functools import partial
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[Any], Any]
    Limits = Mapping[str, Any]


class Finding(NamedTuple):
    """One thing wrong: where, member by member; the kind and the words are pydantic's."""

    place: tuple[int | str, ...]
    kind: str
    message: str


class InvalidValueError(ValueError):
    """A value is not what was declared; no message repeats any part of it."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, it.place))}: {it.message}" for it in findings))
        self.findings = findings

    def below(self, place: int | str) -> list[Finding]:
        """Return the findings as those of the member at `place`."""
        return [it._replace(place=(place, *it.place)) for it in self.findings]


class Field:
    """What is to be known of a member beside its type: its name outside, whether it may be shown, limits."""

    def __init__(  # noqa: PLR0913 -- as many as are used here of pydantic's
        self,
        *,
        alias: str | None = None,
        repr: bool = True,  # noqa: A002 -- pydantic's name
        validate_default: bool = False,
        ge: int | None = None,
        le: int | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
    ) -> None:
        self.alias, self.repr, self.validate_default = alias, repr, validate_default
        self.limits = _given(ge=ge, le=le, min_length=min_length, max_length=max_length, pattern=pattern)


class StringConstraints:
    """Limits of a text."""

    def __init__(
        self,
        *,
        strict: bool | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
    ) -> None:
        self.limits = _given(strict=strict, min_length=min_length, max_length=max_length, pattern=pattern)


class Strict:
    """Nothing is converted: a number is no text, and a text no number."""

    limits: ClassVar[Limits] = {"strict": True}


class BeforeValidator(NamedTuple):
    """What is done to a value before its type is looked at; it raises ValueError."""

    func: Check


class AfterValidator(NamedTuple):
    """What is done to a value that has its type; it raises ValueError."""

    func: Check


StrictBool = Annotated[bool, Strict()]
StrictInt = Annotated[int, Strict()]
StrictStr = Annotated[str, Strict()]

_Number = TypeVar("_Number", int, float)
_TRUE, _FALSE = {"1", "on", "t", "true", "y", "yes"}, {"0", "off", "f", "false", "n", "no"}
_BLANKS = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What pydantic passes over around a number: Unicode's white space, of which Python counts four more."""
_WHOLE_NUMBER = r"(?:\+(?!-))?(-?(?:0[0_]*)?[0-9]+(?:_[0-9]+)*)(?:\.0+)?"
_NUMBER = r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf|infinity|nan)"
_MOST_DIGITS = 4300


def check_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Check:  # noqa: ANN401 -- types have no common one
    """Return a check for values of a type: it returns the value to use.

    Raises:
        InvalidValueError: by the check.

    """
    if get_origin(annotation) is Annotated:
        base, *inner = get_args(annotation)
        return check_of(base, (*inner, *metadata))
    limits: dict[str, Any] = {}
    for it in metadata:
        limits.update(getattr(it, "limits", {}))
        if isinstance(it, BeforeValidator):
            # To pydantic what comes out of a function is no tuple any more, but some value.
            limits["thing"] = "Value"
    steps: list[Check] = [
        partial(_step, it.func) for it in reversed(metadata) if isinstance(it, BeforeValidator)
    ]
    steps.append(_check_of_type(annotation, limits))
    steps += [partial(_step, it.func) for it in metadata if isinstance(it, AfterValidator)]
    return steps[0] if len(steps) == 1 else partial(_in_turn, tuple(steps))


def field_error(kind: str, message: str) -> InvalidValueError:
    """Build the error for a value that is itself wrong."""
    return InvalidValueError(Finding((), kind, message))


def _given(**limits: object) -> Limits:
    return {name: limit for name, limit in limits.items() if limit is not None}


def _in_turn(steps: tuple[Check, ...], value: object) -> object:
    for step in steps:
        value = step(value)
    return value


def _step(function: Check, value: object) -> object:
    try:
        return function(value)
    except ValueError as error:
        raise field_error("value_error", f"Value error, {error}") from None


def _check_of_type(kind: Any, limits: Limits) -> Check:  # noqa: ANN401 -- as above
    if kind in _OF_PLAIN_TYPES:
        return partial(_OF_PLAIN_TYPES[kind], limits)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return partial(_choice, parts)
    if origin is tuple:
        return partial(_sequence, check_of(parts[0]), limits)
    if origin is dict:
        return partial(_mapping, check_of(parts[0]), check_of(parts[1]))
    if origin in (Union, UnionType):
        return _check_of_union(parts, limits)
    check: Check = kind.model_validate
    return check


def _check_of_union(parts: tuple[Any, ...], limits: Limits) -> Check:
    kinds = [part for part in parts if part is not type(None)]
    marks = (_Limits(limits),) if limits else ()
    if len(kinds) < len(parts):
        # Of what may be None there is one kind here.
        return partial(_optional, check_of(kinds[0], marks))
    named = {get_args(kind)[0].__name__: check_of(kind) for kind in kinds}
    return partial(_one_of, named)


class _Limits(NamedTuple):
    limits: Limits


def _optional(check: Check, value: object) -> object:
    return None if value is None else check(value)


def _one_of(checks: Mapping[str, Check], value: object) -> object:
    findings: list[Finding] = []
    for name, check in checks.items():
        try:
            return check(value)
        except InvalidValueError as error:  # noqa: PERF203 -- all findings are wanted
            findings += error.below(name)
    raise InvalidValueError(*findings)


def _text(limits: Limits, value: object) -> str:
    if not isinstance(value, str):
        raise field_error("string_type", "Input should be a valid string")
    if (
        limits.keys() - {"strict", "thing"}
        and not value.isascii()
        and any("\ud800" <= character <= "\udfff" for character in value)
    ):
        words = "Input should be a valid string, unable to parse raw data as a unicode string"
        raise field_error("string_unicode", words)
    least, most, pattern = limits.get("min_length", 0), limits.get("max_length"), limits.get("pattern")
    if len(value) < least:
        raise field_error("string_too_short", f"String should have at least {_counted(least, 'character')}")
    if most is not None and len(value) > most:
        raise field_error("string_too_long", f"String should have at most {_counted(most, 'character')}")
    if pattern is not None and not _compiled(pattern).search(value):
        raise field_error("string_pattern_mismatch", f"String should match pattern '{pattern}'")
    return value


def _compiled(pattern: str) -> re.Pattern[str]:
    # In pydantic's patterns the end is the end, and not also before a last line break.
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern)


def _whole_number(limits: Limits, value: object) -> int:
    if isinstance(value, str) and not limits.get("strict"):
        if len(value) > _MOST_DIGITS:
            words = "Unable to parse input string as an integer, exceeded maximum size"
            raise field_error("int_parsing_size", words)
        digits = re.fullmatch(_WHOLE_NUMBER, value.strip(_BLANKS))
        if digits is None:
            words = "Input should be a valid integer, unable to parse string as an integer"
            raise field_error("int_parsing", words)
        value = int(digits[1].replace("_", ""))
    if not isinstance(value, int) or isinstance(value, bool):
        raise field_error("int_type", "Input should be a valid integer")
    return _within(limits, value)


def _number(limits: Limits, value: object) -> float:
    if isinstance(value, str):
        value = float(_digits_of(value))
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise field_error("float_type", "Input should be a valid number")
    return _within(limits, float(value))


def _digits_of(text: str) -> str:
    """Find the number in a text: between blanks, or with single underscores in it, but not both."""
    joined = text.replace("_", "") if "__" not in text and text.strip("_") == text else ""
    for digits in (text.strip(_BLANKS), joined):
        if re.fullmatch(_NUMBER, digits, re.IGNORECASE | re.ASCII):
            return digits
    raise field_error("float_parsing", "Input should be a valid number, unable to parse string as a number")


def _within(limits: Limits, value: _Number) -> _Number:
    least, most = limits.get("ge"), limits.get("le")
    if most is not None and not value <= most:
        raise field_error("less_than_equal", f"Input should be less than or equal to {most}")
    if least is not None and not value >= least:
        raise field_error("greater_than_equal", f"Input should be greater than or equal to {least}")
    return value


def _boolean(limits: Limits, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if limits.get("strict") or not isinstance(value, str):
        raise field_error("bool_type", "Input should be a valid boolean")
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise field_error("bool_parsing", "Input should be a valid boolean, unable to interpret input")


def _octets(_limits: Limits, value: object) -> bytes:
    if not isinstance(value, bytes):
        raise field_error("bytes_type", "Input should be a valid bytes")
    return value


def _choice(choices: tuple[object, ...], value: object) -> object:
    if isinstance(value, str) and value in choices:
        return value
    *first, last = (repr(choice) for choice in choices)
    words = f"{', '.join(first)} or {last}" if first else last
    raise field_error("literal_error", f"Input should be {words}")


def _sequence(check: Check, limits: Limits, value: object) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise field_error("tuple_type", "Input should be a valid tuple")
    findings: list[Finding] = []
    items: list[object] = []
    for place, item in enumerate(value):
        try:
            items.append(check(item))
        except InvalidValueError as error:  # noqa: PERF203 -- as above
            findings += error.below(place)
    thing, after = limits.get("thing"), f"after validation, not {len(items)}"
    least, most = limits.get("min_length", 0), limits.get("max_length")
    if len(items) < least and not (findings and thing):
        words = f"{thing or 'Tuple'} should have at least {_counted(least, 'item')} {after}"
        findings.append(Finding((), "too_short", words))
    if findings:
        raise InvalidValueError(*findings)
    if most is not None and len(items) > most:
        raise field_error(
            "too_long", f"{thing or 'Tuple'} should have at most {_counted(most, 'item')} {after}"
        )
    return tuple(items)


def _mapping(check_key: Check, check: Check, value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise field_error("dict_type", "Input should be a valid dictionary")
    findings: list[Finding] = []
    members: dict[object, object] = {}
    for key, item in value.items():
        try:
            name = check_key(key)
        except InvalidValueError as error:
            findings += [it._replace(place=(str(key), "[key]", *it.place)) for it in error.findings]
            name = key
        try:
            members[name] = check(item)
        except InvalidValueError as error:
            findings += error.below(str(key))
    if findings:
        raise InvalidValueError(*findings)
    return members


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


_OF_PLAIN_TYPES: Mapping[Any, Callable[[Limits, Any], Any]] = {
    bool: _boolean,
    bytes: _octets,
    float: _number,
    int: _whole_number,
    str: _text,
}
