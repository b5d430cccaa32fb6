"""What was done with a file beyond its policy, as the app is told it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

FORBIDDEN, DELETED, NOTHING = "forbidden", "deleted", "none"
"""What was done with it."""
STORAGE_CLASS = "storageClass"
"""Why nothing was done: VOD forbids no file of this storage class."""


class Rejection(NamedTuple):
    """What was done with a file beyond its policy: FORBIDDEN, DELETED or NOTHING, for that with a `reason`.

    `breaches` are the exceeded limits, as `violations_json` returns them.
    """

    file_id: str
    action: str
    reason: str | None
    breaches: list[dict[str, Any]]

    @property
    def limits(self) -> list[str]:
        """The names of the exceeded limits."""
        return [str(exceeded["limit"]) for exceeded in self.breaches]


def write_rejection(rejection: Rejection) -> str:
    """Serialize a rejection for the store."""
    return json.dumps(rejection)


def read_rejection(text: str) -> Rejection | None:
    """Parse what `write_rejection` wrote; None for an empty text."""
    return Rejection(*json.loads(text)) if text else None
