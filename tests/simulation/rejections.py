"""The rules about files beyond policies with `onViolation`: what is done with them and what is told."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.simulation.wishes import LIMITED, MOST_BYTES

if TYPE_CHECKING:
    from tests.simulation.vod_messages import File
    from tests.simulation.world import World

FORBIDDEN, DELETED, NOTHING = "forbidden", "deleted", "none"
"""What the app is told."""
ALLOWED = {"forbid": (FORBIDDEN,), "delete": (FORBIDDEN, DELETED)}
"""What may be done under a policy: a late file, and a further one of its upload, is never deleted."""


class RejectionRules:
    """The rules, which hear of every call that forbids or deletes a file, and of what the app is told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._require = world.invariants.require
        self._ids_of_file: dict[str, set[str]] = defaultdict(set)

    def on_action(self, file: File, action: str) -> None:
        """Hear that VOD was asked to forbid or delete a file."""
        allowed = self._allowed(file)
        self._require("only-violations-are-rejected", action in allowed, f"{file.file_id} was {action}")
        if action == DELETED:
            files = self._world.vod.files.values()
            others = [it.file_id for it in files if it.token == file.token and it.deleted_at is not None]
            self._require("one-file-is-deleted", not others, f"of one upload {others} and {file.file_id}")

    def on_event(self, event: dict[str, Any]) -> None:
        """Hear of each copy of an `upload.rejected` that the app takes."""
        content = event["data"]
        file_id, action = str(content["fileId"]), content["action"]
        file = self._world.vod.files.get(file_id)
        is_true = file is not None and action == (_done_with(file) or NOTHING)
        # Nothing is done only where nothing can be.
        is_true = is_true and (action != NOTHING or (file is not None and not file.can_be_forbidden))
        is_true = is_true and content["reason"] == ("storageClass" if action == NOTHING else None)
        told = [(it["limit"], it["allowed"], it["actual"]) for it in content["breaches"]]
        is_true = is_true and told == [("maxFileSize", MOST_BYTES, file.size if file else 0)]
        self._require("rejection-is-true", is_true, f"{file_id} is not {action}")
        self._ids_of_file[file_id].add(event["id"])
        self._require("told-once", len(self._ids_of_file[file_id]) == 1, f"{file_id} was rejected twice")

    def check_end(self) -> None:
        """Check that each file beyond such a policy is forbidden or deleted, and told."""
        for file in self._world.vod.files.values():
            if self._allowed(file):
                is_rejected = _done_with(file) or not file.can_be_forbidden
                self._require("violations-are-rejected", is_rejected, f"{file.file_id} is as it was")
                self._require(
                    "rejections-are-told", self._ids_of_file.get(file.file_id), f"{file.file_id}: not told"
                )

    def _allowed(self, file: File) -> tuple[str, ...]:
        """Return what may be done with a file; empty for one that nothing has to be done with."""
        upload = self._world.users.tokens.get(file.token)
        policy = LIMITED.get(upload.policy, {}) if upload else {}
        return ALLOWED[policy["onViolation"]] if policy and file.size > MOST_BYTES else ()


def _done_with(file: File) -> str:
    if file.deleted_at is not None:
        return DELETED
    return FORBIDDEN if file.is_forbidden else ""
