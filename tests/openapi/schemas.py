"""Compare answers and events with the committed document."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from local.openapi import DOCUMENT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.functions.scf import Answer


def _pattern(_validator: object, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    """Match as JSON Schema does: in Python `$` also matches before a final line break."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # has no types

CORS_HEADERS = {"vary", "access-control-allow-origin", "access-control-expose-headers"}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the committed document."""
    content: dict[str, Any] = json.loads(DOCUMENT_FILE.read_text("utf-8"))
    return content


def closed(node: Any) -> Any:  # noqa: ANN401 -- any part of a schema
    """Return a schema that allows no member it does not name: a client has to take more, a test has not."""
    if isinstance(node, list):
        return [closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    members = {name: closed(part) for name, part in node.items()}
    is_open = node.get("type") == "object" and "properties" in node and "additionalProperties" not in node
    return {**members, "additionalProperties": False} if is_open else members


@lru_cache(maxsize=1)
def _closed_components() -> dict[str, Any]:
    components: dict[str, Any] = closed(document()["components"])
    return components


def operations() -> dict[str, dict[str, Any]]:
    """Return the document's operations by their ids."""
    return {
        operation["operationId"]: operation
        for path in document()["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    }


def resolved(node: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve a `$ref`; members beside it override the target's."""
    if "$ref" not in node:
        return dict(node)
    found: Any = document()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return {**found, **{name: value for name, value in node.items() if name != "$ref"}}


def contents(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List what the data of an event can be, by the event's schema."""
    content = resolved(event["properties"]["data"])
    return [resolved(choice) for choice in content.get("anyOf", [content])]


def faults(value: object, schema: Mapping[str, Any]) -> list[str]:
    """Return how a value violates a schema of the document, or has more than that names."""
    whole = {**closed(schema), "components": _closed_components()}
    validator = _Validator(whole, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def violations(operation: str, answer: Answer) -> list[str]:
    """Return how an answer violates the document: status, headers, media type, body."""
    documented = operations()[operation]["responses"].get(str(answer.status))
    if documented is None:
        return [f"status {answer.status}"]
    response = resolved(documented)
    return [*_header_violations(response["headers"], answer), *_body_violations(response, answer)]


def _header_violations(documented: Mapping[str, Any], answer: Answer) -> list[str]:
    headers = {name.lower(): resolved(header) for name, header in documented.items()}
    missing = [name for name, header in headers.items() if header["required"] and name not in answer.headers]
    unknown = answer.headers.keys() - headers.keys() - CORS_HEADERS - {"content-type"}
    wrong = [
        fault
        for name, header in headers.items()
        if name in answer.headers
        for fault in faults(answer.headers[name], header["schema"])
    ]
    return [*missing, *sorted(unknown), *wrong]


def _body_violations(response: Mapping[str, Any], answer: Answer) -> list[str]:
    content = response.get("content", {})
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        return [*(["a body"] if answer.body else []), *([media_type] if media_type else [])]
    if media_type not in content:
        return [f"media type {media_type!r}"]
    body = answer.body if media_type == "text/plain" else answer.json
    return faults(body, content[media_type]["schema"])
