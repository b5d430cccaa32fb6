"""The simulator put together: its parts, its ASGI applications, its start and its stop.

Serving it over HTTP or TLS is left to whoever starts it.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from local.simulator.configuration import ConfigurationStore
from local.simulator.control import ControlEndpoint, StatisticsEndpoint
from local.simulator.counters import Counters
from local.simulator.credentials import CredentialStore
from local.simulator.database import Database
from local.simulator.emitted_tasks import EmittedTasks
from local.simulator.faults import FaultDial
from local.simulator.hosts import Hosts, local_paths
from local.simulator.local_control import create_local_control
from local.simulator.media_endpoint import create_media_endpoint
from local.simulator.media_library import MediaLibrary
from local.simulator.multipart import MultipartUploads
from local.simulator.notifications import Notifications
from local.simulator.object_files import ObjectFiles
from local.simulator.objects import ObjectStore
from local.simulator.pull_queue import PullQueue
from local.simulator.push_sender import PushSender
from local.simulator.server_actions import ServerActions
from local.simulator.server_api import ServerApiEndpoint
from local.simulator.sessions import SessionStore
from local.simulator.signatures import UsedSignatures
from local.simulator.storage import StorageEndpoint
from local.simulator.storage_access import StorageAccess
from local.simulator.storage_calls import StorageCalls
from local.simulator.task_flow_runner import TaskFlowRunner
from local.simulator.upload_calls import UploadCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp

    from local.simulator.settings import SimulatorSettings

_DISK_THREADS = 8


class Simulator:
    """One simulated VOD account; everything it knows lies in `settings.folder`.

    `app` tells VOD's hosts apart by the Host header, `media` belongs under /local/media and `control`
    under /local/simulator. `start` and `stop` frame the time in which events are pushed and task
    flows run; requests are answered from the beginning until `stop`.
    """

    def __init__(self, settings: SimulatorSettings, *, clock: Callable[[], float]) -> None:
        settings.folder.mkdir(parents=True, exist_ok=True)
        self._threads = ThreadPoolExecutor(_DISK_THREADS, "simulator-disk")
        self._database = database = Database(settings.folder / "simulator.sqlite3")
        files = ObjectFiles(settings.folder / "files", self._threads)
        files.remove_all_but(_known_files(database))
        self.faults = FaultDial()
        self._counters = counters = Counters(database)
        self._configuration = configuration = ConfigurationStore(database, settings)
        self._notifications = notifications = Notifications(database, configuration, clock, counters)
        self._task_flows = TaskFlowRunner(database, configuration, clock, self._threads, notifications)
        self._pushes = PushSender(database, settings, configuration, clock, counters, self.faults)
        notifications.on_wake(self._pushes.wake)
        sessions, credentials = SessionStore(database), CredentialStore(database)
        objects = ObjectStore(database, files)
        self._library = MediaLibrary(
            database=database,
            settings=settings,
            configuration=configuration,
            clock=clock,
            threads=self._threads,
            files=files,
            objects=objects,
            sessions=sessions,
            notifications=notifications,
            task_flows=self._task_flows,
        )
        calls = UploadCalls(
            settings=settings,
            configuration=configuration,
            clock=clock,
            sessions=sessions,
            signatures=UsedSignatures(database, repeat_code=settings.repeat_signature_code),
            credentials=credentials,
            objects=objects,
            library=self._library,
            counters=counters,
        )
        storage = StorageEndpoint(
            StorageAccess(clock, credentials, sessions),
            StorageCalls(clock, files, objects, MultipartUploads(database, files, objects), counters),
        )
        queue = PullQueue(database, clock, settings.pull_wait_seconds, self.faults)
        self._emitted_tasks = EmittedTasks(database, self._library)
        actions = ServerActions(
            settings, configuration, self._library, self._task_flows, self._emitted_tasks, queue
        )
        self.media: ASGIApp = create_media_endpoint(database, files)
        self.control: ASGIApp = create_local_control(
            counters=counters, configuration=configuration, faults=self.faults, emit=self.emit
        )
        self.app: ASGIApp = Hosts(
            control=ControlEndpoint(calls),
            statistics=StatisticsEndpoint(counters),
            storage=storage,
            server_api=ServerApiEndpoint(settings, clock, actions, counters),
            local=local_paths(media=self.media, control=self.control),
            faults=self.faults,
        )

    @property
    def counters(self) -> dict[str, int]:
        """Requests by action since the folder was made; see `Counters`."""
        return self._counters.totals()

    async def start(self) -> None:
        """Begin to push events and to run task flows."""
        await self._pushes.start()
        await self._task_flows.start(self._library)

    async def stop(self) -> None:
        """Stop everything in the background and close the folder; what is open goes on after a restart."""
        await self._task_flows.stop()
        await self._pushes.stop()
        # A picture may still be being taken: what it writes must find the database open.
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        self._database.close()

    async def emit(self, event: Mapping[str, object]) -> None:
        """Push or queue any event object, as if VOD had raised it."""
        self._emitted_tasks.learn(event)
        self._notifications.raise_event(event)
        self._notifications.wake()


def create_simulator(settings: SimulatorSettings, *, clock: Callable[[], float] = time.time) -> Simulator:
    """Make a simulator; `clock` gives Unix seconds and may be moved by a test."""
    return Simulator(settings, clock=clock)


def _known_files(database: Database) -> set[str]:
    return {
        row["file_name"]
        for table in ("objects", "parts", "published")
        for row in database.rows(f"SELECT file_name FROM {table}")  # noqa: S608  # three fixed names
    }
