"""GET /local/openapi.json and GET /local/api: the committed document, as a file and as a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, HTMLResponse, Response

from local.openapi import DOCUMENT_FILE
from local.openapi.page import api_page
from local.stack.problems import problem

if TYPE_CHECKING:
    from starlette.requests import Request


async def document_endpoint(_request: Request) -> Response:
    """Serve the document."""
    if not DOCUMENT_FILE.is_file():
        return _missing()
    return FileResponse(DOCUMENT_FILE, media_type="application/json", headers={"Cache-Control": "no-cache"})


async def page_endpoint(_request: Request) -> Response:
    """Serve the page."""
    if not DOCUMENT_FILE.is_file():
        return _missing()
    page = api_page(json.loads(DOCUMENT_FILE.read_text("utf-8")))
    return HTMLResponse(page, headers={"Cache-Control": "no-cache"})


def _missing() -> Response:
    return problem(503, "docs/openapi.json is not there: write it with `make openapi`.")
