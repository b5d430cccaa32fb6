"""The parts of the local stack, put together: store, simulator, functions, receiver and page.

Everything starts in order and ends in the opposite one; the thread it runs in is left to
`local.stack.stack`.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from local.environment_file import kept_environment
from local.simulator import Simulator, SimulatorSettings, create_simulator
from local.stack.certificates import prepare_certificates
from local.stack.demo_settings import (
    STORAGE_REGIONS,
    LocalAddresses,
    demo_environment,
    first_of,
    local_info,
    tls_hosts,
)
from local.stack.embedded_store import EmbeddedStore
from local.stack.gateway import Gateway
from local.stack.instances import Instances
from local.stack.receiver import Receiver
from local.stack.routes import CALLBACK_PREFIX, create_routes
from local.stack.servers import HOST, Listener, bound_socket, serving
from local.stack.timers import run_timers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
    from pathlib import Path

    from local.simulator.faults import Fault
    from local.stack.gateway import Dialect

_TIMED_FUNCTIONS = ("reliable_notification", "event_delivery")
_PULL_WAIT_SECONDS = 0.5
"""How long an empty PullEvents is held; VOD's five seconds would delay the end of the stack."""


class FolderTakenError(Exception):
    """Another stack keeps its state in this folder."""


@dataclass(frozen=True)
class SystemOptions:
    """How to start a system; ports of 0 are free ones.

    `overrides` are environment variables of the functions, `simulator` fields of
    `SimulatorSettings`; both win over the demo's own values. Without `redis_url` an embedded Valkey
    is started. `faults` are what the fault dial is set to at first, with `fault_seed`.
    """

    folder: Path
    port: int = 0
    tls_port: int = 0
    redis_url: str | None = field(default=None, repr=False)
    overrides: Mapping[str, str] = field(default_factory=dict, repr=False)
    simulator: Mapping[str, Any] = field(default_factory=dict)
    dialect: Dialect = "function-url"
    timer_seconds: float = 2.0
    faults: Sequence[Fault] = ()
    fault_seed: int | None = None


@dataclass(frozen=True)
class RunningSystem:
    """What one needs to know of a system that runs; `environment` holds the demo's secrets."""

    url: str
    tls_url: str
    ca_file: Path
    info: Mapping[str, object]
    environment: Mapping[str, str] = field(repr=False)
    simulator: Simulator = field(repr=False)


@contextlib.asynccontextmanager
async def running_system(options: SystemOptions) -> AsyncIterator[RunningSystem]:
    """Start every part, and end every part and process afterwards.

    Raises:
        PortTakenError, FolderTakenError, StoreStartError: before anything is served.

    """
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(_owned_folder(options.folder))
        plain = Listener(parts.enter_context(bound_socket(options.port)))
        tls_socket = parts.enter_context(bound_socket(options.tls_port))
        certificates = prepare_certificates(folder, tls_hosts())
        tls = Listener(tls_socket, certificates.server_file)
        addresses = LocalAddresses(
            url=f"http://{HOST}:{plain.port}",
            tls_url=f"https://localhost:{tls.port}",
            redis_url=options.redis_url or parts.enter_context(EmbeddedStore(folder / "valkey")).url,
        )
        environment = {**demo_environment(folder, addresses), **options.overrides}
        parts.enter_context(kept_environment(folder, environment))
        settings = replace(_simulator_settings(folder, addresses, environment), **options.simulator)
        system = RunningSystem(
            url=addresses.url,
            tls_url=addresses.tls_url,
            ca_file=certificates.ca_file,
            info=local_info(
                addresses,
                environment,
                ca_file=certificates.ca_file,
                callback_url=settings.callback_url,
                embedded=options.redis_url is None,
            ),
            environment=environment,
            simulator=create_simulator(settings),
        )
        instances = Instances(environment, log_file=folder / "functions.log")
        dial = system.simulator.faults
        dial.set(options.faults, seed=options.fault_seed)
        secrets = environment["APP_WEBHOOK_SECRETS"].split(",")
        receiver = Receiver(secrets, folder / "events.jsonl", faults=dial)
        routes = create_routes(
            gateway=Gateway(instances, dialect=options.dialect),
            simulator=system.simulator,
            receiver=receiver,
            info=system.info,
            environment=environment,
        )
        await system.simulator.start()
        parts.push_async_callback(system.simulator.stop)
        await parts.enter_async_context(serving(routes, plain, tls))
        parts.callback(receiver.close)
        parts.push_async_callback(instances.stop)
        timers = run_timers(instances, _TIMED_FUNCTIONS, options.timer_seconds)
        await parts.enter_async_context(_background(timers))
        yield system


def _simulator_settings(
    folder: Path, addresses: LocalAddresses, environment: Mapping[str, str]
) -> SimulatorSettings:
    """Give the simulator the same keys that the functions have."""
    sub_app_id = environment.get("VOD_SUB_APP_ID")
    return SimulatorSettings(
        folder=folder / "simulator",
        secret_id=environment["VOD_SECRET_ID"],
        secret_key=environment["VOD_SECRET_KEY"],
        sub_app_ids=(int(sub_app_id),) if sub_app_id else (),
        public_url=addresses.url,
        callback_url=f"{addresses.url}{CALLBACK_PREFIX}/{first_of(environment['CALLBACK_TOKENS'])}",
        sign_key=environment.get("VOD_CALLBACK_SIGN_KEY"),
        storage_regions=STORAGE_REGIONS,
        pull_wait_seconds=_PULL_WAIT_SECONDS,
    )


@contextlib.contextmanager
def _owned_folder(folder: Path) -> Iterator[Path]:
    """Make the folder and keep others out of it; the lock ends with this process at the latest."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderTakenError(str(folder)) from None
        yield folder
    finally:
        os.close(descriptor)


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
