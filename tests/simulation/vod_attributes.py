"""VOD's tasks that compute the digests of a file's bytes, and their events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.vod_messages import TASK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.scheduler import Scheduler
    from tests.simulation.vod_messages import File

FILE_ATTRIBUTES = "DescribeFileAttributesComplete"
LONGEST_TASK_SECONDS, FAILURES = 900.0, 0.15
MOST_FAILURES = 2
"""So many tasks of one file fail at most: the functions begin as few as four, if the first is late."""
VOD_NAMES = {"md5": "Md5", "sha1": "Sha1"}


@dataclass
class AttributesTask:
    """One such task; its result is there from `ends_at` on."""

    task_id: str
    file: File
    context: str
    started_at: float
    ends_at: float
    succeeds: bool
    shown_at: float

    def is_known(self, now: float) -> bool:
        """Return whether DescribeTaskDetail has it."""
        return self.shown_at <= now < self.started_at + TASK_SECONDS


@dataclass
class AttributesTasks:
    """All such tasks of the account; `computes` are the digests that VOD has."""

    scheduler: Scheduler
    emit: Callable[[dict[str, Any]], None]
    computes: tuple[str, ...] = ("md5",)
    by_id: dict[str, AttributesTask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare its random numbers, and choose what VOD computes."""
        self.random = self.scheduler.random_of("attributes")
        self.computes = self.random.choice((("md5",), ("md5", "sha1"), ("md5", "sha1")))

    def begin(self, file: File, context: str, *, lag: float) -> AttributesTask:
        """Begin a task, and plan its event."""
        now, random = self.scheduler.now, self.random
        failed = sum(it.file is file and not it.succeeds for it in self.by_id.values())
        task = AttributesTask(
            f"1500012345-DescribeFileAttributes-{random.getrandbits(128):032x}t0",
            file,
            context,
            now,
            now + random.uniform(1.0, random.choice((20.0, LONGEST_TASK_SECONDS))),
            random.random() >= FAILURES or failed >= MOST_FAILURES,
            now + random.random() * lag,
        )
        self.by_id[task.task_id] = task
        self.scheduler.at(task.ends_at, lambda: self.emit(self.event_of(task)))
        return task

    def event_of(self, task: AttributesTask) -> dict[str, Any]:
        """Return the event of a task that has ended."""
        return {"EventType": FILE_ATTRIBUTES, "DescribeFileAttributesCompleteEvent": self._member(task)}

    def detail_of(self, task: AttributesTask) -> dict[str, Any]:
        """Return what DescribeTaskDetail says of a task."""
        status = "FINISH" if self.scheduler.now >= task.ends_at else "PROCESSING"
        return {"Status": status, "DescribeFileAttributesTask": self._member(task)}

    def _member(self, task: AttributesTask) -> dict[str, Any]:
        has_result = self.scheduler.now >= task.ends_at and task.succeeds
        digests = {VOD_NAMES[name]: task.file.digests[name] for name in self.computes} if has_result else {}
        return {
            "TaskId": task.task_id,
            "ErrCode": 0 if has_result else 70000,
            "FileId": task.file.file_id,
            "Output": digests,
            "SessionContext": task.context,
        }
