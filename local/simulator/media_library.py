"""All finished media: published at Commit, found by the server API."""

from __future__ import annotations

import asyncio
import json
import logging
import mimetypes
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

from local.simulator.media import Media
from local.simulator.media_probe import probe
from local.simulator.task_flow import FlowOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor
    from sqlite3 import Row

    from local.simulator.configuration import ConfigurationStore
    from local.simulator.database import Database
    from local.simulator.notifications import Notifications
    from local.simulator.object_files import ObjectFiles
    from local.simulator.objects import ObjectStore
    from local.simulator.sessions import SessionStore, UploadSession
    from local.simulator.settings import SimulatorSettings, Subtask
    from local.simulator.switches import SwitchBoard

MEDIA_PATH = "/local/media/"
_log = logging.getLogger("local.simulator")


class TaskFlows(Protocol):
    """Starts the task flow that an upload's signature names."""

    def add(self, subtasks: Iterable[Subtask], media: Media, order: FlowOrder) -> str:
        """Plan a flow and return its TaskId."""

    def wake(self) -> None:
        """Run planned flows; safe to call from any thread."""


@dataclass(frozen=True)
class MediaLibrary:
    """Finished media by FileId, and the files behind their URLs."""

    database: Database
    settings: SimulatorSettings
    configuration: ConfigurationStore
    clock: Callable[[], float]
    threads: Executor
    files: ObjectFiles
    objects: ObjectStore
    sessions: SessionStore
    notifications: Notifications
    task_flows: TaskFlows
    switches: SwitchBoard

    def url(self, path: str) -> str:
        """Return the URL under which a published path is served."""
        return f"{self.settings.public_url.rstrip('/')}{MEDIA_PATH}{path}"

    async def publish(self, session: UploadSession, *, is_reported: bool = True) -> None:
        """Publish a session's complete objects, start its task flow and raise the event if it `is_reported`.

        It is one transaction; a second call changes nothing.
        """
        if session.media_key is None:
            self._publish_cover(session)
            return
        media = await self._new_media(session)
        terms = session.terms
        procedure = self.settings.procedure(terms.procedure) if terms.procedure else None
        if terms.procedure and procedure is None:
            # Whether VOD refuses such a signature, and when, is UNVERIFIED.
            _log.warning("no procedure is called %r: no task flow is started", terms.procedure)
        with self.database.transaction():
            if not self.sessions.mark_committed(session.vod_session_key, now=media.updated_at):
                return
            for key in session.keys:
                self._publish_object(key)
            if procedure is not None:
                order = FlowOrder(terms.task_priority, terms.task_notify_mode, terms.session_context)
                task_id = self.task_flows.add(procedure.subtasks, media, order)
                media = replace(media, procedure_task_id=task_id)
            self.save(media)
            if is_reported and self.configuration.present.upload_complete_event:
                self.notifications.raise_event(media.upload_event(), application=media.application)
        self.notifications.wake()
        self.task_flows.wake()

    def save(self, media: Media) -> None:
        """Store a media, replacing its earlier state."""
        self.database.change(
            "INSERT OR REPLACE INTO media VALUES (?, ?, ?, ?)",
            media.file_id,
            media.application,
            media.created_at,
            json.dumps(asdict(media)),
        )

    def find(self, file_id: str, *, application: int | None = None) -> Media | None:
        """Return the media with that FileId, if it belongs to the application."""
        row = self.database.row("SELECT * FROM media WHERE file_id = ?", file_id)
        if row is None or application not in (None, row["application"]):
            return None
        return _media(row)

    def all(self, *, application: int) -> list[Media]:
        """Return every media of an application, newest first."""
        rows = self.database.rows(
            "SELECT * FROM media WHERE application = ? ORDER BY created_at DESC, file_id", application
        )
        return [_media(row) for row in rows]

    def delete(self, media: Media) -> None:
        """Delete a media with its files and outputs, and raise FileDeleted if that is switched on."""
        folder = media.folder + "/"
        with self.database.transaction():
            names = {
                row["file_name"]
                for table, column in (("objects", "object_key"), ("published", "path"))
                for row in self.database.rows(
                    f"SELECT file_name FROM {table} WHERE substr({column}, 1, ?) = ?",  # noqa: S608  # two fixed names
                    len(folder),
                    folder,
                )
            }
            self.database.change(
                "DELETE FROM objects WHERE substr(object_key, 1, ?) = ?", len(folder), folder
            )
            self.database.change("DELETE FROM published WHERE substr(path, 1, ?) = ?", len(folder), folder)
            self.database.change("DELETE FROM media WHERE file_id = ?", media.file_id)
            if self.configuration.present.delete_complete_event:
                self.notifications.raise_event(media.delete_event(), application=media.application)
        self.files.remove(names)
        self.notifications.wake()

    def publish_file(self, path: str, file_name: str, *, content_type: str) -> str:
        """Publish a file under a path and return its URL."""
        self.database.change(
            "INSERT OR REPLACE INTO published VALUES (?, ?, ?)", path, file_name, content_type
        )
        return self.url(path)

    def content_type(self, key: str) -> str:
        """Return the content type an object is served with: audio, video or image, never a page."""
        guessed = mimetypes.guess_type(key)[0] or ""
        is_media = guessed.startswith(("video/", "audio/", "image/")) and guessed != "image/svg+xml"
        return guessed if is_media else "application/octet-stream"

    def _publish_object(self, key: str) -> str:
        stored = self.objects.find(key)
        if stored is None:
            raise LookupError(key)
        return self.publish_file(key, stored.file_name, content_type=self.content_type(key))

    def _publish_cover(self, session: UploadSession) -> None:
        """Replace the cover of an existing media; whether VOD raises an event is UNVERIFIED."""
        media = self.find(session.file_id)
        if media is None or session.cover_key is None:
            return
        now = self.clock()
        with self.database.transaction():
            if not self.sessions.mark_committed(session.vod_session_key, now=now):
                return
            media = replace(media, cover_url=self._publish_object(session.cover_key), updated_at=now)
            self.save(media)
            if self.switches.present.cover_change == "event":
                self.notifications.raise_event(media.upload_event(), application=media.application)
        self.notifications.wake()

    async def _new_media(self, session: UploadSession) -> Media:
        if session.media is None or session.media_key is None:
            raise LookupError(session.vod_session_key)
        stored = self.objects.find(session.media_key)
        if stored is None:
            raise LookupError(session.media_key)
        path, size, container = self.files.path(stored.file_name), stored.size, session.media.type
        meta_data = await asyncio.get_running_loop().run_in_executor(
            self.threads, lambda: probe(path, size=size, container=container)
        )
        now = self.clock()
        return Media(
            file_id=session.file_id,
            application=session.terms.application,
            name=session.media.name,
            type=session.media.type,
            class_id=session.terms.class_id,
            source_context=session.terms.source_context,
            storage_region=session.region,
            media_key=session.media_key,
            media_url=self.url(session.media_key),
            cover_url=self.url(session.cover_key) if session.cover_key else "",
            size=stored.size,
            meta_data=meta_data,
            created_at=session.opened_at if self.switches.present.create_time == "apply" else now,
            updated_at=now,
            expire_time=session.expire_time,
            procedure_task_id="",
            source_type=session.source_type,
        )


def _media(row: Row) -> Media:
    return Media(**json.loads(row["document"]))
