"""One task flow: its subtasks, and how each step moves them. Pure values.

`task_flow_runner` runs the steps, `task_flow_outputs` produces the outputs.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.simulator.wire_time import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.simulator.media import Media
    from local.simulator.settings import Subtask, SubtaskType

WAITING, PROCESSING, FINISH, ABORTED = "WAITING", "PROCESSING", "FINISH", "ABORTED"
SUCCESS, FAIL = "SUCCESS", "FAIL"
_HALF_WAY = 50
_DONE = 100

# The member of MediaProcessResultSet that carries each type (API model MediaProcessTaskResult).
_MEMBERS = {
    "Transcode": "TranscodeTask",
    "CoverBySnapshot": "CoverBySnapshotTask",
    "AdaptiveDynamicStreaming": "AdaptiveDynamicStreamingTask",
    "SampleSnapshot": "SampleSnapshotTask",
}


@dataclass(frozen=True)
class FlowOrder:
    """How somebody wants a flow to run and to be reported; see doc 266/33922 for the values."""

    priority: int = 0
    notify_mode: str = "Finish"
    session_context: str = ""
    session_id: str = ""


@dataclass(frozen=True)
class FlowSubtask:
    """One subtask; times in Unix seconds, `output` only after SUCCESS."""

    type: SubtaskType
    definition: int
    fails: bool
    status: str = WAITING
    progress: int = 0
    began_at: float | None = None
    finished_at: float | None = None
    output: Mapping[str, object] | None = None

    def as_json(self) -> dict[str, object]:
        """Build one item of MediaProcessResultSet; a waiting subtask is PROCESSING without a begin time."""
        failed, done = self.status == FAIL, self.status == SUCCESS
        task: dict[str, object] = {
            "Status": PROCESSING if self.status == WAITING else self.status,
            "ErrCodeExt": "InternalError" if failed else "",
            "ErrCode": 70000 if failed else 0,
            "Message": "internal error" if failed else ("SUCCESS" if done else ""),
            "Progress": self.progress,
            "BeginProcessTime": iso_time(self.began_at),
            "FinishTime": iso_time(self.finished_at),
            "Input": self.input_json(),
            "Output": None if self.output is None else dict(self.output),
        }
        return {"Type": self.type, _MEMBERS[self.type]: task}

    def input_json(self) -> dict[str, object]:
        """Build the subtask's input, which the template contains too."""
        position = {"PositionType": "Time", "PositionValue": 0} if self.type == "CoverBySnapshot" else {}
        return {"Definition": self.definition, **position, "WatermarkSet": []}


@dataclass(frozen=True)
class TaskFlow:
    """One run of a procedure for one media."""

    task_id: str
    file_id: str
    application: int
    tasks_priority: int
    tasks_notify_mode: str
    session_context: str
    created_at: float
    subtasks: tuple[FlowSubtask, ...]
    status: str = WAITING
    began_at: float | None = None
    finished_at: float | None = None
    session_id: str = ""

    @property
    def is_over(self) -> bool:
        """Return whether no step will follow."""
        return self.status in (FINISH, ABORTED)

    def running(self) -> FlowSubtask | None:
        """Return the subtask in progress, or None."""
        return next((subtask for subtask in self.subtasks if subtask.status == PROCESSING), None)

    def begin_next(self, now: float) -> TaskFlow:
        """Begin the first waiting subtask; with none, the flow is finished."""
        began_at = now if self.began_at is None else self.began_at
        waiting = next((subtask for subtask in self.subtasks if subtask.status == WAITING), None)
        if waiting is None:
            return replace(self, status=FINISH, began_at=began_at, finished_at=now)
        begun = replace(waiting, status=PROCESSING, progress=_HALF_WAY, began_at=now)
        return replace(self._with(waiting, begun), status=PROCESSING, began_at=began_at)

    def end_running(self, output: Mapping[str, object] | None, now: float) -> TaskFlow:
        """End the running subtask with its output, or as FAIL without one; the last one ends the flow."""
        subtask = self.running()
        if subtask is None:
            return self
        ended = replace(
            subtask,
            status=FAIL if output is None else SUCCESS,
            progress=0 if output is None else _DONE,
            finished_at=now,
            output=output,
        )
        flow = self._with(subtask, ended)
        if any(other.status == WAITING for other in flow.subtasks):
            return flow
        return replace(flow, status=FINISH, finished_at=now)

    def _with(self, old: FlowSubtask, new: FlowSubtask) -> TaskFlow:
        position = self.subtasks.index(old)
        return replace(self, subtasks=(*self.subtasks[:position], new, *self.subtasks[position + 1 :]))

    def as_json(self, media: Media) -> dict[str, object]:
        """Build the API's ProcedureTask, which the event carries too."""
        return {
            "TaskId": self.task_id,
            "Status": self.status,
            "ErrCode": 0,
            "Message": "",
            "FileId": self.file_id,
            "FileName": media.name,
            "FileUrl": media.media_url,
            "MetaData": dict(media.meta_data),
            "MediaProcessResultSet": [subtask.as_json() for subtask in self.subtasks],
            "AiContentReviewResultSet": [],
            "AiAnalysisResultSet": [],
            "AiRecognitionResultSet": [],
            "TasksPriority": self.tasks_priority,
            "TasksNotifyMode": self.tasks_notify_mode,
            "SessionContext": self.session_context,
            "SessionId": self.session_id,
        }

    def summary_json(self) -> dict[str, object]:
        """Build the API's TaskSimpleInfo."""
        return {
            "TaskId": self.task_id,
            "Status": self.status,
            "FileId": self.file_id,
            "TaskType": "Procedure",
            "CreateTime": iso_time(self.created_at),
            "BeginProcessTime": iso_time(self.began_at),
            "FinishTime": iso_time(self.finished_at),
            "SessionId": self.session_id,
            "SessionContext": self.session_context,
        }

    def state_event(self, media: Media) -> dict[str, object]:
        """Build the ProcedureStateChanged event; its member's name has no "d" (266/33953)."""
        return {"EventType": "ProcedureStateChanged", "ProcedureStateChangeEvent": self.as_json(media)}


def new_task_flow(subtasks: Iterable[Subtask], media: Media, order: FlowOrder, *, now: float) -> TaskFlow:
    """Plan a run of these subtasks."""
    return TaskFlow(
        task_id=f"{media.application}-Procedure-{secrets.token_hex(16)}t0",
        file_id=media.file_id,
        application=media.application,
        tasks_priority=order.priority,
        tasks_notify_mode=order.notify_mode,
        session_context=order.session_context,
        session_id=order.session_id,
        created_at=now,
        subtasks=tuple(
            FlowSubtask(type=subtask.type, definition=subtask.definition, fails=subtask.fails)
            for subtask in subtasks
        ),
    )
