"""The actions of the server API (API model of the official SDK, version 2018-07-17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator.api_parameters import ApiParameters, invalid_value
from local.simulator.media_info import FILTERS, media_info
from local.simulator.pull_queue import BATCH
from local.simulator.task_flow import FlowSubtask
from local.simulator.tc3_authorization import ApiError
from local.simulator.wire_time import iso_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.emitted_tasks import EmittedTasks
    from local.simulator.media import Media
    from local.simulator.media_library import MediaLibrary
    from local.simulator.pull_queue import PullQueue
    from local.simulator.settings import Procedure, SimulatorSettings
    from local.simulator.task_flow_runner import TaskFlowRunner

_MOST_FILE_IDS = 20
_MOST_RESULTS = 100
_TASKS_LISTED_SECONDS = 3 * 86_400
"""DescribeTasks lists the tasks of the last 72 hours."""
_SWITCHES = {
    "UploadMediaCompleteEventSwitch": "upload_complete_event",
    "DeleteMediaCompleteEventSwitch": "delete_complete_event",
    "PersistenceCompleteEventSwitch": "persistence_complete_event",
}
_PARAMETERS = {
    "DescribeMediaInfos": frozenset({"FileIds", "Filters"}),
    "SearchMedia": frozenset(
        {"FileIds", "Names", "SourceTypes", "CreateTime", "Offset", "Limit", "Sort", "Filters"}
    ),
    "DescribeEventConfig": frozenset[str](),
    "ModifyEventConfig": frozenset({"Mode", "NotificationUrl", "SignKey", *_SWITCHES}),
    "PullEvents": frozenset({"ExtInfo"}),
    "ConfirmEvents": frozenset({"EventHandles", "ExtInfo"}),
    "DescribeTaskDetail": frozenset({"TaskId"}),
    "DescribeTasks": frozenset({"Status", "FileId", "Sort", "Limit"}),
    "DescribeStorageRegions": frozenset[str](),
    "DescribeProcedureTemplates": frozenset({"Names", "Type", "Offset", "Limit", "SortBy"}),
}


@dataclass(frozen=True)
class ServerActions:
    """Every action; each takes the parameters and the application, and returns the answer's members."""

    settings: SimulatorSettings
    configuration: ConfigurationStore
    library: MediaLibrary
    task_flows: TaskFlowRunner
    emitted_tasks: EmittedTasks
    queue: PullQueue

    def names(self) -> frozenset[str]:
        """Return the names of the actions."""
        return frozenset(_PARAMETERS)

    async def call(self, action: str, values: Mapping[str, object]) -> dict[str, object]:
        """Run one action.

        Raises:
            ApiError: with the official code.

        """
        parameters = ApiParameters(values)
        parameters.refuse_others_than(_PARAMETERS[action] | {"SubAppId"})
        sub_app_id = parameters.integer("SubAppId")
        if not self.settings.owns_application(sub_app_id):
            raise invalid_value("SubAppId", "The sub-application does not exist.")
        application = self.settings.application(sub_app_id)
        if action == "PullEvents":
            return await self._pull_events(application)
        calls: dict[str, Callable[[ApiParameters, int], dict[str, Any]]] = {
            "DescribeMediaInfos": self._describe_media_infos,
            "SearchMedia": self._search_media,
            "DescribeEventConfig": self._describe_event_config,
            "ModifyEventConfig": self._modify_event_config,
            "ConfirmEvents": self._confirm_events,
            "DescribeTaskDetail": self._describe_task_detail,
            "DescribeTasks": self._describe_tasks,
            "DescribeStorageRegions": self._describe_storage_regions,
            "DescribeProcedureTemplates": self._describe_procedure_templates,
        }
        return calls[action](parameters, application)

    async def _pull_events(self, application: int) -> dict[str, object]:
        events = await self.queue.pull(application=application)
        shape = self.configuration.present.empty_event_set
        if not events and shape == "error":
            raise ApiError("ResourceNotFound", "There are no events.")
        return {"EventSet": None if not events and shape == "null" else events}

    def _confirm_events(self, parameters: ApiParameters, _application: int) -> dict[str, object]:
        handles = parameters.texts("EventHandles")
        if not 1 <= len(handles) <= BATCH or not self.queue.confirm(handles):
            raise ApiError("InvalidParameterValue", "An event handle is not valid, or its 30 s are over.")
        return {}

    def _describe_media_infos(self, parameters: ApiParameters, application: int) -> dict[str, object]:
        file_ids = list(dict.fromkeys(parameters.texts("FileIds")))
        if not 1 <= len(file_ids) <= _MOST_FILE_IDS:
            raise invalid_value("FileIds", "FileIds has 1 to 20 entries.")
        found = {file_id: self.library.find(file_id, application=application) for file_id in file_ids}
        return {
            "MediaInfoSet": self._infos([media for media in found.values() if media], parameters),
            "NotExistFileIdSet": [file_id for file_id, media in found.items() if media is None],
        }

    def _search_media(self, parameters: ApiParameters, application: int) -> dict[str, object]:
        file_ids, names = parameters.texts("FileIds"), parameters.texts("Names")
        source_types = parameters.texts("SourceTypes")
        created = parameters.inner("CreateTime")
        after, before = created.instant("After"), created.instant("Before")
        # Whole seconds, as the times are shown.
        found = [
            media
            for media in self.library.all(application=application)
            if (not file_ids or media.file_id in file_ids)
            and (not names or any(name.lower() in media.name.lower() for name in names))
            and (not source_types or "Upload" in source_types)
            and (after is None or int(media.created_at) >= after)
            and (before is None or int(media.created_at) <= before)
        ]
        if parameters.inner("Sort").text("Order") == "Asc":
            found.reverse()
        page = _page(parameters, found)
        return {"TotalCount": len(found), "MediaInfoSet": self._infos(page, parameters)}

    def _infos(self, found: list[Media], parameters: ApiParameters) -> list[dict[str, object]]:
        wanted = frozenset(parameters.texts("Filters"))
        if not wanted <= FILTERS:
            raise invalid_value("Filters", "A filter is unknown.")
        return [
            media_info(media, self.task_flows.of_media(media.file_id), wanted or FILTERS) for media in found
        ]

    def _describe_event_config(self, _parameters: ApiParameters, _application: int) -> dict[str, object]:
        present = self.configuration.present
        switches = {name: "ON" if getattr(present, field) else "OFF" for name, field in _SWITCHES.items()}
        return {"Mode": present.mode, "NotificationUrl": present.callback_url, **switches}

    def _modify_event_config(self, parameters: ApiParameters, _application: int) -> dict[str, object]:
        changes: dict[str, object] = {}
        names = {"Mode": "mode", "NotificationUrl": "callback_url", "SignKey": "sign_key"}
        for name, field in names.items():
            if parameters.values.get(name) is not None:
                changes[field] = parameters.text(name)
        for name, field in _SWITCHES.items():
            switch = parameters.text(name)
            if switch not in ("", "ON", "OFF"):
                raise invalid_value(name, f"{name} is ON or OFF.")
            if switch:
                changes[field] = switch == "ON"
        try:
            self.configuration.change(changes)
        except ValueError as error:
            raise ApiError("InvalidParameterValue", str(error)) from error
        return {}

    def _describe_task_detail(self, parameters: ApiParameters, application: int) -> dict[str, object]:
        task_id = parameters.text("TaskId")
        flow = self.task_flows.find(task_id, application=application)
        media = None if flow is None else self.library.find(flow.file_id)
        if flow is None or media is None:
            task = self.emitted_tasks.find(task_id, application=application)
            if task is None:
                raise ApiError("ResourceNotFound", "The task does not exist.")
            return {"TaskType": "Procedure", "Status": task.get("Status"), "ProcedureTask": task}
        return {
            "TaskType": "Procedure",
            "Status": flow.status,
            "CreateTime": iso_time(flow.created_at),
            "BeginProcessTime": iso_time(flow.began_at),
            "FinishTime": iso_time(flow.finished_at),
            "ProcedureTask": flow.as_json(media),
        }

    def _describe_tasks(self, parameters: ApiParameters, application: int) -> dict[str, object]:
        file_id, status = parameters.text("FileId"), parameters.text("Status")
        now = self.task_flows.clock()
        flows = [
            flow
            for flow in self.task_flows.all(application=application)
            if file_id in ("", flow.file_id)
            and status in ("", flow.status)
            and flow.created_at >= now - _TASKS_LISTED_SECONDS
        ]
        descending = parameters.inner("Sort").text("Order") != "Asc"
        flows.sort(key=lambda flow: flow.created_at, reverse=descending)
        page = _page(parameters, flows)
        return {
            "TaskSet": [flow.summary_json() for flow in page],
            "TotalCount": len(flows),
            "ScrollToken": "",
        }

    def _describe_storage_regions(self, _parameters: ApiParameters, _application: int) -> dict[str, object]:
        regions = self.settings.storage_regions
        return {
            "StorageRegionInfos": [
                {
                    "Region": region,
                    "Description": region,
                    "Status": "opened",
                    "IsDefault": region == regions[0],
                    "Area": "Asia",
                }
                for region in regions
            ]
        }

    def _describe_procedure_templates(
        self, parameters: ApiParameters, _application: int
    ) -> dict[str, object]:
        names = parameters.texts("Names")
        templates = [
            _template(procedure)
            for procedure in self.settings.procedures
            if not names or procedure.name in names
        ]
        return {"TotalCount": len(templates), "ProcedureTemplateSet": _page(parameters, templates)}


def _page(parameters: ApiParameters, items: list[Any]) -> list[Any]:
    offset, limit = parameters.integer("Offset"), parameters.integer("Limit", 10)
    if offset < 0 or not 0 < limit <= _MOST_RESULTS:
        raise invalid_value("Limit", "Offset is at least 0, Limit from 1 to 100.")
    return items[offset : offset + limit]


def _template(procedure: Procedure) -> dict[str, object]:
    sets: dict[str, list[dict[str, object]]] = {}
    for subtask in procedure.subtasks:
        planned = FlowSubtask(type=subtask.type, definition=subtask.definition, fails=subtask.fails)
        sets.setdefault(f"{subtask.type}TaskSet", []).append(planned.input_json())
    return {"Name": procedure.name, "Type": "Custom", "Comment": "", "MediaProcessTask": sets}
