"""Validate input with pydantic_core, by the schema that pydantic compiled of the models.

The models in `shared.schema.models` declare what a member may be; `compiled.json` beside this file is
what pydantic makes of them, and pydantic_core is the part of pydantic that validates. A function loads
these two alone: importing pydantic takes three times as long as a start of the vendor's demo, and this a
ninth of that start (docs/decisions/0004-compiled-schema.md).
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from shared.domain import policy
from shared.schema import values

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["COMPILED_FILE", "ValidationError", "errors_in", "load_core", "names_outside", "validate"]

COMPILED_FILE = os.path.join(os.path.dirname(__file__), "compiled.json")  # noqa: PTH118, PTH120 -- pathlib would slow every cold start

_Value = TypeVar("_Value")


def load_core() -> ModuleType:
    """Import the extension module of pydantic_core without the package around it.

    The package's own `__init__` imports its 5,000 lines of types and `typing_extensions`, of which
    validation uses nothing. What imports the package later gets it whole, with this very extension.
    """
    spec = None if "pydantic_core" in sys.modules else PathFinder.find_spec("pydantic_core")
    if spec is None:
        return importlib.import_module("pydantic_core")
    package = ModuleType("pydantic_core")
    package.__path__ = spec.submodule_search_locations or []
    sys.modules["pydantic_core"] = package
    try:
        return importlib.import_module("pydantic_core._pydantic_core")
    finally:
        del sys.modules["pydantic_core"]


if TYPE_CHECKING:
    from pydantic_core import SchemaValidator, ValidationError
else:
    _core = load_core()
    SchemaValidator, ValidationError = _core.SchemaValidator, _core.ValidationError


def validate(kind: type[_Value], members: object) -> _Value:
    """Build a value from members under their external names (`ttlSeconds`, `REDIS_URL`).

    `kind` has the name and the fields of a model.

    Raises:
        ValidationError: with everything that is wrong; see `errors_in`.

    """
    value: _Value = _validator(kind).validate_python(members)  # type: ignore[arg-type]  # a class is hashable
    return value


def errors_in(error: ValidationError) -> list[ErrorDetails]:
    """List what is wrong: `loc` member by member, `type` and `msg`, none of which repeats a value."""
    return error.errors(include_url=False, include_context=False, include_input=False)


def names_outside(kind: type) -> dict[str, str]:
    """Map the fields of a class to their names outside."""
    return {name: field["validation_alias"] for name, field in _fields_schema(kind)["fields"].items()}


@cache
def _validator(kind: type) -> SchemaValidator:
    return SchemaValidator(_value_schema(kind, _fields_schema(kind)), {"hide_input_in_errors": True})


def _fields_schema(kind: type) -> dict[str, Any]:
    """Join what is compiled of a class and of those it inherits from."""
    parts = [_compiled(it.__name__) for it in reversed(kind.__mro__)]
    fields = {name: field for part in parts for name, field in part.get("fields", {}).items()}
    return {"type": "model-fields", **parts[-1], "model_name": kind.__name__, "fields": fields}


def _value_schema(kind: type[Any], fields_schema: dict[str, Any]) -> Any:  # noqa: ANN401 -- a core schema
    """Return a schema that builds an instance from validated fields."""
    make = {"type": "no-info", "function": lambda read: kind(**read[0])}
    return {"type": "function-after", "schema": fields_schema, "function": make}


@cache
def _compiled(name: str) -> dict[str, Any]:
    """Read what is compiled of a class; nothing of one that has no fields of its own."""
    compiled: dict[str, Any] = json.loads(_compiled_texts().get(name, b"{}"), object_hook=_linked)
    return compiled


@cache
def _compiled_texts() -> dict[str, bytes]:
    """Return the JSON of each class by its name: a function reads a third of them.

    The members of the file stand between empty lines.
    """
    with open(COMPILED_FILE, "rb") as file:  # noqa: PTH123 -- as above
        members = [member.partition(b": ") for member in file.read().split(b"\n\n")]
    return {name.decode("ascii").strip('"'): text.rstrip(b",") for name, _, text in members}


def _linked(node: dict[str, Any]) -> Any:  # noqa: ANN401 -- a part of a core schema
    """Replace the name of a class or validator by the object, and a default list by a tuple."""
    # Most nodes have none of these members: asking for them by `in` is the cheapest.
    if "cls" in node:
        return _value_schema(getattr(policy, node["cls"]), node["schema"])
    if "function" in node and isinstance(node["function"], str):
        node["function"] = getattr(values, node["function"])
    elif "default" in node and isinstance(node["default"], list):
        node["default"] = tuple(node["default"])
    return node
