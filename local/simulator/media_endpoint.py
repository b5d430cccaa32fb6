"""Serve finished media and covers by URL, with byte ranges; mounted at /local/media.

Nothing is published before Commit.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.simulator.sessions import FILE_ID_DIGITS

if TYPE_CHECKING:
    from starlette.requests import Request

    from local.simulator.database import Database
    from local.simulator.object_files import ObjectFiles


def create_media_endpoint(database: Database, files: ObjectFiles) -> Starlette:
    """Create the application that serves published files; ranges, HEAD and 416 as in RFC 9110."""

    async def serve(request: Request) -> Response:
        row = database.row("SELECT * FROM published WHERE path = ?", request.path_params["path"])
        if row is None:
            return PlainTextResponse("There is no such media.", status_code=404)
        if _is_forbidden(database, request.path_params["path"]):
            return PlainTextResponse("The distribution of this media is forbidden.", status_code=403)
        return FileResponse(
            files.path(row["file_name"]),
            media_type=row["content_type"],
            headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
        )

    return Starlette(
        routes=[Route("/{path:path}", serve, methods=["GET", "HEAD"])],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "HEAD"],
                allow_headers=["*"],
                expose_headers=["Content-Range", "Content-Length", "ETag"],
            )
        ],
    )


def _is_forbidden(database: Database, path: str) -> bool:
    """Return whether ForbidMediaDistribution is in force for the media whose folder the path is in."""
    file_id = path.rpartition("/")[0][-FILE_ID_DIGITS:]
    row = database.row("SELECT document FROM media WHERE file_id = ?", file_id)
    return row is not None and json.loads(row["document"]).get("status") == "Forbidden"
