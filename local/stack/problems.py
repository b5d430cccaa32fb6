"""Error answers of the local stack itself, in the same form as those of the functions (RFC 9457).

Errors of the functions pass through untouched.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus

from starlette.responses import JSONResponse


def problem(status: int, detail: str) -> JSONResponse:
    """Return a problem document; `detail` is a sentence for the caller."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "requestId": str(uuid.uuid4()),
    }
    return JSONResponse(document, status, {"Cache-Control": "no-store"}, "application/problem+json")
