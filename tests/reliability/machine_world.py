"""What happens around the uploads of the state machine: the events there are, and what VOD knows.

What becomes of them is left to `upload_model`, in what order they come to the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.reliability.upload_model import PROGRESS, Told
from tests.shared.service import token_of
from tests.shared.uploads import changed, uploaded

if TYPE_CHECKING:
    from tests.reliability.upload_model import UploadModel

KINDS = ("uploaded", "started", "halfway", "end", "news", "broken")


class Vod:
    """What VOD knows, as `Reconciliation` and the read-back ask it: files, and task flows that ended."""

    def __init__(self) -> None:
        self.files: dict[str, UploadModel] = {}
        self._owners: dict[str, UploadModel] = {}
        self.ended: set[str] = set()

    def keep(self, file_id: str, owner: UploadModel) -> None:
        """Know a file from now on."""
        self.files.setdefault(file_id, owner)
        self._owners[file_id] = owner

    def source_context_of(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> str | None:
        """Tell whose file it is."""
        assert timeout_seconds
        assert sub_app_id is None
        upload = self.files.get(file_id)
        return None if upload is None else token_of(upload.session)

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List all files."""
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
        """Tell where a task flow stands."""
        assert sub_app_id is None
        assert timeout_seconds
        if task_id not in self.ended:
            return {"Status": "PROCESSING"}
        file_id = task_id.removeprefix("task-")
        event = event_of(self._owners[file_id], "end", file_id)
        task: dict[str, object] = event["ProcedureStateChangeEvent"]
        return task


def file_of(owner: UploadModel, *, second: bool) -> str:
    """Name a file of an upload."""
    return f"{owner.session.upload_id}-{2 if second else 1}"


def told_by(upload: UploadModel, kind: str, file_id: str) -> Told:
    """Say what an event says."""
    flows = kind in PROGRESS or (kind == "uploaded" and upload.has_task_flow)
    return Told(kind, file_id, f"task-{file_id}" if flows else "")


def event_of(upload: UploadModel, kind: str, file_id: str) -> dict[str, Any]:
    """Spell an event of an upload."""
    token = token_of(upload.session)
    if kind == "news":
        return {"EventType": "SomethingNew", "NewEvent": {"FileId": file_id, "SessionContext": token}}
    if kind in PROGRESS:
        status = "FINISH" if kind == "end" else "PROCESSING"
        subtask = ("SUCCESS" if upload.ends_well else "FAIL") if kind == "end" else "PROCESSING"
        event: dict[str, Any] = changed(
            token, status=status, subtask=subtask, progress=PROGRESS[kind], file_id=file_id
        )
        event["ProcedureStateChangeEvent"]["TaskId"] = f"task-{file_id}"
        return event
    # A seal that is broken: its last character is another one.
    token = token if kind == "uploaded" else token[:-3] + "AAA"
    return uploaded(token, file_id=file_id, task_id=told_by(upload, kind, file_id).task_id)


def basic_info(upload: UploadModel, file_id: str) -> object:
    """Spell what VOD lists of a file."""
    return event_of(upload, "uploaded", file_id)["FileUploadEvent"]["MediaBasicInfo"]


def media_url(upload: UploadModel) -> str:
    """Tell where the upload's media should be."""
    if not upload.media_of:
        return ""
    return str(event_of(upload, "uploaded", upload.media_of)["FileUploadEvent"]["MediaBasicInfo"]["MediaUrl"])
