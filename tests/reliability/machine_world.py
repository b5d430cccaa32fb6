"""The surroundings of the upload state machine: the events there are, and what VOD knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.errors import VodApiError
from tests.reliability.upload_model import OVERTAKEN, PROGRESS, Told
from tests.shared.service import token_of
from tests.shared.uploads import changed, uploaded

if TYPE_CHECKING:
    from tests.reliability.upload_model import UploadModel

KINDS = ("uploaded", "started", "halfway", "end", "news", "broken")


class Vod:
    """What VOD knows, as reconciliation and read-back query it: files, and the progress of task flows."""

    def __init__(self) -> None:
        self.files: dict[str, UploadModel] = {}
        self._owners: dict[str, UploadModel] = {}
        self.progress: dict[str, int] = {}

    def keep(self, file_id: str, owner: UploadModel, kind: str) -> None:
        """Add a file, and its task flow as far as an event of this kind reports it."""
        self.files.setdefault(file_id, owner)
        self._owners[file_id] = owner
        if kind in PROGRESS or (kind == "uploaded" and owner.has_task_flow):
            task_id = f"task-{file_id}"
            self.progress[task_id] = max(self.progress.get(task_id, 0), PROGRESS.get(kind, 0))

    def has_ended(self, task_id: str) -> bool:
        """Return whether a task flow is at its end."""
        return self.progress.get(task_id) == PROGRESS["end"]

    def verified_claim(self, claimed: Told, upload: UploadModel) -> Told | str:
        """Return what VOD confirms of an event of this upload, or `too early` or `false`."""
        if claimed.kind in PROGRESS:
            return self._verified_task_claim(claimed, upload)
        owner = self.files.get(claimed.file_id)
        if owner is not upload:
            return "false" if owner else "too early"
        task_id = f"task-{claimed.file_id}"
        starts_flow = claimed.kind == "uploaded" and task_id in self.progress
        return Told(claimed.kind, claimed.file_id, task_id if starts_flow else "")

    def _verified_task_claim(self, claimed: Told, upload: UploadModel) -> Told | str:
        known = self.progress.get(claimed.task_id)
        if known is None:
            return "false" if self.files.get(claimed.file_id, upload) is not upload else "too early"
        if self._owners[claimed.file_id] is not upload:
            return "false"
        if claimed.kind == "end":
            return claimed if known == PROGRESS["end"] else "too early"
        # A flow that has ended did run: its report shows all that it has reached.
        shown = OVERTAKEN if known == PROGRESS["end"] else known
        return Told(claimed.kind, claimed.file_id, claimed.task_id, shown)

    def media_info(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object] | None:
        """Return a file's information, its owner's token included."""
        assert timeout_seconds
        assert sub_app_id is None
        upload = self.files.get(file_id)
        return None if upload is None else {"FileId": file_id, "BasicInfo": basic_info(upload, file_id)}

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return the task flow of a file."""
        assert timeout_seconds
        assert sub_app_id is None
        task_id, token = f"task-{file_id}", token_of(self._owners[file_id].session)
        task: dict[str, object] = {"TaskId": task_id, "TaskType": "Procedure", "SessionContext": token}
        return (task,) if task_id in self.progress else ()

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """Return all files."""
        assert after < before
        assert sub_app_id is None
        assert timeout_seconds
        media = [
            {"FileId": file_id, "BasicInfo": basic_info(upload, file_id)}
            for file_id, upload in self.files.items()
        ]
        return tuple(media[offset:])

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Return the state of a task flow."""
        assert sub_app_id is None
        assert timeout_seconds
        if task_id not in self.progress:
            raise VodApiError("There is no such task.", vod_code="ResourceNotFound")
        file_id, progress = task_id.removeprefix("task-"), self.progress[task_id]
        kind = "end" if progress == PROGRESS["end"] else "started"
        event = event_of(self._owners[file_id], kind, file_id, progress=progress)
        task: dict[str, object] = event["ProcedureStateChangeEvent"]
        return task


def file_of(owner: UploadModel, *, second: bool) -> str:
    """Return the FileId of an upload's first or second file."""
    return f"{owner.session.upload_id}-{2 if second else 1}"


def told_by(upload: UploadModel, kind: str, file_id: str) -> Told:
    """Return what an event tells."""
    flows = kind in PROGRESS or (kind == "uploaded" and upload.has_task_flow)
    return Told(kind, file_id, f"task-{file_id}" if flows else "")


def event_of(upload: UploadModel, kind: str, file_id: str, *, progress: int | None = None) -> dict[str, Any]:
    """Build an event of an upload; `progress` overrides that of a task flow's kind."""
    token = token_of(upload.session)
    if kind == "news":
        return {"EventType": "SomethingNew", "NewEvent": {"FileId": file_id, "SessionContext": token}}
    if kind in PROGRESS:
        status = "FINISH" if kind == "end" else "PROCESSING"
        subtask = ("SUCCESS" if upload.ends_well else "FAIL") if kind == "end" else "PROCESSING"
        reached = PROGRESS[kind] if progress is None else progress
        event: dict[str, Any] = changed(
            token, status=status, subtask=subtask, progress=reached, file_id=file_id
        )
        event["ProcedureStateChangeEvent"]["TaskId"] = f"task-{file_id}"
        return event
    # A seal that is broken: its last character is another one.
    token = token if kind == "uploaded" else token[:-3] + "AAA"
    return uploaded(token, file_id=file_id, task_id=told_by(upload, kind, file_id).task_id)


def basic_info(upload: UploadModel, file_id: str) -> object:
    """Return what VOD lists of a file."""
    return event_of(upload, "uploaded", file_id)["FileUploadEvent"]["MediaBasicInfo"]


def media_url(upload: UploadModel) -> str:
    """Return the expected URL of the upload's media."""
    if not upload.media_of:
        return ""
    return str(event_of(upload, "uploaded", upload.media_of)["FileUploadEvent"]["MediaBasicInfo"]["MediaUrl"])
