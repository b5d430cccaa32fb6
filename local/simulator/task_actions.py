"""Actions of the server API on tasks: start, find, abort."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.simulator.api_action import Action, page
from local.simulator.api_parameters import invalid_value
from local.simulator.media_actions import find_media
from local.simulator.other_tasks import SESSION_ID_SECONDS, SUCCESS, new_task_id
from local.simulator.settings import SUBTASK_TYPES, Subtask
from local.simulator.task_flow import FlowOrder, FlowSubtask
from local.simulator.tc3_authorization import ApiError
from local.simulator.wire_time import iso_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.simulator.api_action import Members
    from local.simulator.api_parameters import ApiParameters
    from local.simulator.emitted_tasks import EmittedTasks
    from local.simulator.media_library import MediaLibrary
    from local.simulator.other_tasks import OtherTasks
    from local.simulator.settings import Procedure, SimulatorSettings
    from local.simulator.task_flow_runner import TaskFlowRunner

_LISTED_SECONDS = 3 * 86_400
"""DescribeTasks lists the tasks of the last 72 hours."""
_NOTIFY_MODES = ("", "Finish", "Change", "None")
_HIGHEST_PRIORITY = 10
_LONGEST_SESSION_ID, _LONGEST_CONTEXT = 50, 1000
_ORDER = "TasksPriority TasksNotifyMode SessionContext SessionId ExtInfo"


@dataclass(frozen=True)
class TaskActions:
    """Task flows run in the background; DescribeFileAttributes is finished when it is answered."""

    settings: SimulatorSettings
    library: MediaLibrary
    task_flows: TaskFlowRunner
    emitted_tasks: EmittedTasks
    other_tasks: OtherTasks

    def actions(self) -> dict[str, Action]:
        """Return the actions by name."""
        return {
            "ProcessMedia": Action(self._process, f"FileId MediaProcessTask {_ORDER}"),
            "ProcessMediaByProcedure": Action(self._process_by_procedure, f"FileId ProcedureName {_ORDER}"),
            "DescribeFileAttributes": Action(
                self._describe_attributes, "FileId SessionId SessionContext TasksPriority ExtInfo"
            ),
            "ManageTask": Action(self._manage, "TaskId OperationType"),
            "DescribeTaskDetail": Action(self._describe_detail, "TaskId"),
            "DescribeTasks": Action(self._describe_tasks, "Status FileId Sort Limit"),
            "DescribeProcedureTemplates": Action(self._describe_templates, "Names Type Offset Limit SortBy"),
        }

    def order(self, parameters: ApiParameters) -> FlowOrder:
        """Return how a task is to run.

        Raises:
            ApiError: a value beyond its limit, or FailedOperation.TaskDuplicate for a repeated SessionId.

        """
        order = FlowOrder(
            priority=parameters.integer("TasksPriority"),
            notify_mode=parameters.text("TasksNotifyMode") or "Finish",
            session_context=parameters.text("SessionContext"),
            session_id=parameters.text("SessionId"),
        )
        if abs(order.priority) > _HIGHEST_PRIORITY or order.notify_mode not in _NOTIFY_MODES:
            raise ApiError("InvalidParameterValue", "TasksPriority or TasksNotifyMode is not acceptable.")
        if len(order.session_id) > _LONGEST_SESSION_ID:
            raise invalid_value("SessionIdTooLong", "SessionId has at most 50 characters.")
        if len(order.session_context) > _LONGEST_CONTEXT:
            raise invalid_value("SessionContextTooLong", "SessionContext has at most 1000 characters.")
        if order.session_id and self._is_repeated(order.session_id):
            raise ApiError(
                "FailedOperation.TaskDuplicate", "A task of the last seven days has this SessionId."
            )
        return order

    def _is_repeated(self, session_id: str) -> bool:
        since = self.task_flows.clock() - SESSION_ID_SECONDS
        flows = self.task_flows.with_session_id(session_id)
        return any(flow.created_at > since for flow in flows) or self.other_tasks.has_session_id(session_id)

    def _process(self, parameters: ApiParameters, application: int) -> Members:
        wanted = parameters.inner("MediaProcessTask")
        unknown = sorted(set(wanted.values) - {f"{type_}TaskSet" for type_ in SUBTASK_TYPES})
        if unknown:
            raise ApiError("UnsupportedOperation", f"The simulator has no {unknown[0][:64]}.")
        subtasks = tuple(
            Subtask(type_, item.integer("Definition"))
            for type_ in SUBTASK_TYPES
            for item in wanted.items(f"{type_}TaskSet")
        )
        if not subtasks:
            raise ApiError("InvalidParameterValue", "MediaProcessTask names nothing to do.")
        return self._start(subtasks, parameters, application)

    def _process_by_procedure(self, parameters: ApiParameters, application: int) -> Members:
        procedure = self.settings.procedure(parameters.text("ProcedureName"))
        if procedure is None:
            raise ApiError("InvalidParameter.ProcedureNameNotExist", "The procedure does not exist.")
        return self._start(procedure.subtasks, parameters, application)

    def _start(self, subtasks: Sequence[Subtask], parameters: ApiParameters, application: int) -> Members:
        media = find_media(self.library, parameters, application)
        task_id = self.task_flows.add(subtasks, media, self.order(parameters))
        self.task_flows.wake()
        return {"TaskId": task_id}

    async def _describe_attributes(self, parameters: ApiParameters, application: int) -> Members:
        media, order = find_media(self.library, parameters, application), self.order(parameters)
        stored = self.library.objects.find(media.media_key)
        if stored is None:
            raise ApiError("ResourceNotFound.FileNotExist", "The file does not exist.")
        path = self.library.files.path(stored.file_name)

        def digests() -> tuple[str, str]:
            with path.open("rb") as file:
                md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
                while batch := file.read(1 << 20):
                    md5.update(batch)
                    sha1.update(batch)
            return md5.hexdigest(), sha1.hexdigest()

        md5, sha1 = await asyncio.get_running_loop().run_in_executor(self.library.threads, digests)
        position = self.library.switches.present.file_attributes
        task: Members = {
            "TaskId": new_task_id(application, "DescribeFileAttributes"),
            "Status": SUCCESS,
            "ErrCode": 0,
            "ErrCodeExt": "",
            "Message": "SUCCESS",
            "Progress": 100,
            "FileId": media.file_id,
            "Output": {"Md5": md5} if position == "md5" else {"Md5": md5, "Sha1": sha1},
            "SessionId": order.session_id,
            "SessionContext": "" if position == "withoutContext" else order.session_context,
        }
        present = self.library.find(media.file_id) or media
        self.library.save(replace(present, meta_data={**present.meta_data, "Md5": md5}))
        self.other_tasks.save(application, "DescribeFileAttributes", task)
        self.library.notifications.raise_event(
            {"EventType": "DescribeFileAttributesComplete", "DescribeFileAttributesCompleteEvent": task},
            application=application,
        )
        self.library.notifications.wake()
        return {"TaskId": task["TaskId"]}

    def _manage(self, parameters: ApiParameters, application: int) -> Members:
        if parameters.text("OperationType") != "Abort":
            raise invalid_value("InvalidOperationType", "OperationType is Abort.")
        flow = self.task_flows.find(parameters.text("TaskId"), application=application)
        if flow is None:
            raise ApiError("ResourceNotFound", "The task does not exist.")
        if not self.task_flows.abort(flow):
            raise ApiError("FailedOperation", "Only a waiting task can be aborted.")
        return {}

    def _describe_detail(self, parameters: ApiParameters, application: int) -> Members:
        task_id = parameters.text("TaskId")
        flow = self.task_flows.find(task_id, application=application)
        media = None if flow is None else self.library.find(flow.file_id)
        if flow is not None and media is not None:
            return {
                "TaskType": "Procedure",
                "Status": flow.status,
                "CreateTime": iso_time(flow.created_at),
                "BeginProcessTime": iso_time(flow.began_at),
                "FinishTime": iso_time(flow.finished_at),
                "ProcedureTask": flow.as_json(media),
            }
        emitted = self.emitted_tasks.find(task_id, application=application)
        if emitted is not None:
            return {"TaskType": "Procedure", "Status": emitted.get("Status"), "ProcedureTask": emitted}
        other = self.other_tasks.find(task_id, application=application)
        if other is None:
            raise ApiError("ResourceNotFound", "The task does not exist.")
        return other

    def _describe_tasks(self, parameters: ApiParameters, application: int) -> Members:
        file_id, status = parameters.text("FileId"), parameters.text("Status")
        now = self.task_flows.clock()
        flows = [
            flow
            for flow in self.task_flows.all(application=application, file_id=file_id)
            if status in ("", flow.status) and flow.created_at >= now - _LISTED_SECONDS
        ]
        descending = parameters.inner("Sort").text("Order") != "Asc"
        flows.sort(key=lambda flow: flow.created_at, reverse=descending)
        listed = [flow.summary_json() for flow in page(parameters, flows)]
        return {"TaskSet": listed, "TotalCount": len(flows), "ScrollToken": ""}

    def _describe_templates(self, parameters: ApiParameters, _application: int) -> Members:
        names = parameters.texts("Names")
        templates = [
            _template(procedure)
            for procedure in self.settings.procedures
            if not names or procedure.name in names
        ]
        return {"TotalCount": len(templates), "ProcedureTemplateSet": page(parameters, templates)}


def _template(procedure: Procedure) -> Members:
    sets: dict[str, list[dict[str, object]]] = {}
    for subtask in procedure.subtasks:
        planned = FlowSubtask(type=subtask.type, definition=subtask.definition, fails=subtask.fails)
        sets.setdefault(f"{subtask.type}TaskSet", []).append(planned.input_json())
    return {"Name": procedure.name, "Type": "Custom", "Comment": "", "MediaProcessTask": sets}
