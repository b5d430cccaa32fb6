"""The surroundings of the upload state machine: the events there are, and what VOD knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.reliability.upload_model import OVERTAKEN, PROGRESS, Told
from tests.shared.service import token_of
from tests.shared.uploads import changed, uploaded
from tests.shared.vod_records import Records

if TYPE_CHECKING:
    from tests.reliability.upload_model import UploadModel

KINDS = ("uploaded", "started", "halfway", "end", "news", "broken")


@dataclass
class Vod(Records):
    """VOD's records, and the upload of each file there has been."""

    owners: dict[str, UploadModel] = field(default_factory=dict)

    def keep(self, file_id: str, owner: UploadModel, kind: str) -> None:
        """Add a file, and its task flow as far as an event of this kind reports it."""
        self.owners[file_id] = owner
        self.kept[file_id] = token_of(owner.session)
        self.created[file_id] = owner.session.issued_at
        if kind in PROGRESS or (kind == "uploaded" and owner.has_task_flow):
            reached = max(self.progress(f"task-{file_id}") or 0, PROGRESS.get(kind, PROGRESS["started"]))
            self.run(event_of(owner, "end" if reached == PROGRESS["end"] else "started", file_id, reached))

    def progress(self, task_id: str) -> int | None:
        """Return the progress of a task flow, or None if there is none."""
        if task_id not in self.tasks:
            return None
        return int(self.tasks[task_id]["MediaProcessResultSet"][0]["TranscodeTask"]["Progress"])

    def delete(self, file_id: str) -> None:
        """Delete a file; its task flow has run all the same."""
        del self.kept[file_id], self.created[file_id]

    def verified_claim(self, claimed: Told, upload: UploadModel) -> Told | str:
        """Return what VOD confirms of an event of this upload, or `too early` or `false`."""
        task_id, is_kept = f"task-{claimed.file_id}", claimed.file_id in self.kept
        reached, is_of_a_flow = self.progress(task_id), claimed.kind in PROGRESS
        is_known = reached is not None if is_of_a_flow else is_kept
        if (is_kept or is_known) and self.owners[claimed.file_id] is not upload:
            return "false"
        if not is_known or (claimed.kind == "end" and reached != PROGRESS["end"]):
            return "too early"
        if claimed.kind == "end":
            return claimed
        if is_of_a_flow:
            # A flow that has ended did run: its report shows all that it has reached.
            return replace(claimed, progress=min(reached or 0, OVERTAKEN))
        # An upload that was granted no task flow is not asked for one that its event does not name.
        return Told(claimed.kind, claimed.file_id, claimed.task_id)


def file_of(owner: UploadModel, *, second: bool) -> str:
    """Return the FileId of an upload's first or second file."""
    return f"{owner.session.upload_id}-{2 if second else 1}"


def told_by(upload: UploadModel, kind: str, file_id: str) -> Told:
    """Return what an event tells."""
    flows = kind in PROGRESS or (kind == "uploaded" and upload.has_task_flow)
    return Told(kind, file_id, f"task-{file_id}" if flows else "")


def event_of(upload: UploadModel, kind: str, file_id: str, progress: int | None = None) -> dict[str, Any]:
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


def media_url(file_id: str) -> str:
    """Return the URL of a file's media, empty for no file."""
    event: Any = uploaded(file_id=file_id)
    return str(event["FileUploadEvent"]["MediaBasicInfo"]["MediaUrl"]) if file_id else ""
