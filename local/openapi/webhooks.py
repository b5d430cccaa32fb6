"""The app's events as OpenAPI webhooks (Standard Webhooks 1.0.0), one for each type of event.

`shared.schema.models.app_event` declares their content.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, get_args

from local.openapi.examples import event_example
from local.openapi.shapes import Schema, reference, text
from shared.schema.models.app_event import EVENTS, UnlistedVodEvent, VodEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

WEBHOOK_HEADERS: dict[str, Schema] = {
    "webhook-id": text("The event's id, the same for every delivery.", pattern="^evt_[0-9a-f]{32}$"),
    "webhook-timestamp": text("Unix second of this delivery.", pattern="^[0-9]+$"),
    "webhook-signature": text(
        "`v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body`; one for each valid secret, with a "
        "space between.",
        pattern="^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)?$",
    ),
    "webhook-specversion": text(
        "The `specversion` of the event, which can be read before the body.", pattern=r"^1\.[0-9]+$"
    ),
    "X-Request-Id": text("The `requestId` in our log of the invocation that made this attempt."),
    "traceparent": text("That of the request which caused the invocation (W3C Trace Context)."),
    "tracestate": text("The same, beside a `traceparent`."),
}
_OF_A_TRACE = ("traceparent", "tracestate")
"""Absent where that request had none."""


def webhooks() -> dict[str, Schema]:
    """Return every type of event as a request to the app."""
    return {event_type: {"post": _delivery(event_type, model)} for event_type, model in EVENTS.items()}


def _delivery(event_type: str, model: type[BaseModel]) -> Schema:
    return {
        "operationId": f"receive{model.__name__}",
        "tags": ["Events"],
        "summary": event_type,
        "description": inspect.getdoc(model),
        "security": list[object](),
        "parameters": [reference("parameters", name) for name in WEBHOOK_HEADERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _schema(model),
                    "example": event_example(event_type),
                }
            },
        },
        "responses": {
            "2XX": {"description": "Taken. Answer within 15 seconds, 3 in the first attempt."},
            "410": {"description": "Nothing more is sent to this address until an operator enables it."},
            "default": {
                "description": "Not taken: sent again for about three days, not before the seconds of "
                "Retry-After. A redirect is not followed."
            },
        },
    }


def event_schema() -> Schema:
    """Return the schema of an event of any type that the document lists, told apart by `type`."""
    mapping = {event_type: reference("schemas", model.__name__)["$ref"] for event_type, model in _types()}
    return {
        "description": "An event. A type that is not listed here can come: take it as one that you do not "
        "handle. By `UnlistedVodEvent` it can be read nevertheless.",
        "oneOf": [reference("schemas", model.__name__) for model in EVENTS.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }


def _types() -> Iterator[tuple[str, type[BaseModel]]]:
    for model in EVENTS.values():
        yield from ((event_type, model) for event_type in get_args(model.model_fields["type"].annotation))


def _schema(model: type[BaseModel]) -> Schema:
    named = reference("schemas", model.__name__)
    if model is not VodEvent:
        return named
    return {"anyOf": [named, reference("schemas", UnlistedVodEvent.__name__)]}


def webhook_parameters() -> dict[str, Schema]:
    """Return the definitions of the headers of a delivery."""
    return {
        name: {
            "name": name,
            "in": "header",
            "required": name not in _OF_A_TRACE,
            "description": schema["description"],
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in WEBHOOK_HEADERS.items()
    }
