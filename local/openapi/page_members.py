"""Render the members of a JSON Schema as nested definition lists.

Only the forms that the document has are known.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}
_LIMITS = {
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
}


def resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve a `$ref` within the document; members beside it override the target's."""
    if "$ref" not in node:
        return dict(node)
    found: Any = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return {**found, **{name: value for name, value in node.items() if name != "$ref"}}


def prose(text: str) -> str:
    """Escape a text for HTML; what stands between backticks becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def member_list(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Render the members of an object, or the description of a value that has none."""
    told = _merged(document, schema)
    properties = told.get("properties", {})
    if not properties:
        return f'<p class="hint">{prose(told.get("description", ""))}</p>'
    required = told.get("required", [])
    members = "".join(
        _member(document, name, member, required=name in required) for name, member in properties.items()
    )
    return f'<dl class="members">{members}</dl>'


def _member(document: Mapping[str, Any], name: str, schema: Mapping[str, Any], *, required: bool) -> str:
    told = _merged(document, schema)
    inner = _merged(document, told["items"]) if "items" in told else told
    below = member_list(document, inner) if inner.get("properties") else ""
    optional = "" if required else '<span class="optional">optional</span>'
    return (
        f"<dt><code>{escape(name)}</code> {optional} "
        f'<span class="form">{"; ".join(_form(told))}</span></dt>'
        f"<dd>{prose(told.get('description', ''))}{below}</dd>"
    )


def _merged(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Join the parts of `anyOf`, or those of `allOf`, of which later ones narrow members of earlier ones."""
    told = resolved(document, schema)
    if "anyOf" in told:
        return {**_either(document, told["anyOf"]), **told}
    if "allOf" not in told:
        return told
    whole: dict[str, Any] = {}
    for part in (_merged(document, each) for each in told["allOf"]):
        members = dict(whole.get("properties", {}))
        for name, member in part.get("properties", {}).items():
            members[name] = {**members.get(name, {}), **member}
        whole = {**whole, **part, "properties": members}
    return whole


def _either(document: Mapping[str, Any], choices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """List the members that a value can have, as optional where only some of the choices have them."""
    merged = [_merged(document, choice) for choice in choices]
    objects = [choice for choice in merged if "properties" in choice]
    required = [set(choice["required"]) for choice in objects]
    return {
        **{name: value for choice in merged for name, value in choice.items() if name == "items"},
        "type": list(dict.fromkeys(choice["type"] for choice in merged)),
        "properties": {name: it for choice in objects for name, it in choice["properties"].items()},
        "required": sorted(set.intersection(*required)) if required else [],
    }


def _form(schema: Mapping[str, Any]) -> Iterator[str]:
    types = schema.get("type", [])
    words = [_WORDS.get(word, word) for word in ([types] if isinstance(types, str) else types)]
    values = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []
    if values:
        yield " or ".join(f"<code>{escape(str(value))}</code>" for value in values)
    elif words:
        yield escape(" or ".join(words))
    if "format" in schema:
        yield {"date-time": "ISO 8601", "uri": "URI"}[schema["format"]]
    if schema.get("minLength") == 1:
        yield "not empty"
    yield from (sentence.format(schema[name]) for name, sentence in _LIMITS.items() if name in schema)
    if "pattern" in schema:
        yield f"<code>{escape(schema['pattern'])}</code>"
    if "not" in schema:
        yield f"none of <code>{escape(schema['not']['pattern'])}</code>"
