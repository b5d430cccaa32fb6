"""The body of POST /signature as JSON Schema: the model's own members, with what else is refused.

A request that breaks this schema is refused whatever the policy; the policy may refuse more.
"""

from __future__ import annotations

from typing import Any

from local.openapi.shapes import Schema, schemas_of
from shared.schema.models.policy import Policy
from shared.schema.models.uploads import SignatureRequest

_LIMITS: dict[str, Schema] = {
    "context": {"not": {"type": "string", "pattern": r"[\x00-\x1f\x7f]"}},
    "fileName": {
        "minLength": 1,
        "maxLength": 255,
        "not": {"type": "string", "pattern": r'^\.|[\\/:*?"<>|\x00-\x1f\x7f]'},
    },
    "fileSize": {"minimum": 1},
}
"""What the policy checks beside the model's types, whichever policy it is."""

_CHOICES = {"procedure": "procedures", "storageRegion": "storageRegions", "classId": "classIds"}
"""A member of the request that must be on a list of the policy has the form of the list's entries."""


def signature_request_schema() -> Schema:
    """Describe the body."""
    schemas: dict[str, Any] = schemas_of([SignatureRequest, Policy])
    schema, policy = schemas["SignatureRequest"], schemas["Policy"]["properties"]
    for name, member in schema["properties"].items():
        entry = policy[_CHOICES[name]]["items"] if name in _CHOICES else {}
        member.pop("default")
        member.update({**entry, **_LIMITS.get(name, {}), "type": member["type"]})
    return dict(schema)
