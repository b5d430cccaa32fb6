"""The simulator assembled: its parts, its ASGI applications, start and stop.

It is served by the caller.
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
from local.simulator.event_actions import EventActions
from local.simulator.faults import FaultDial
from local.simulator.hosts import Hosts, extra_hosts, local_paths
from local.simulator.local_control import create_local_control
from local.simulator.media_actions import MediaActions
from local.simulator.media_endpoint import create_media_endpoint
from local.simulator.media_library import MediaLibrary
from local.simulator.multipart import MultipartUploads
from local.simulator.notifications import Notifications
from local.simulator.object_files import ObjectFiles
from local.simulator.objects import ObjectStore
from local.simulator.other_tasks import OtherTasks
from local.simulator.pull_queue import PullQueue
from local.simulator.pull_uploads import PullUploads
from local.simulator.push_sender import PushSender
from local.simulator.server_actions import ServerActions
from local.simulator.server_api import ServerApiEndpoint
from local.simulator.server_uploads import ServerUploads
from local.simulator.sessions import SessionStore
from local.simulator.signatures import UsedSignatures
from local.simulator.storage import StorageEndpoint
from local.simulator.storage_access import StorageAccess
from local.simulator.storage_calls import StorageCalls
from local.simulator.switches import SwitchBoard
from local.simulator.task_actions import TaskActions
from local.simulator.task_flow_runner import TaskFlowRunner
from local.simulator.upload_calls import UploadCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp

    from local.simulator.settings import SimulatorSettings

_DISK_THREADS = 8


class _State:
    """Everything the simulator stores, on one database and one folder of files."""

    def __init__(self, settings: SimulatorSettings, clock: Callable[[], float]) -> None:
        settings.folder.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.clock = clock
        self.threads = ThreadPoolExecutor(_DISK_THREADS, "simulator-disk")
        self.database = Database(settings.folder / "simulator.sqlite3")
        self.files = ObjectFiles(settings.folder / "files", self.threads)
        self.files.remove_all_but(_known_files(self.database))
        self.faults = FaultDial()
        self.switches = SwitchBoard(settings.switches)
        self.counters = Counters(self.database)
        self.configuration = ConfigurationStore(self.database, settings)
        self.sessions = SessionStore(self.database)
        self.credentials = CredentialStore(self.database)
        self.objects = ObjectStore(self.database, self.files)
        self.notifications = Notifications(self.database, self.configuration, clock, self.counters)


class Simulator:
    """One simulated VOD account; all its state is in `settings.folder`.

    `app` dispatches VOD's hosts by the Host header, `media` belongs under /local/media and `control` under
    /local/simulator. Events are pushed and task flows run between `start` and `stop`; requests are answered
    from creation until `stop`.
    """

    def __init__(self, settings: SimulatorSettings, *, clock: Callable[[], float]) -> None:
        self._state = state = _State(settings, clock)
        self._database = state.database
        self._task_flows = TaskFlowRunner(
            state.database, state.configuration, clock, state.threads, state.notifications
        )
        self._pushes = PushSender(
            state.database, settings, state.configuration, clock, state.counters, state.faults
        )
        state.notifications.on_wake(self._pushes.wake)
        self._library = _media_library(state, self._task_flows)
        self._emitted_tasks = EmittedTasks(state.database, self._library)
        self._pulls = PullUploads(self._library, OtherTasks(state.database, clock))
        self._actions = _server_actions(
            state, self._library, self._task_flows, self._emitted_tasks, self._pulls
        )
        self.faults = state.faults
        self.switches = state.switches
        self.media: ASGIApp = create_media_endpoint(state.database, state.files)
        self.control: ASGIApp = create_local_control(
            counters=state.counters,
            configuration=state.configuration,
            faults=state.faults,
            switches=state.switches,
            emit=self.emit,
        )
        self.app: ASGIApp = Hosts(
            control=ControlEndpoint(_upload_calls(state, self._library)),
            statistics=StatisticsEndpoint(state.counters),
            storage=_storage(state),
            server_api=ServerApiEndpoint(settings, clock, self._actions, state.counters),
            local=local_paths(media=self.media, control=self.control),
            faults=state.faults,
            switches=state.switches,
            configuration=state.configuration,
        )

    @property
    def extra_hosts(self) -> frozenset[str]:
        """Hosts of the configuration that `app` answers beside VOD's own."""
        return extra_hosts(self._state.configuration)

    @property
    def counters(self) -> dict[str, int]:
        """Requests by action since the folder was created; see `Counters`."""
        return self._state.counters.totals()

    async def start(self) -> None:
        """Start pushing events and running task flows."""
        await self._pushes.start()
        await self._task_flows.start(self._library)
        await self._pulls.start()

    async def stop(self) -> None:
        """Stop all background work and close the folder; a restart continues what is open."""
        await self._pulls.stop()
        await self._task_flows.stop()
        await self._pushes.stop()
        # A picture may still be being taken: what it writes must find the database open.
        await asyncio.to_thread(self._state.threads.shutdown, cancel_futures=True)
        self._database.close()

    async def emit(self, event: Mapping[str, object]) -> None:
        """Push or queue any event object, as if VOD had raised it."""
        self._emitted_tasks.learn(event)
        self._state.notifications.raise_event(event)
        self._state.notifications.wake()


def create_simulator(settings: SimulatorSettings, *, clock: Callable[[], float] = time.time) -> Simulator:
    """Create a simulator; `clock` returns Unix seconds and may be moved by a test."""
    return Simulator(settings, clock=clock)


def _media_library(state: _State, task_flows: TaskFlowRunner) -> MediaLibrary:
    return MediaLibrary(
        database=state.database,
        settings=state.settings,
        configuration=state.configuration,
        clock=state.clock,
        threads=state.threads,
        files=state.files,
        objects=state.objects,
        sessions=state.sessions,
        notifications=state.notifications,
        task_flows=task_flows,
        switches=state.switches,
    )


def _upload_calls(state: _State, library: MediaLibrary) -> UploadCalls:
    return UploadCalls(
        settings=state.settings,
        configuration=state.configuration,
        clock=state.clock,
        sessions=state.sessions,
        signatures=UsedSignatures(state.database, repeat_code=state.settings.repeat_signature_code),
        credentials=state.credentials,
        objects=state.objects,
        library=library,
        counters=state.counters,
        switches=state.switches,
    )


def _server_actions(
    state: _State,
    library: MediaLibrary,
    task_flows: TaskFlowRunner,
    emitted_tasks: EmittedTasks,
    pulls: PullUploads,
) -> ServerActions:
    settings = state.settings
    queue = PullQueue(state.database, state.clock, settings.pull_wait_seconds, state.faults)
    tasks = TaskActions(settings, library, task_flows, emitted_tasks, pulls.tasks)
    uploads = ServerUploads(settings, state.configuration, library, state.credentials, pulls, tasks)
    groups = (EventActions(state.configuration, queue), MediaActions(library, task_flows), tasks, uploads)
    actions = {name: action for group in groups for name, action in group.actions().items()}
    return ServerActions(settings, actions)


def _storage(state: _State) -> StorageEndpoint:
    uploads = MultipartUploads(state.database, state.files, state.objects)
    return StorageEndpoint(
        StorageAccess(state.clock, state.credentials, state.sessions, state.switches),
        StorageCalls(state.clock, state.files, state.objects, uploads, state.counters),
        state.configuration,
    )


def _known_files(database: Database) -> set[str]:
    return {
        row["file_name"]
        for table in ("objects", "parts", "published")
        for row in database.rows(f"SELECT file_name FROM {table}")  # noqa: S608  # three fixed names
    }
