"""The operations of the three HTTP functions: parameters, bodies and every answer."""

from __future__ import annotations

from pydantic import TypeAdapter

from functions.upload_signature import MAX_BODY_BYTES
from local.openapi.examples import callback_example, signature_example, upload_example
from local.openapi.headers import headers
from local.openapi.health import show_health
from local.openapi.problems import OPTIONS, problem
from local.openapi.shapes import Schema, reference, text
from local.openapi.signature_request import idempotency_key_parameter
from local.openapi.upload_list import list_uploads
from shared.schema.models.uploads import UploadId

_USER = [{"userToken": list[str]()}]


def paths() -> dict[str, Schema]:
    """Return every path with its operations."""
    return {
        "/signature": {"servers": _servers("upload_signature"), "post": _issue_signature()},
        "/uploads": {"servers": _servers("upload_status"), "get": list_uploads()},
        "/uploads/{uploadId}": {
            "servers": _servers("upload_status"),
            "parameters": [
                {
                    "name": "uploadId",
                    "in": "path",
                    "required": True,
                    "description": "The `uploadId` of POST /signature.",
                    "schema": TypeAdapter(UploadId).json_schema(),
                    "example": upload_example()["uploadId"],
                }
            ],
            "get": _show_upload(),
            "delete": _cancel_upload(),
        },
        "/health": {"servers": _servers("upload_status"), "get": show_health()},
        "/{callbackToken}": {
            "servers": _servers("event_notification", local="/vod-callback"),
            "parameters": [
                {
                    "name": "callbackToken",
                    "in": "path",
                    "required": True,
                    "description": "One of the deployment's CALLBACK_TOKENS: the address is the secret.",
                    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{24,128}$"},
                }
            ],
            "post": _take_callback(),
        },
    }


def _issue_signature() -> Schema:
    return {
        "operationId": "issueSignature",
        "tags": ["Uploads"],
        "summary": "Ask for an upload signature",
        "description": "Begins an upload, or signs once more for one that was begun (`uploadId`): the Web "
        "SDK asks two to nine times for one upload. All signatures of an upload carry the same parameters; "
        f"each is another. The body has at most {MAX_BODY_BYTES} bytes; none at all is as good as `{{}}`. "
        "A member name that comes twice, NaN, and nesting deeper than 64 are refused.",
        "security": _USER,
        "parameters": [idempotency_key_parameter()],
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {
                    "schema": reference("schemas", "SignatureRequest"),
                    "example": {"policy": "course", "context": "lesson 3"},
                }
            },
        },
        "responses": {
            "200": _signature(),
            **problem("InvalidRequest", "The body is not one JSON object in UTF-8, or the key no string."),
            **problem("Unauthenticated", "No valid token; which check failed is not told."),
            **problem("Forbidden", "There is no such policy, or no uploads are allowed at present."),
            **problem("NotFound", "No such upload, or somebody else's."),
            **problem("MethodNotAllowed", OPTIONS),
            **problem("Conflict", "The upload has ended, has no file for a cover, or no signature left."),
            **problem("ContentTooLarge", f"The body has more than {MAX_BODY_BYTES} bytes."),
            **problem("UnsupportedMediaType", "The body is not declared as JSON, or is compressed."),
            **problem(
                "Unprocessable",
                "Members that are unknown or not acceptable, or the key of another.",
            ),
            **problem("RateLimited", "A limit is used up: of the user, the network or the upload."),
            **problem("Failure", "A defect, or settings that are missing."),
            **problem("Unavailable", "The store or the key set of the token's issuer does not answer."),
        },
    }


def _signature() -> Schema:
    example = signature_example()
    return {
        "description": "The signature: as JSON, or bare where Accept prefers text/plain.",
        "headers": headers("RateLimit", "RateLimit-Policy", sometimes=("Upload-Id",)),
        "content": {
            "application/json": {"schema": reference("schemas", "Signature"), "example": example},
            "text/plain": {
                "schema": text("The signature; the upload's id is in the header Upload-Id."),
                "example": example["signature"],
            },
        },
        "links": _of_the_upload(),
    }


