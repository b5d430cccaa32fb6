"""Run task flows in the background, one step at a time, and raise the events that the signature asks for.

After a restart every open flow continues.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from local.simulator.task_flow import ABORTED, FINISH, WAITING, FlowSubtask, TaskFlow, new_task_flow
from local.simulator.task_flow_outputs import subtask_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.database import Database
    from local.simulator.media import Media
    from local.simulator.media_library import MediaLibrary
    from local.simulator.notifications import Notifications
    from local.simulator.settings import Subtask
    from local.simulator.task_flow import FlowOrder

_LOOK_SECONDS = 0.1
_log = logging.getLogger("local.simulator")


@dataclass
class TaskFlowRunner:
    """All task flows; each subtask takes two steps, its begin and its end."""

    database: Database
    configuration: ConfigurationStore
    clock: Callable[[], float]
    threads: Executor
    notifications: Notifications
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None
    _library: MediaLibrary | None = None

    def add(self, subtasks: Iterable[Subtask], media: Media, order: FlowOrder) -> str:
        """Plan a flow and return its TaskId; call `wake` after the surrounding transaction."""
        flow = new_task_flow(subtasks, media, order, now=self.clock())
        self._save(flow)
        return flow.task_id

    def abort(self, flow: TaskFlow) -> bool:
        """End a flow that has not begun, without an event (266/39438); return False for any other."""
        if flow.status != WAITING:
            return False
        self._save(replace(flow, status=ABORTED, finished_at=self.clock()))
        return True

    def find(self, task_id: str, *, application: int) -> TaskFlow | None:
        """Return the flow with that TaskId, if it belongs to the application."""
        row = self.database.row("SELECT document FROM task_flows WHERE task_id = ?", task_id)
        flow = None if row is None else _flow(row["document"])
        return flow if flow is not None and flow.application == application else None

    def of_media(self, file_id: str) -> list[TaskFlow]:
        """Return every flow of a media."""
        rows = self.database.rows("SELECT document FROM task_flows WHERE file_id = ?", file_id)
        return [_flow(row["document"]) for row in rows]

    def with_session_id(self, session_id: str) -> list[TaskFlow]:
        """Return every flow that was ordered under this SessionId."""
        wanted = "SELECT document FROM task_flows WHERE json_extract(document, '$.session_id') = ?"
        return [_flow(row["document"]) for row in self.database.rows(wanted, session_id)]

    def all(self, *, application: int, file_id: str = "") -> list[TaskFlow]:
        """Return every flow of an application, or of one file of it."""
        rows = self.database.rows("SELECT document FROM task_flows WHERE ? IN ('', file_id)", file_id)
        return [flow for flow in (_flow(row["document"]) for row in rows) if flow.application == application]

    async def start(self, library: MediaLibrary) -> None:
        """Start running flows, beginning with what an earlier process left."""
        self._library = library
        self._loop = asyncio.get_running_loop()
        self._start_flows()

    async def stop(self) -> None:
        """Stop after the current step; flows continue after the next start."""
        self._loop = None
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Start running new flows; may be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start_flows)

    def _start_flows(self) -> None:
        if self._loop is None:
            return
        for row in self.database.rows("SELECT task_id, document FROM task_flows WHERE finished = 0"):
            task_id = row["task_id"]
            if task_id not in self._running:
                task = self._loop.create_task(self._run(_flow(row["document"])))
                self._running[task_id] = task
                task.add_done_callback(partial(self._forget, task_id))

    async def _run(self, flow: TaskFlow) -> None:
        while not flow.is_over:
            await self._wait_for_the_step()
            flow = await self._step(flow)

    async def _wait_for_the_step(self) -> None:
        """Wait for the time between two steps; a shorter one that is set meanwhile counts at once."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (left := began + self.configuration.present.task_flow_step_seconds - loop.time()) > 0:  # noqa: ASYNC110  # any thread may set it
            await asyncio.sleep(min(left, _LOOK_SECONDS))

    def _forget(self, task_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(task_id, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("the task flow %s broke off", task_id, exc_info=task.exception())

    async def _step(self, flow: TaskFlow) -> TaskFlow:
        library = self._library
        flow = self.find(flow.task_id, application=flow.application) or flow
        if flow.is_over:
            return flow
        media = None if library is None else library.find(flow.file_id)
        if library is None or media is None:
            # The media was deleted meanwhile.
            flow = replace(flow, status=ABORTED, finished_at=self.clock())
            self._save(flow)
            return flow
        subtask = flow.running()
        if subtask is None:
            flow = flow.begin_next(self.clock())
        else:
            output = await asyncio.get_running_loop().run_in_executor(
                self.threads, subtask_output, subtask, media, library
            )
            flow = flow.end_running(output, self.clock())
            if output is not None and "CoverUrl" in output:
                # Read again: its cover may have been changed meanwhile.
                media = library.find(flow.file_id) or media
                media = replace(media, cover_url=str(output["CoverUrl"]), updated_at=self.clock())
        with self.database.transaction():
            self._save(flow)
            if subtask is not None and subtask.type == "CoverBySnapshot":
                library.save(media)
            if _is_reported(flow):
                self.notifications.raise_event(flow.state_event(media), application=flow.application)
        self.notifications.wake()
        return flow

    def _save(self, flow: TaskFlow) -> None:
        self.database.change(
            "INSERT OR REPLACE INTO task_flows VALUES (?, ?, ?, ?)",
            flow.task_id,
            flow.file_id,
            int(flow.is_over),
            json.dumps(asdict(flow)),
        )


def _is_reported(flow: TaskFlow) -> bool:
    """Return whether a flow that has just changed is reported (doc 266/33922, taskNotifyMode)."""
    return flow.tasks_notify_mode == "Change" or (
        flow.tasks_notify_mode == "Finish" and flow.status == FINISH
    )


def _flow(document: str) -> TaskFlow:
    members = json.loads(document)
    members["subtasks"] = tuple(FlowSubtask(**subtask) for subtask in members["subtasks"])
    return TaskFlow(**members)
