"""The headers of the HTTP functions' answers, and which of them every answer carries.

CORS headers depend on the deployment's CORS_ORIGINS: the document's introduction describes them.
"""

from __future__ import annotations

from local.openapi.shapes import Schema, reference, text

ALWAYS = ("Cache-Control", "X-Content-Type-Options", "X-Request-Id")

HEADERS: dict[str, Schema] = {
    "Cache-Control": text("No answer may be kept by anybody.", const="no-store"),
    "X-Content-Type-Options": text("No browser may guess another type.", const="nosniff"),
    "X-Request-Id": text("The platform's id of this request, as it stands in the function's log."),
    "Allow": text("The methods there are."),
    "ETag": text("Names this answer; for If-None-Match.", pattern='^"[0-9a-f]{24}"$'),
    "RateLimit": text(
        "What is left of each limit that counted: `r` of it now, all of it again in `t` seconds.",
        pattern=r'^"[a-z]+";r=[0-9]+;t=[0-9]+(, "[a-z]+";r=[0-9]+;t=[0-9]+)*$',
    ),
    "RateLimit-Policy": text(
        "The limits that counted: `q` in `w` seconds. `user` and `network` count new uploads of a minute, "
        "`day` and `bytes` those of a user's UTC day, `upload` the signatures of one upload.",
        pattern=r'^"[a-z]+";q=[0-9]+;w=[0-9]+(, "[a-z]+";q=[0-9]+;w=[0-9]+)*$',
    ),
    "Retry-After": text("After how many seconds to ask again.", pattern="^[1-9][0-9]*$"),
    "Upload-Id": text("The upload's id."),
    "WWW-Authenticate": text("How to authenticate.", const="Bearer"),
}

_SOMETIMES = frozenset({"Upload-Id"})
"""Headers that are optional in every answer that may have them; they are described there."""


def header_components() -> dict[str, Schema]:
    """Return the definition of each header."""
    return {
        name: _header(schema, required=True) for name, schema in HEADERS.items() if name not in _SOMETIMES
    }


def headers(*names: str, sometimes: tuple[str, ...] = ()) -> Schema:
    """Return the headers of one answer by reference; those in `sometimes` may be absent."""
    always = {name: reference("headers", name) for name in (*ALWAYS, *names)}
    return {**always, **{name: _header(HEADERS[name], required=False) for name in sometimes}}


def _header(schema: Schema, *, required: bool) -> Schema:
    form = {name: value for name, value in schema.items() if name != "description"}
    return {"description": schema["description"], "required": required, "schema": form}
