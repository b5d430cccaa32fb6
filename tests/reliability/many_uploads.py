"""Many uploads at once: begun in the store, and known to VOD as if each had been made.

One file is really uploaded; the simulator's other files are copies of its record, because uploading hundreds
would take long and test nothing more.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.simulator.database import Database
from local.simulator.media import Media
from local.simulator.notifications import without_nulls
from shared.domain.rate_limits import UploadLimits
from tests.functions.deployment import CONTEXT_KEY
from tests.shared.service import Service, token_of
from tests.shared.uploads import changed, new_session
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local.simulator.account import Account

CONTENT_MD5 = hashlib.md5(b"moving pictures", usedforsecurity=False).hexdigest()
"""Of the file that is really uploaded."""
LEGACY = Path(__file__).parents[1] / "samples" / "vod" / "legacy"


@dataclass(frozen=True)
class Upload:
    """One upload of one user: its id, its token, and the media that VOD has of it."""

    upload_id: str
    token: str
    media: Media

    @property
    def event(self) -> dict[str, object]:
        """The event of the finished upload, as it is pushed."""
        return without_nulls(self.media.upload_event())

    @property
    def task_flow_event(self) -> dict[str, Any]:
        """The event of the end of the task flow of this upload's file."""
        event: dict[str, Any] = changed(self.token, file_id=self.media.file_id)
        event["ProcedureStateChangeEvent"]["TaskId"] = self.media.procedure_task_id
        return event

    @property
    def legacy_events(self) -> list[dict[str, Any]]:
        """The events of the upload and of its task flow in the legacy format (accounts older than 2019)."""
        file_id, task_id = self.media.file_id, self.media.procedure_task_id
        uploaded, flow = (
            json.loads((LEGACY / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("NewFileUpload", "ProcedureStateChanged")
        )
        uploaded["data"] |= {"fileId": file_id, "sourceContext": self.token, "procedureTaskId": task_id}
        flow["data"] |= {"fileId": file_id, "vodTaskId": task_id}
        return [uploaded, flow]


def begin_uploads(redis_url: str, count: int, *, now: float, md5: str | None = None) -> dict[str, str]:
    """Begin so many uploads, each of another user, with the MD5 of their file; return the token of each."""
    store, limits = Service(redis_url).store, UploadLimits(100_000)
    sessions = [new_session(f"user-{number}", issued_at=int(now)) for number in range(count)]
    for number, begun in enumerate(sessions):
        session = begun._replace(grant=begun.grant._replace(md5=md5))
        store.begin_upload(session, randoms=[number], now=now, limits=limits)
    return {session.upload_id: token_of(session, key=CONTEXT_KEY) for session in sessions}


def poison(number: int) -> dict[str, Any]:
    """Return an event that is nested deeper than our parsers accept."""
    nested: list[object] = []
    for _ in range(100):
        nested = [nested]
    return {"EventType": f"Poison{number}", "Nested": nested}


class VodLibrary:
    """The files of a simulated account."""

    def __init__(self, account: Account) -> None:
        """Upload one file, with a task flow; the others will be copies of it."""
        self._clock = account.clock
        self._path = account.settings.folder / "simulator.sqlite3"
        self._original = str(account.upload(procedure="LongVideoPreset")["data"]["fileId"])
        with closing(Database(self._path)) as database:
            query = "SELECT document FROM task_flows WHERE file_id = ? AND finished"
            wait_until(lambda: database.row(query, self._original) is not None)
            self._flow = json.loads((database.row(query, self._original) or [""])[0])
        self._media = vars(stored_media(self._path, self._original))

    def finish_uploads(self, tokens: Mapping[str, str], *, with_task_flow: bool = False) -> list[Upload]:
        """Store one file for each upload in VOD and no others, without raising events."""
        uploads = [
            Upload(upload_id, token, self._copy(token, with_task_flow=with_task_flow))
            for upload_id, token in tokens.items()
        ]
        with closing(Database(self._path)) as database, database.transaction():
            database.change("DELETE FROM media WHERE file_id <> ?", self._original)
            database.change("DELETE FROM task_flows WHERE file_id <> ?", self._original)
            database.change("DELETE FROM pull_queue")
            for token, media in ((upload.token, upload.media) for upload in uploads):
                row = (media.file_id, media.application, media.created_at, json.dumps(vars(media)))
                database.change("INSERT INTO media VALUES (?, ?, ?, ?)", *row)
                ids = {"task_id": media.procedure_task_id, "file_id": media.file_id}
                flow = json.dumps({**self._flow, **ids, "session_context": token})
                if with_task_flow:
                    database.change("INSERT INTO task_flows VALUES (?, ?, 1, ?)", *ids.values(), flow)
        return uploads

    def queue_length(self) -> int:
        """Return the number of events that are not confirmed."""
        with closing(Database(self._path)) as database:
            return len(database.rows("SELECT 1 FROM pull_queue"))

    def _copy(self, token: str, *, with_task_flow: bool) -> Media:
        changes = {
            "file_id": f"55766780{secrets.randbelow(10**11):011}",
            "source_context": token,
            "procedure_task_id": f"1500012345-Procedure-{secrets.token_hex(16)}t0" if with_task_flow else "",
            "created_at": self._clock(),
        }
        return Media(**{**self._media, **changes})


def stored_media(database_file: Path, file_id: str) -> Media:
    """Read a file's record of a simulated VOD."""
    with closing(Database(database_file)) as database:
        (row,) = database.rows("SELECT document FROM media WHERE file_id = ?", file_id)
        return Media(**json.loads(row[0]))


def date_back(database_file: Path, file_id: str, *, to: float) -> None:
    """Have a file of a simulated VOD been created at an earlier time (Unix seconds)."""
    change = "UPDATE media SET created_at = ?, document = json_set(document, '$.created_at', ?)"
    with closing(Database(database_file)) as database, database.transaction():
        database.change(f"{change} WHERE file_id = ?", to, to, file_id)
