"""Task flows: how one runs, what it tells, and what may be asked of it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.conformance.called import expected
from local.conformance.question import Cost, Questions
from local.conformance.shapes import ABSENT, shape
from local.conformance.uploads import until, uploaded

if TYPE_CHECKING:
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

QUESTIONS = Questions()
_FLOW = Cost(uploads=1, processing=True)
_OVER = ("FINISH", "ABORTED")


@QUESTIONS.declare(
    "task-of-upload",
    "What has the task flow that an upload's signature names?",
    source="doc 266/33922, 266/33953; API model 2018-07-17",
    concerns="task_flow.py, replies/server_api.py SERVER_API",
    cost=_FLOW,
)
def _of_upload(vod: Subject) -> Answer:
    terms = {"procedure": vod.permissions.procedure, "sessionContext": "a session", "taskPriority": 1}
    file_id = str(uploaded(vod, **terms)["fileId"])
    [begun, *_] = until(vod, lambda: _tasks(vod, file_id), "the task in DescribeTasks")
    detail = _ended(vod, str(begun["TaskId"]))
    [listed, *_] = _tasks(vod, file_id)
    flow = detail.get("ProcedureTask") or {}
    subtasks = [_inner(result) for result in flow.get("MediaProcessResultSet") or ()]
    return {
        "members of DescribeTasks": shape(listed),
        "members of DescribeTaskDetail": _outer(detail),
        "members of ProcedureTask": _outer(flow),
        "members of a subtask": sorted({name for subtask in subtasks for name in subtask}),
        "TaskType": detail.get("TaskType", ABSENT),
        "Status": [detail.get("Status", ABSENT), flow.get("Status", ABSENT)],
        "SessionContext": flow.get("SessionContext", ABSENT),
        "TasksPriority": flow.get("TasksPriority", ABSENT),
        "TasksNotifyMode": flow.get("TasksNotifyMode", ABSENT),
    }


@QUESTIONS.declare(
    "task-repeated",
    "Which codes have a repeated SessionId, an abort of a task that is over, and RedoTask?",
    source="API model 2018-07-17; docs 266/39438, 266/39706",
    concerns="task_actions.TaskActions",
    cost=_FLOW,
)
def _repeated(vod: Subject) -> Answer:
    file_id = str(uploaded(vod)["fileId"])
    order = {"FileId": file_id, "ProcedureName": vod.permissions.procedure, "SessionId": vod.name()}
    begun = vod.api("ProcessMediaByProcedure", **order)
    repeated = vod.api("ProcessMediaByProcedure", **order)
    task_id = str(expected("ProcessMediaByProcedure", begun)["TaskId"])
    _ended(vod, task_id)
    return {
        "members": shape(begun.members),
        "repeated SessionId": repeated.word,
        "abort of a task that is over": vod.api("ManageTask", TaskId=task_id, OperationType="Abort").word,
        "RedoTask": vod.api("RedoTask", TaskId=task_id).word.partition(" ")[2],
        "unknown procedure": vod.api(
            "ProcessMediaByProcedure", FileId=file_id, ProcedureName="NoProcedureHasThisName"
        ).word,
    }


def _tasks(vod: Subject, file_id: str) -> list[dict[str, Any]]:
    return list(vod.api("DescribeTasks", FileId=file_id).members.get("TaskSet") or ())


def _ended(vod: Subject, task_id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        found = vod.api("DescribeTaskDetail", TaskId=task_id).members
        return found if found.get("Status") in _OVER else None

    detail: dict[str, Any] = until(vod, ended, "the end of the task flow")
    return detail


def _outer(members: dict[str, Any]) -> dict[str, str]:
    """Return the members of an object by their kind, and nothing of what is inside them."""
    return {name: kind for name, kind in shape(members).items() if not {".", "["} & set(name)}


def _inner(result: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a subtask, which is in the one member that is not its type."""
    return next((value for name, value in result.items() if name != "Type" and isinstance(value, dict)), {})
