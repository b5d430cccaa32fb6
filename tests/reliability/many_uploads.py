"""Many uploads at once: issued by our own code, and known to VOD as if each had been made.

One file is really uploaded; the simulator's other files are copies of its record, because uploading hundreds
would take long and test nothing more.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.simulator.media import Media
from local.simulator.notifications import without_nulls
from shared.config.settings import UploadSignatureSettings, load_settings
from shared.flows.issue_signature import Issuer, Randomness
from shared.http.authentication import Caller
from shared.schema.signature_request import read_signature_request
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.signature import decode
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.local.simulator.account import Account

LEGACY = Path(__file__).parents[1] / "samples" / "vod" / "legacy"
PROCEDURE = "LongVideoPreset"


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
    def legacy_events(self) -> list[dict[str, Any]]:
        """The events of the upload and of its task flow in the legacy format (accounts older than 2019)."""
        uploaded, flow = (
            json.loads((LEGACY / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("NewFileUpload", "ProcedureStateChanged")
        )
        uploaded["data"] |= {
            "fileId": self.media.file_id,
            "sourceContext": self.token,
            "procedureTaskId": self.media.procedure_task_id,
        }
        flow["data"] |= {"fileId": self.media.file_id, "vodTaskId": self.media.procedure_task_id}
        return [uploaded, flow]


def begin_uploads(environment: Mapping[str, str], count: int, *, now: float) -> dict[str, str]:
    """Issue the first signature of so many uploads, each to another user; return the token of each."""
    settings = load_settings(UploadSignatureSettings, environment)
    store = Store(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))
    issuer, tokens = Issuer(settings, store), {}
    for number in range(count):
        randomness = Randomness(nonces=[secrets.randbits(32)], upload_id=secrets.randbits(80))
        issued = issuer.begin(
            read_signature_request({}), Caller(f"user-{number}"), now=now, randomness=randomness
        )
        tokens[issued.upload_id] = decode(issued.signature).values["sourceContext"]
    return tokens


class VodLibrary:
    """The files of a simulated account."""

    def __init__(self, account: Account) -> None:
        """Upload one file, with a task flow; the others will be copies of it."""
        self._clock = account.clock
        self._database = account.settings.folder / "simulator.sqlite3"
        self._original = str(account.upload(procedure=PROCEDURE)["data"]["fileId"])
        wait_until(lambda: self._finished_task_flow() is not None)

    def finish_uploads(self, tokens: Mapping[str, str], *, with_task_flow: bool = False) -> list[Upload]:
        """Store one file for each upload in VOD and no others, without raising events."""
        with closing(sqlite3.connect(self._database, timeout=10)) as database, database:
            (document,) = database.execute(
                "SELECT document FROM media WHERE file_id = ?", (self._original,)
            ).fetchone()
            original = json.loads(document)
            uploads = [
                Upload(upload_id, token, self._copy(original, token, with_task_flow=with_task_flow))
                for upload_id, token in tokens.items()
            ]
            database.execute("DELETE FROM media WHERE file_id <> ?", (self._original,))
            database.execute("DELETE FROM task_flows WHERE file_id <> ?", (self._original,))
            database.execute("DELETE FROM pull_queue")
            database.executemany("INSERT INTO media VALUES (?, ?, ?, ?)", map(_media_row, uploads))
            if with_task_flow:
                self._copy_task_flow(database, uploads)
        return uploads

    def _copy(self, original: Mapping[str, Any], token: str, *, with_task_flow: bool) -> Media:
        changes = {
            "file_id": f"55766780{secrets.randbelow(10**11):011}",
            "source_context": token,
            "procedure_task_id": f"1500012345-Procedure-{secrets.token_hex(16)}t0" if with_task_flow else "",
            "created_at": self._clock(),
        }
        return Media(**{**original, **changes})

    def _copy_task_flow(self, database: sqlite3.Connection, uploads: Sequence[Upload]) -> None:
        document = str(self._finished_task_flow())
        for upload in uploads:
            flow = json.loads(document) | {
                "task_id": upload.media.procedure_task_id,
                "file_id": upload.media.file_id,
                "session_context": upload.token,
            }
            row = (flow["task_id"], flow["file_id"], 1, json.dumps(flow))
            database.execute("INSERT INTO task_flows VALUES (?, ?, ?, ?)", row)

    def _finished_task_flow(self) -> str | None:
        query = "SELECT document FROM task_flows WHERE file_id = ? AND finished"
        with closing(sqlite3.connect(self._database, timeout=10)) as database:
            row = database.execute(query, (self._original,)).fetchone()
        return None if row is None else str(row[0])

    def queue_length(self) -> int:
        """Return the number of events that are not confirmed."""
        with closing(sqlite3.connect(self._database, timeout=10)) as database:
            return int(database.execute("SELECT count(*) FROM pull_queue").fetchone()[0])


def _media_row(upload: Upload) -> tuple[object, ...]:
    media = upload.media
    return (media.file_id, media.application, media.created_at, json.dumps(vars(media)))
