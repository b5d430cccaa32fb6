"""The Lua scripts, each one atomic step and one round trip: the files in `lua/`.

They know fields and marks, not what VOD means by them; which facts an event adds to its upload is decided by
`shared.domain.session`. All keys of one script share a hash tag, so it runs on Redis Cluster.

A first line `-- include: slot, nonce` puts the files of that name in `lua/steps/` before the script.
"""

from __future__ import annotations

import os
from functools import cache

FOLDER = os.path.join(os.path.dirname(__file__), "lua")  # noqa: PTH118, PTH120 -- pathlib would slow every cold start
_INCLUDE = "-- include: "


@cache
def read_script(name: str) -> str:
    """Return the source of a script, such as `begin_upload`, with the steps it includes."""
    path = f"{FOLDER}/{name}.lua"
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 -- as above
        first, rest = file.readline(), file.read()
    if not first.startswith(_INCLUDE):
        return first + rest
    steps = first[len(_INCLUDE) :].rstrip().split(", ")
    return "".join([read_script(f"steps/{step}") for step in steps]) + rest
