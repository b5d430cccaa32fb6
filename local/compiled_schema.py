"""`python -m local.compiled_schema`: writes anew what pydantic compiles of the models in `shared.schema`.

Pydantic compiles a model to a core schema, by which pydantic_core validates. The file has what validation
needs of it; functions and classes stand in it by their names, and `shared.schema.validation` reads it.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pydantic
import pydantic_core

from shared.domain import policy
from shared.schema import values
from shared.schema.models import settings
from shared.schema.models.uploads import SignatureRequest
from shared.schema.validation import COMPILED_FILE

_VALIDATORS = {function: name for name, function in vars(values).items() if inspect.isfunction(function)}
_NOT_FOR_VALIDATION = {"computed_fields", "metadata", "serialization_alias"}


def compiled() -> dict[str, Any]:
    """Compile every group of settings, each with its own fields alone, and the request."""
    groups = [kind for kind in vars(settings).values() if _is_group(kind) and inspect.get_annotations(kind)]
    made_with = {"pydantic": pydantic.VERSION, "pydantic-core": pydantic_core.__version__}
    return {
        "made_with": made_with,
        **{kind.__name__: _fields_of(kind) for kind in (*groups, SignatureRequest)},
    }


def compiled_text() -> str:
    """Write what is compiled as JSON: a line for each field, and an empty one between the classes."""
    parts = []
    for name, model in compiled().items():
        fields = model.pop("fields", {})
        lines = [f"  {json.dumps(field)}: {json.dumps(schema)}" for field, schema in fields.items()]
        head = json.dumps(model) if not lines else f'{json.dumps(model)[:-1]}, "fields": {{'
        parts.append(f'"{name}": {head}' + ("\n" + ",\n".join(lines) + "\n}}" if lines else ""))
    return "{\n\n" + ",\n\n".join(parts) + "\n\n}\n"


def _is_group(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, settings.SettingsGroup)


def _fields_of(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    whole: Any = model.__pydantic_core_schema__
    made: dict[str, Any] = _portable({**whole["schema"], "fields": {}})
    if extra := whole["config"].get("extra_fields_behavior"):
        made["extra_behavior"] = extra
    own = inspect.get_annotations(model)
    return {
        **made,
        "fields": {name: _portable(it) for name, it in whole["schema"]["fields"].items() if name in own},
    }


def _portable(node: Any) -> Any:  # noqa: ANN401 -- any part of a schema
    if isinstance(node, (list, tuple)):
        return [_portable(part) for part in node]
    if isinstance(node, dict) and node.get("type") == "model":
        value_class = getattr(policy, node["cls"].__name__)
        return {"type": "model", "cls": value_class.__name__, "schema": _fields_of(node["cls"])}
    if isinstance(node, dict):
        return {name: _portable(part) for name, part in node.items() if name not in _NOT_FOR_VALIDATION}
    if callable(node):
        return _VALIDATORS[node]
    return node


if __name__ == "__main__":
    Path(COMPILED_FILE).write_text(compiled_text(), encoding="utf-8")
