"""VOD's records, as the read-back queries them: files with their tokens, and task flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.errors import VodApiError
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Mapping

META_DATA = {"Size": 48_211_377, "Duration": 120.04}


@dataclass
class Records:
    """VOD's own records: `kept` is the token of each file, `tasks` each ProcedureTask by its id.

    `listed` are tasks that are no task flow (TaskSimpleInfo). `asked` lists the files asked about,
    `applications` where. A call whose name is in `failing` fails.
    """

    kept: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    listed: list[dict[str, object]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    applications: list[int | None] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    name: str = "harbour-walk"

    def run(self, event: Mapping[str, Any]) -> None:
        """Set a task flow to the state in its event."""
        task = event["ProcedureStateChangeEvent"]
        self.tasks[task["TaskId"]] = task

    def media_info(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Return a file's information."""
        self._ask("media_info", sub_app_id, timeout_seconds)
        self.asked.append(file_id)
        if file_id not in self.kept:
            return None
        event: dict[str, Any] = uploaded(self.kept[file_id], file_id=file_id)
        basic = {**event["FileUploadEvent"]["MediaBasicInfo"], "Name": self.name}
        return {"FileId": file_id, "BasicInfo": basic, "MetaData": META_DATA}

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return the tasks about a file."""
        self._ask("tasks_of_file", sub_app_id, timeout_seconds)
        flows = [
            {"TaskId": task_id, "TaskType": "Procedure", "SessionContext": task["SessionContext"]}
            for task_id, task in self.tasks.items()
            if task["FileId"] == file_id
        ]
        return (*flows, *self.listed)

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Return the state of a task flow."""
        self._ask("procedure_task", sub_app_id, timeout_seconds)
        if task_id not in self.tasks:
            raise VodApiError("There is no such task.", vod_code="ResourceNotFound")
        return dict(self.tasks[task_id])

    def _ask(self, call: str, sub_app_id: int | None, timeout_seconds: float) -> None:
        assert timeout_seconds > 0
        self.applications.append(sub_app_id)
        if call in self.failing:
            raise VodApiError(f"{call} failed: canary.")
