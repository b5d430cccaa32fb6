"""Which users a policy is for: what their token must say of them.

Which policies there are is left to `shared.upload_policy`, and what is a token to
`shared.authentication`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from shared.field_types import Field, StrictBool, StrictInt, StrictStr, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_CLAIMS: Mapping[str, object] = MappingProxyType({})

_ClaimName = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]
_ClaimValues = Annotated[tuple[StrictStr | StrictInt | StrictBool, ...], Field(min_length=1)]
ClaimRules = dict[_ClaimName, _ClaimValues]
"""A claim's name -> the values that let its bearer in."""
NO_RULES: ClaimRules = {}


def are_met(rules: Mapping[str, tuple[str | int | bool, ...]], claims: Mapping[str, object]) -> bool:
    """Whether every named claim is there and its value, or one of a list of values, is let in.

    Values are compared as JSON has them: `1`, `"1"` and `true` are three. A claim of many words, like
    OAuth's `scope`, is one text, and one inside another object has no name here.
    """
    return all(_is_let_in(claims.get(name), allowed) for name, allowed in rules.items())


def _is_let_in(given: object, allowed: tuple[str | int | bool, ...]) -> bool:
    values = given if isinstance(given, list) else [given]
    # Python takes True for 1, and JSON does not.
    return any(type(value) is type(choice) and value == choice for value in values for choice in allowed)
