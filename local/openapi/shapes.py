"""The forms of JSON Schema (Draft 2020-12) that the document consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Schema = dict[str, object]


def text(meaning: str, **limits: object) -> Schema:
    """Return the schema of a string."""
    return {"type": "string", "description": meaning, **limits}


def integer(meaning: str, **limits: object) -> Schema:
    """Return the schema of a whole number."""
    return {"type": "integer", "description": meaning, **limits}


def number(meaning: str) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", "description": meaning}


def boolean(meaning: str) -> Schema:
    """Return the schema of a boolean."""
    return {"type": "boolean", "description": meaning}


def nothing(meaning: str) -> Schema:
    """Return the schema of a member that is always null."""
    return {"type": "null", "description": meaning}


def instant(meaning: str) -> Schema:
    """Return the schema of an ISO 8601 time in UTC."""
    return text(meaning, format="date-time")


def one_of(words: Iterable[str], meaning: str) -> Schema:
    """Return the schema of an enumerated string."""
    return text(meaning, enum=list(words))


def array(items: Schema, meaning: str) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "description": meaning, "items": items}


def or_null(schema: Schema) -> Schema:
    """Return the schema of a member that may be null as well."""
    return {**schema, "type": [schema["type"], "null"]}


def record(meaning: str, members: Mapping[str, Schema], *, optional: Collection[str] = ()) -> Schema:
    """Return the schema of an object with these members and no others."""
    return {
        "type": "object",
        "description": meaning,
        "properties": dict(members),
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def reference(kind: str, name: str) -> Schema:
    """Return a reference to one of the document's components."""
    return {"$ref": f"#/components/{kind}/{name}"}
