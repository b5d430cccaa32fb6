"""Task flows that nobody ran: the API knows them because somebody had their event emitted.

Those that run are left to `task_flow_runner`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from shared.vod.lenient_json import as_object, as_text
from shared.vod.notification_types import PROCEDURE_STATE_CHANGED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.simulator.database import Database
    from local.simulator.media_library import MediaLibrary


@dataclass(frozen=True)
class EmittedTasks:
    """What emitted events tell of task flows; each as its ProcedureTask."""

    database: Database
    library: MediaLibrary

    def learn(self, event: Mapping[str, object]) -> None:
        """Let the event of a media's task flow be the truth; VOD has no task of somebody else's file."""
        if event.get("EventType") != PROCEDURE_STATE_CHANGED:
            return
        task = as_object(event.get("ProcedureStateChangeEvent"))
        media = self.library.find(as_text(task.get("FileId")))
        if media is None or media.source_context != as_text(task.get("SessionContext")):
            return
        self.database.change(
            "INSERT OR REPLACE INTO emitted_tasks VALUES (?, ?, ?)",
            as_text(task.get("TaskId")),
            media.application,
            json.dumps(task),
        )

    def find(self, task_id: str, *, application: int) -> dict[str, object] | None:
        """Give the ProcedureTask of that id, if it belongs to the application."""
        row = self.database.row(
            "SELECT document FROM emitted_tasks WHERE task_id = ? AND application = ?", task_id, application
        )
        return None if row is None else cast("dict[str, object]", json.loads(row["document"]))
