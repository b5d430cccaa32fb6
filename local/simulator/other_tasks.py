"""Tasks that are no task flows, such as PullUpload: what DescribeTaskDetail shows of them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from local.simulator.task_flow import FINISH
from local.simulator.wire_time import iso_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.simulator.database import Database

SUCCESS = "SUCCESS"
"""How a task of DescribeFileAttributes ends in its own member, where others have FINISH (API model)."""
SESSION_ID_SECONDS = 7 * 86_400
"""A SessionId counts as repeated for seven days (API model)."""


def new_task_id(application: int, task_type: str) -> str:
    """Return a TaskId like VOD's."""
    return f"{application}-{task_type}-{secrets.token_hex(16)}t0"


@dataclass(frozen=True)
class OtherTasks:
    """Each task's state, by its id."""

    database: Database
    clock: Callable[[], float]

    def save(self, application: int, task_type: str, task: Mapping[str, object]) -> None:
        """Store the state of a task; `task` is the member of DescribeTaskDetail that carries it."""
        created_at = self.created_at(str(task["TaskId"]))
        now = iso_time(self.clock())
        status = FINISH if task["Status"] == SUCCESS else task["Status"]
        document = {
            "TaskType": task_type,
            "Status": status,
            "CreateTime": iso_time(created_at),
            "BeginProcessTime": iso_time(created_at),
            "FinishTime": now if status == FINISH else "",
            f"{task_type}Task": task,
        }
        self.database.change(
            "INSERT OR REPLACE INTO other_tasks VALUES (?, ?, ?, ?, ?)",
            str(task["TaskId"]),
            application,
            str(task["SessionId"]),
            created_at,
            json.dumps(document),
        )

    def created_at(self, task_id: str) -> float:
        """Return when a task was first stored, in Unix seconds; the present for a new one."""
        row = self.database.row("SELECT created_at FROM other_tasks WHERE task_id = ?", task_id)
        return self.clock() if row is None else float(row["created_at"])

    def find(self, task_id: str, *, application: int) -> dict[str, object] | None:
        """Return the members of DescribeTaskDetail, if the task belongs to the application."""
        row = self.database.row(
            "SELECT document FROM other_tasks WHERE task_id = ? AND application = ?", task_id, application
        )
        return None if row is None else cast("dict[str, object]", json.loads(row["document"]))

    def has_session_id(self, session_id: str) -> bool:
        """Return whether a task of the last seven days has this SessionId."""
        row = self.database.row(
            "SELECT 1 FROM other_tasks WHERE session_id = ? AND created_at > ?",
            session_id,
            self.clock() - SESSION_ID_SECONDS,
        )
        return row is not None
