"""JSON Schema of the body of POST /signature: the model's members, with the limits checked after it.

A request that violates it is refused under every policy; a policy may refuse more.
"""

from __future__ import annotations

from local.openapi.shapes import Schema, record
from local.pydantic_models import pydantic_model
from shared.domain.policy import DEFAULT_POLICY, Policy, SignatureRequest

_LIMITS: dict[str, Schema] = {
    "context": {"not": {"type": "string", "pattern": r"[\x00-\x1f\x7f]"}},
    "fileName": {
        "minLength": 1,
        "maxLength": 255,
        "not": {"type": "string", "pattern": r'^\.|[\\/:*?"<>|\x00-\x1f\x7f]'},
    },
    "fileSize": {"minimum": 1},
}
"""What is checked beyond the model's types under every policy."""

_CHOICES = {"procedure": "procedures", "storageRegion": "storageRegions", "classId": "classIds"}
"""Members whose value must be on a list of the policy, and that list: its entries have the same schema."""

_MEANINGS = {
    "uploadId": "Sign once more for this upload, instead of beginning another. The other members may then "
    "be repeated, and not changed.",
    "policy": f"Which of the deployment's policies to upload under; `{DEFAULT_POLICY}` without it.",
    "context": "The app's own text, handed back in every event of this upload. Sealed together with the "
    "user's id it has to fit into the 250 characters that VOD carries.",
    "procedure": "The task flow that VOD starts when the file is there, if the policy offers it.",
    "storageRegion": "The region VOD stores the file in, if the policy offers it.",
    "classId": "VOD's category for the file, if the policy offers it.",
    "fileName": "255 bytes of UTF-8 at most; checked against the policy's file types by its extension.",
    "fileSize": "In bytes; wanted where the policy limits the size.",
    "fileType": "An extension such as `mp4`, in either case; wanted where the policy limits the type and "
    "no `fileName` is sent.",
}


def signature_request_schema() -> Schema:
    """Return the schema of the body."""
    return record(
        "What to sign for. Every member may be left out or null, and then means: not chosen. "
        "No other member is accepted.",
        {name: _member(name, schema) for name, schema in _properties(SignatureRequest).items()},
        optional=_MEANINGS,
    )


def _member(name: str, schema: Schema) -> Schema:
    """Return the schema of one member: its type or null, its limits and its meaning."""
    typed = next(choice for choice in _choices_in(schema) if choice != {"type": "null"})
    limits = _LIMITS.get(name, {})
    if name in _CHOICES:
        limits = _form_of_entries(_CHOICES[name])
    return {**typed, **limits, "type": [typed["type"], "null"], "description": _MEANINGS[name]}


def _form_of_entries(name: str) -> Schema:
    items = _properties(Policy)[name]["items"]
    assert isinstance(items, dict)  # noqa: S101 -- the lists of a policy are lists
    return items


def _properties(model: type[SignatureRequest | Policy]) -> dict[str, Schema]:
    properties: dict[str, Schema] = pydantic_model(model).model_json_schema()["properties"]
    return properties


def _choices_in(schema: Schema) -> list[Schema]:
    choices = schema["anyOf"]
    assert isinstance(choices, list)  # noqa: S101 -- every member of the request may be null
    return choices
