"""VOD's records, as the read-back queries them: files with their tokens, and task flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.domain.list_position import PAGE, SEARCH_LIMIT
from shared.errors import CallBudgetError, VodApiError
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

META_DATA = {"Size": 48_211_377, "Duration": 120.04}


@dataclass
class Records:
    """VOD's own records: `kept` is the token of each file, `tasks` each ProcedureTask by its id.

    `created` says when a file was uploaded (Unix seconds), `covers` the address of its cover, `listed` are
    tasks that are no task flow (TaskSimpleInfo). `digests` are those of each file, by Md5 and Sha1, which its
    tasks in `attributes` end with. `meta_data` is what VOD has measured of every file, `shown` what else a
    file's information shows, `forbidden` and `deleted` are the files of those calls. `asked` lists the files
    asked about, `applications` where, `calls` the actions. A call whose name is in `failing` does not come
    through, one to forbid is refused with the code `refusal`, and for one in `spent` there is no budget;
    after each other one `after_call` is run.
    """

    kept: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    created: dict[str, float] = field(default_factory=dict)
    covers: dict[str, str] = field(default_factory=dict)
    listed: list[dict[str, object]] = field(default_factory=list)
    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    attributes: dict[str, dict[str, object]] = field(default_factory=dict)
    shown: dict[str, dict[str, object]] = field(default_factory=dict)
    meta_data: dict[str, object] = field(default_factory=lambda: dict(META_DATA))
    forbidden: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refusal: str = ""
    asked: list[str] = field(default_factory=list)
    applications: list[int | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    spent: set[str] = field(default_factory=set)
    after_call: Callable[[], object] = lambda: None
    name: str = "harbour-walk"

    def run(self, event: Mapping[str, Any]) -> None:
        """Set a task flow to the state in its event."""
        task = event["ProcedureStateChangeEvent"]
        self.tasks[task["TaskId"]] = task

    def media_info(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float, foreign: bool = False
    ) -> dict[str, object] | None:
        """Return a file's information."""
        del foreign
        self._ask("media_info", sub_app_id, timeout_seconds)
        self.asked.append(file_id)
        if file_id not in self.kept:
            return None
        return self._media(file_id)

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List a page of the files uploaded between two instants, as SearchMedia does (266/31813)."""
        self._ask("uploads_created", sub_app_id, timeout_seconds)
        if offset + PAGE > SEARCH_LIMIT:
            raise VodApiError("SearchMedia failed: InvalidParameterValue.Offset.")
        found = [name for name in self.kept if after <= iso(self.created[name]) <= before]
        found.sort(key=lambda name: iso(self.created[name]))
        page = tuple(self._media(name) for name in found[offset : offset + PAGE])
        self.after_call()
        return page

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float, foreign: bool = False
    ) -> tuple[dict[str, object], ...]:
        """Return the tasks about a file."""
        del foreign
        self._ask("tasks_of_file", sub_app_id, timeout_seconds)
        flows = [
            {"TaskId": task_id, "TaskType": "Procedure", "SessionContext": task["SessionContext"]}
            for task_id, task in self.tasks.items()
            if task["FileId"] == file_id
        ]
        return (*flows, *self.listed)

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float, foreign: bool = False
    ) -> dict[str, object]:
        """Return the state of a task flow."""
        del foreign
        self._ask("procedure_task", sub_app_id, timeout_seconds)
        if task_id not in self.tasks:
            return {}
        task = dict(self.tasks[task_id])
        self.after_call()
        return task

    def describe_file_attributes(
        self, file_id: str, *, session_context: str, sub_app_id: int | None, timeout_seconds: float
    ) -> str:
        """Begin a task, which ends once there are digests of its file."""
        self._ask("describe_file_attributes", sub_app_id, timeout_seconds)
        task_id = f"1500012345-GetMediaAttributes-{len(self.attributes) + 1}"
        self.attributes[task_id] = {"TaskId": task_id, "FileId": file_id, "SessionContext": session_context}
        self.after_call()
        return task_id

    def attributes_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Return the state of such a task."""
        self._ask("attributes_task", sub_app_id, timeout_seconds)
        task = self.attributes.get(task_id, {})
        output = self.digests.get(str(task.get("FileId")))
        ended = {"Status": "SUCCESS", "Output": output} if output else {"Status": "PROCESSING"}
        return {**task, **ended} if task else {}

    def forbid_media(self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float) -> None:
        """Forbid a file, or refuse with the code `refusal`."""
        self._ask("forbid_media", sub_app_id, timeout_seconds)
        if self.refusal:
            raise VodApiError("forbid failed: canary.", vod_code=self.refusal)
        self.forbidden.append(file_id)
        self.shown.setdefault(file_id, {})["Status"] = "Forbidden"
        self.after_call()

    def delete_media(self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float) -> None:
        """Delete a file."""
        self._ask("delete_media", sub_app_id, timeout_seconds)
        self.deleted.append(file_id)
        del self.kept[file_id]
        self.after_call()

    def _media(self, file_id: str) -> dict[str, object]:
        event: dict[str, Any] = uploaded(self.kept[file_id], file_id=file_id)
        basic = {**event["FileUploadEvent"]["MediaBasicInfo"], "Name": self.name}
        basic["CreateTime"] = iso(self.created.get(file_id, 0))
        basic["CoverUrl"] = self.covers.get(file_id, basic["CoverUrl"])
        basic |= self.shown.get(file_id, {})
        return {"FileId": file_id, "BasicInfo": basic, "MetaData": self.meta_data}

    def _ask(self, call: str, sub_app_id: int | None, timeout_seconds: float) -> None:
        assert timeout_seconds > 0
        self.applications.append(sub_app_id)
        self.calls.append(call)
        if call in self.spent:
            raise CallBudgetError(f"{call} was not called: canary.")
        if call in self.failing:
            raise VodApiError(f"{call} failed: canary.")


@cache
def iso(instant: float) -> str:
    """Write an instant as VOD does."""
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
