"""JSON Schema of the body of POST /signature: the model's members, with the limits checked after it.

A request that violates it is refused under every policy; a policy may refuse more.
"""

from __future__ import annotations

from typing import Any

from local.openapi.shapes import Schema, schemas_of
from shared.http.request import IDEMPOTENCY_KEY
from shared.schema.models.policy import Policy
from shared.schema.models.uploads import SignatureRequest

_LIMITS: dict[str, Schema] = {
    "context": {"not": {"type": "string", "pattern": r"[\x00-\x1f\x7f]"}},
    "fileName": {
        "minLength": 1,
        "maxLength": 255,
        "not": {"type": "string", "pattern": r"^\.|[\\/\x00-\x1f\x7f]"},
    },
    "fileSize": {"minimum": 1},
    "fileType": {"not": {"type": "string", "pattern": r"[\x00-\x1f\x7f]"}},
}
"""What is checked beyond the model's types under every policy."""

_CHOICES = {"procedure": "procedures", "storageRegion": "storageRegions", "classId": "classIds"}
"""Members whose value must be on a list of the policy, and that list: its entries have the same schema."""


def signature_request_schema() -> Schema:
    """Return the schema of the body."""
    schemas: dict[str, Any] = schemas_of([SignatureRequest, Policy])
    schema, policy = schemas["SignatureRequest"], schemas["Policy"]["properties"]
    for name, member in schema["properties"].items():
        entry = policy[_CHOICES[name]]["items"] if name in _CHOICES else {}
        member.pop("default")
        member.update({**entry, **_LIMITS.get(name, {}), "type": member["type"]})
    return dict(schema)


def idempotency_key_parameter() -> Schema:
    """Return the header that names a beginning."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Names this beginning of an upload, for this user and a day "
        "(draft-ietf-httpapi-idempotency-key-header-07). Whoever has not heard the answer repeats request "
        "and key, and gets a fresh signature of the same upload, one more of those it may have. With "
        "`uploadId` it is not needed and changes nothing.",
        "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY}$"},
        "example": '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
    }