def _of_the_upload() -> Schema:
    upload_id = "$response.body#/uploadId"
    return {
        "showUpload": {"operationId": "showUpload", "parameters": {"uploadId": upload_id}},
        "cancelUpload": {"operationId": "cancelUpload", "parameters": {"uploadId": upload_id}},
        "signAgain": {"operationId": "issueSignature", "requestBody": {"uploadId": upload_id}},
    }


def _show_upload() -> Schema:
    return {
        "operationId": "showUpload",
        "tags": ["Uploads"],
        "summary": "See how an upload stands",
        "description": "For its owner only. Ask again after Retry-After seconds as long as `final` is false.",
        "security": _USER,
        "parameters": [
            _optional(
                "header", "If-None-Match", "An earlier answer's ETag: 304 if nothing has changed since."
            ),
        ],
        "responses": {
            "200": {
                "description": "The upload.",
                "headers": headers("ETag", sometimes=("Retry-After",)),
                "content": {
                    "application/json": {
                        "schema": reference("schemas", "Upload"),
                        "example": upload_example(),
                    }
                },
            },
            "304": {
                "description": "Nothing has changed since the answer that If-None-Match names.",
                "headers": headers("ETag", sometimes=("Retry-After",)),
            },
            **_problems_of_an_upload(),
        },
    }


def _cancel_upload() -> Schema:
    return {
        "operationId": "cancelUpload",
        "tags": ["Uploads"],
        "summary": "Cancel an upload that has not begun",
        "description": "For its owner only, and only while it is `issued`. While a signature of it is out "
        "it counts in the limits, and another one takes it up again. To cancel it again changes nothing.",
        "security": _USER,
        "responses": {
            "204": {"description": "It is cancelled.", "headers": headers()},
            **_problems_of_an_upload(),
            **problem("Conflict", "It is not `issued` any more."),
        },
    }


def _problems_of_an_upload() -> Schema:
    return {
        **problem("Unauthenticated", "No valid token; which check failed is not told."),
        **problem("NotFound", "No such upload, or somebody else's: both look the same."),
        **problem("MethodNotAllowed", OPTIONS),
        **problem("Failure", "A defect, or settings that are missing."),
        **problem("Unavailable", "The store or the key set of the token's issuer does not answer."),
    }


def _take_callback() -> Schema:
    return {
        "operationId": "takeCallback",
        "tags": ["VOD"],
        "summary": "VOD's normal callback",
        "description": "For VOD alone. An event is journaled before it is answered; VOD ignores the status "
        "and sends again only what was not answered within 5 seconds, so an event that cannot be "
        "journaled is answered late, on purpose. The content type is not looked at.",
        "security": list[object](),
        "parameters": [
            _optional(
                "query", "Sign", "MD5 of SignKey and T, if VOD has a SignKey; the body may carry it instead."
            ),
            _optional("query", "T", "Unix second until which Sign is good."),
        ],
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {
                    "schema": reference("schemas", "EventNotification"),
                    "example": callback_example(),
                }
            },
        },
        "responses": {
            "200": {
                "description": "The event is journaled, or was before; an unreadable body is kept.",
                "headers": headers(),
            },
            **problem("NotFound", "A wrong token, or with a SignKey a Sign that is missing, wrong or over."),
            **problem("MethodNotAllowed", OPTIONS),
            **problem("Failure", "A defect, or settings that are missing."),
            **problem("StoreUnavailable", "The event could not be journaled; it is in the log."),
        },
    }


def _optional(place: str, name: str, meaning: str) -> Schema:
    return {
        "name": name,
        "in": place,
        "required": False,
        "description": meaning,
        "schema": {"type": "string"},
    }


def _servers(function: str, *, local: str = "/") -> list[Schema]:
    host = {
        "default": f"{function.replace('_', '-')}.example.com",
        "description": "The host that the Serverless CLI prints.",
    }
    return [
        {"url": "https://{host}", "description": f"The URL of `{function}`", "variables": {"host": host}},
        {"url": local, "description": "The local stack, which serves this document"},
    ]
