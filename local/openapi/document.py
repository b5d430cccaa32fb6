"""The OpenAPI 3.1 document, and its text as committed in `docs/`.

`python -m local.openapi` writes the file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.openapi.headers import header_components
from local.openapi.operations import paths
from local.openapi.problems import problem_answers
from local.openapi.shapes import schemas_of
from local.openapi.signature_request import signature_request_schema
from local.openapi.webhooks import event_schema, webhook_parameters, webhooks
from local.repository import project_field
from shared.domain.app_event import SPEC_VERSION
from shared.schema.models.app_event import EVENTS, UnlistedVodEvent
from shared.schema.models.uploads import Health, Problem, Signature, Upload, Uploads

if TYPE_CHECKING:
    from local.openapi.shapes import Schema

_DESCRIPTION = (
    "Upload signatures for an app's users, the state of their uploads, VOD's callback, and the events "
    "that the app receives. Each function has a URL of its own. "
    "Every error is a problem document (RFC 9457) with a stable `type`. "
    "A page of an origin in CORS_ORIGINS may read every answer but those of the callback: the origin is "
    "named in Access-Control-Allow-Origin, and no other gets that header."
)

_USER_TOKEN: Schema = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the app's own login service, with `exp` and `sub` (or the claim of "
    "JWT_USER_CLAIM). A deployment on trial may do without tokens (AUTH_MODE=anonymous).",
}

_OPERATOR_TOKEN: Schema = {
    "type": "http",
    "scheme": "bearer",
    "description": "HEALTH_TOKEN of the deployment.",
}

_EVENT_NOTIFICATION: Schema = {
    "type": "object",
    "description": "One event of VOD, v3 (`EventType`) or legacy (`eventType` and `data`). Any JSON object "
    "is taken: one that is not known is journaled and delivered as what it is.",
    "properties": {
        "EventType": {"description": "VOD's word for what happened."},
        "Sign": {"description": "See the query parameter of that name."},
        "T": {"description": "See the query parameter of that name."},
    },
    "additionalProperties": True,
}


def build_document() -> dict[str, object]:
    """Return the document of the HTTP functions and the app's events."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "vod-upload-functions",
            "version": project_field("version"),
            "summary": "Upload signatures and event notifications for Tencent Cloud VOD",
            "description": _DESCRIPTION,
            "x-event-specversion": SPEC_VERSION,
            "license": {"name": project_field("license"), "identifier": project_field("license")},
        },
        "servers": [{"url": "/", "description": "The local stack; deployed, each path has its own host"}],
        "tags": [
            {"name": "Uploads", "description": "For the app's users."},
            {"name": "Operations", "description": "For who watches the deployment."},
            {"name": "VOD", "description": "For VOD alone."},
            {"name": "Events", "description": "For the app's back end, which receives them."},
        ],
        "paths": paths(),
        "webhooks": webhooks(),
        "components": {
            "securitySchemes": {"userToken": _USER_TOKEN, "operatorToken": _OPERATOR_TOKEN},
            "headers": header_components(),
            "parameters": webhook_parameters(),
            "responses": problem_answers(),
            "schemas": {
                "SignatureRequest": signature_request_schema(),
                "EventNotification": _EVENT_NOTIFICATION,
                "AppEvent": event_schema(),
                **schemas_of(
                    [Signature, Upload, Uploads, Health, Problem, *EVENTS.values(), UnlistedVodEvent]
                ),
            },
        },
    }


def document_text() -> str:
    """Return the document as committed."""
    return json.dumps(build_document(), indent=2, ensure_ascii=False) + "\n"
