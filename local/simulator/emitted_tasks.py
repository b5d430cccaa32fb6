"""Task flows that the API knows only from emitted events; see `task_flow_runner` for those that run."""

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
    """The ProcedureTask of each emitted event."""

    database: Database
    library: MediaLibrary

    def learn(self, event: Mapping[str, object]) -> None:
        """Store a task-flow event as the state of its task, if it is about a known media and its context."""
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
        """Return the ProcedureTask of that id, if it belongs to the application."""
        row = self.database.row(
            "SELECT document FROM emitted_tasks WHERE task_id = ? AND application = ?", task_id, application
        )
        return None if row is None else cast("dict[str, object]", json.loads(row["document"]))
