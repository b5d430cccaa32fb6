"""The JSON Schemas (Draft 2020-12) of the document: those of pydantic's models, and a few small forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

Schema = dict[str, object]


def text(meaning: str, **limits: object) -> Schema:
    """Return the schema of a string."""
    return {"type": "string", "description": meaning, **limits}


def reference(kind: str, name: str) -> Schema:
    """Return a reference to one of the document's components."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schemas_of(models: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """Describe models, and those they consist of, by their names; members have their external names."""
    _, whole = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {name: _plain(schema) for name, schema in whole["$defs"].items()}


def _plain(node: Any) -> Any:  # noqa: ANN401 -- any part of a schema
    """Leave titles out, which repeat names, and write `string or null` as one list of types."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {name: _plain(part) for name, part in node.items() if name != "title" or isinstance(part, dict)}
    if isinstance(made.get("description"), str):
        made["description"] = " ".join(made["description"].split())
    choices = made.get("anyOf", [])
    if len(choices) == 2 and choices[1] == {"type": "null"} and "type" in choices[0]:  # noqa: PLR2004 -- a type and null
        del made["anyOf"]
        made = {**choices[0], **made, "type": [choices[0]["type"], "null"]}
    return made
