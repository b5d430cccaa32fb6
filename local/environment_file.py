"""The functions' environment of a running local stack, kept in its folder for other commands.

It holds the demo's secrets and the store's address: only its owner can read it, and it is deleted when the
stack ends.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CALLBACK_PREFIX = "/vod-callback"
"""The path of a stack's callback; its token follows. Here, because the stack itself brings many libraries."""
_FILE = "environment.json"


@contextlib.contextmanager
def kept_environment(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Keep the variables in `folder` while the stack runs."""
    # Only the stack writes, and only it has the certificates' library.
    from local.stack.certificates import write_private  # noqa: PLC0415  # see above

    write_private(folder / _FILE, json.dumps(dict(environment)).encode())
    try:
        yield
    finally:
        (folder / _FILE).unlink(missing_ok=True)


def read_environment(folder: Path) -> dict[str, str] | None:
    """Return the variables of the stack that keeps its state in `folder`; None if none runs there."""
    try:
        kept = json.loads((folder / _FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else None
