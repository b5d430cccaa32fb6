"""Fetch media from elsewhere in the background (PullUpload); after a restart open ones begin again.

The end is reported by PullComplete; whether VOD raises NewFileUpload as well is UNVERIFIED.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import urllib3

from local.simulator.object_files import BATCH_BYTES
from local.simulator.objects import StoredObject
from local.simulator.other_tasks import new_task_id
from local.simulator.storage_errors import StorageError
from local.simulator.task_flow import FINISH, PROCESSING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from sqlite3 import Row

    from local.simulator.media import Media
    from local.simulator.media_library import MediaLibrary
    from local.simulator.other_tasks import OtherTasks
    from local.simulator.sessions import UploadSession
    from local.simulator.task_flow import FlowOrder

_TIMEOUT_SECONDS = 30
_FETCH_FAILED = 70000
_OK = 200
_log = logging.getLogger("local.simulator")


@dataclass
class PullUploads:
    """All that is being fetched."""

    library: MediaLibrary
    tasks: OtherTasks
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _is_started: bool = False

    def add(self, session: UploadSession, media_url: str, cover_url: str, order: FlowOrder) -> str:
        """Begin to fetch what a session announces, and return the TaskId."""
        application = session.terms.application
        task_id = new_task_id(application, "PullUpload")
        self.library.database.change(
            "INSERT INTO pull_uploads VALUES (?, ?, ?, ?, ?, ?)",
            task_id,
            session.vod_session_key,
            media_url,
            cover_url,
            order.session_context,
            order.session_id,
        )
        row = self.library.database.row("SELECT * FROM pull_uploads WHERE task_id = ?", task_id)
        if row is not None:
            self._save(application, _task(row, None, ""))
        self._begin()
        return task_id

    async def start(self) -> None:
        """Begin again what an earlier process left."""
        self._is_started = True
        self._begin()

    async def stop(self) -> None:
        """Stop fetching; what is open begins again after the next start."""
        self._is_started = False
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self) -> None:
        if not self._is_started:
            return
        for row in self.library.database.rows("SELECT * FROM pull_uploads"):
            if row["task_id"] not in self._running:
                task = asyncio.get_running_loop().create_task(self._run(row))
                self._running[row["task_id"]] = task
                task.add_done_callback(partial(self._forget, row["task_id"]))

    def _forget(self, task_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(task_id, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("the pull %s broke off", task_id, exc_info=task.exception())

    async def _run(self, row: Row) -> None:
        session = self.library.sessions.find(row["vod_session_key"])
        if session is None or session.media_key is None:
            raise LookupError(row["vod_session_key"])
        problem = ""
        try:
            await self._fetch(row["media_url"], session.media_key)
            if session.cover_key is not None:
                await self._fetch(row["cover_url"], session.cover_key)
            await self.library.publish(session, is_reported=False)
        except (urllib3.exceptions.HTTPError, StorageError, OSError) as error:
            problem = f"The file cannot be fetched: {type(error).__name__}."
        task = _task(row, self.library.find(session.file_id), problem, is_over=True)
        with self.library.database.transaction():
            self.library.database.change("DELETE FROM pull_uploads WHERE task_id = ?", row["task_id"])
            self._save(session.terms.application, task)
            self.library.notifications.raise_event(
                {"EventType": "PullComplete", "PullCompleteEvent": task},
                application=session.terms.application,
            )
        self.library.notifications.wake()

    async def _fetch(self, url: str, key: str) -> None:
        received = await self.library.files.receive(self._chunks(url))
        self.library.objects.put(
            StoredObject(
                object_key=key,
                file_name=received.file_name,
                etag=f'"{received.md5.hex()}"',
                size=received.size,
                content_type=self.library.content_type(key),
                stored_at=self.library.clock(),
            )
        )

    async def _chunks(self, url: str) -> AsyncIterator[bytes]:
        loop, pool = asyncio.get_running_loop(), urllib3.PoolManager(timeout=_TIMEOUT_SECONDS, retries=False)
        response = await loop.run_in_executor(
            self.library.threads, partial(pool.request, "GET", url, preload_content=False)
        )
        try:
            if response.status != _OK:
                raise urllib3.exceptions.HTTPError(f"status {response.status}")
            while batch := await loop.run_in_executor(self.library.threads, response.read, BATCH_BYTES):
                yield batch
        finally:
            response.close()
            pool.clear()

    def _save(self, application: int, task: dict[str, object]) -> None:
        self.tasks.save(application, "PullUpload", task)


def _task(row: Row, media: Media | None, problem: str, *, is_over: bool = False) -> dict[str, object]:
    """Build the API's PullUploadTask, which the event carries too."""
    about = (
        {}
        if media is None
        else {
            "FileId": media.file_id,
            "MediaBasicInfo": media.basic_info(),
            "MetaData": dict(media.meta_data),
            "FileUrl": media.media_url,
            "ProcedureTaskId": media.procedure_task_id,
        }
    )
    return {
        "TaskId": row["task_id"],
        "Status": FINISH if is_over else PROCESSING,
        "ErrCode": _FETCH_FAILED if problem else 0,
        "Message": problem or ("SUCCESS" if is_over else ""),
        "FileId": "",
        "FileUrl": "",
        "ProcedureTaskId": "",
        **about,
        "ReviewAudioVideoTaskId": "",
        "SessionContext": row["session_context"],
        "SessionId": row["session_id"],
        "Progress": 100 if is_over else 0,
    }
