"""The operation GET /uploads."""

from __future__ import annotations

from local.openapi.examples import uploads_example
from local.openapi.headers import headers
from local.openapi.problems import OPTIONS, problem
from local.openapi.shapes import Schema, reference
from shared.domain.session import UploadState
from shared.runtime.upload_list import PAGE_UPLOADS
from shared.schema.models.uploads import UPLOAD_ID


def list_uploads() -> Schema:
    """Return the operation."""
    return {
        "operationId": "listUploads",
        "tags": ["Uploads"],
        "summary": "List your uploads, and what is left of your limits",
        "description": f"The user's own uploads, the newest first, {PAGE_UPLOADS} to a page; with `state`, "
        "those of them that are in it. Of a user the LISTED_UPLOADS newest are kept, for RETENTION_SECONDS.",
        "security": [{"userToken": list[str]()}],
        "parameters": [
            _parameter("state", "Leave out uploads in another state.", enum=[*UploadState]),
            _parameter("after", "The `next` of an answer.", pattern=UPLOAD_ID),
        ],
        "responses": {
            "200": {
                "description": "A page of uploads, and the limits.",
                "headers": headers(),
                "content": {
                    "application/json": {
                        "schema": reference("schemas", "Uploads"),
                        "example": uploads_example(),
                    }
                },
            },
            **problem("Unauthenticated", "No valid token; which check failed is not told."),
            **problem("Forbidden", "Users are not told apart here (AUTH_MODE=anonymous)."),
            **problem("NotFound", "No lists are kept here (LISTED_UPLOADS=0)."),
            **problem("MethodNotAllowed", OPTIONS),
            **problem("Unprocessable", "A parameter that is unknown, or has no possible value."),
            **problem("Failure", "A defect, or settings that are missing."),
            **problem("Unavailable", "The store or the key set of the token's issuer does not answer."),
        },
    }


def _parameter(name: str, meaning: str, **values: object) -> Schema:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": meaning,
        "schema": {"type": "string", **values},
    }
