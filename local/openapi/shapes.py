"""The few forms of JSON Schema (Draft 2020-12) that the document is made of.

Which members there are is left to the files that know what they describe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Schema = dict[str, object]


def text(meaning: str, **limits: object) -> Schema:
    """Describe a text."""
    return {"type": "string", "description": meaning, **limits}


def integer(meaning: str, **limits: object) -> Schema:
    """Describe a whole number."""
    return {"type": "integer", "description": meaning, **limits}


def number(meaning: str) -> Schema:
    """Describe any number."""
    return {"type": "number", "description": meaning}


def truth(meaning: str) -> Schema:
    """Describe true or false."""
    return {"type": "boolean", "description": meaning}


def nothing(meaning: str) -> Schema:
    """Describe a member that is always null."""
    return {"type": "null", "description": meaning}


def instant(meaning: str) -> Schema:
    """Describe an ISO 8601 instant in UTC."""
    return text(meaning, format="date-time")


def one_of(words: Iterable[str], meaning: str) -> Schema:
    """Describe a text that is one of a few."""
    return text(meaning, enum=list(words))


def array(items: Schema, meaning: str) -> Schema:
    """Describe a list."""
    return {"type": "array", "description": meaning, "items": items}


def or_null(schema: Schema) -> Schema:
    """Let a member be null as well."""
    return {**schema, "type": [schema["type"], "null"]}


def record(meaning: str, members: Mapping[str, Schema], *, optional: Collection[str] = ()) -> Schema:
    """Describe an object that has these members and no others."""
    return {
        "type": "object",
        "description": meaning,
        "properties": dict(members),
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def reference(kind: str, name: str) -> Schema:
    """Point at one of the document's components."""
    return {"$ref": f"#/components/{kind}/{name}"}
