"""Assemble the local stack: store, simulator, functions, receiver and page.

Everything starts in order and stops in reverse order.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from local.environment_file import CALLBACK_PREFIX, kept_environment
from local.operator.trigger_scenario import ScenarioRunner
from local.simulator import Simulator, SimulatorSettings, create_simulator
from local.stack.certificates import prepare_certificates
from local.stack.demo_settings import (
    STORAGE_REGIONS,
    LocalAddresses,
    demo_environment,
    first_of,
    local_info,
    receiver_secrets,
    tls_hosts,
    with_receiver,
)
from local.stack.embedded_store import EmbeddedStore
from local.stack.function_instance import OWN_STORE
from local.stack.gateway import Gateway
from local.stack.instances import Instances
from local.stack.invoke_api import InvokeApi
from local.stack.phone_proxy import PhoneProxy
from local.stack.receiver import Receiver
from local.stack.routes import create_routes
from local.stack.servers import HOST, Listener, bound_socket, serving
from local.stack.timers import run_timers
from shared.runtime.shards import MOST

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
    from pathlib import Path

    from local.simulator.faults import Fault
    from local.stack.gateway import Dialect

_TIMED_FUNCTIONS = ("reliable_notification", "event_delivery")
_SHARDS = ("PULL_SHARDS", "DELIVERY_SHARDS")
_INSTANCES = 6
_PULL_WAIT_SECONDS = 0.5
"""How long an empty PullEvents waits; VOD's five seconds would delay the end of the stack."""


class FolderTakenError(Exception):
    """Another stack keeps its state in this folder."""


@dataclass(frozen=True)
class SystemOptions:
    """Options of a system; port 0 chooses a free one.

    `overrides` are environment variables of the functions, `simulator` fields of `SimulatorSettings`; both
    override the demo's own values. Without `redis_url` an embedded Valkey is started. `faults` and
    `fault_seed` are the initial setting of the fault dial. `proxy` is where the proxy for phones listens,
    `forward_to` the address of an app that gets what the receiver gets.
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
    proxy: tuple[str, int] | None = None
    forward_to: str | None = None


@dataclass(frozen=True)
class RunningSystem:
    """The addresses and settings of a running system; `environment` holds the demo's secrets.

    `proxy` is HOST:PORT, or empty without one.
    """

    url: str
    tls_url: str
    ca_file: Path
    info: Mapping[str, object]
    environment: Mapping[str, str] = field(repr=False)
    simulator: Simulator = field(repr=False)
    proxy: str


@dataclass(frozen=True)
class _Place:
    """Where a system runs: its locked folder, its bound ports and its store; `proxy` only if there is one."""

    folder: Path
    plain: Listener
    tls: Listener
    proxy: socket.socket | None
    addresses: LocalAddresses
    ca_file: Path


@contextlib.asynccontextmanager
async def running_system(options: SystemOptions) -> AsyncIterator[RunningSystem]:
    """Start every part, and stop every part and process at the end.

    Raises:
        PortTakenError, FolderTakenError, StoreStartError: before anything is served.

    """
    async with AsyncExitStack() as parts:
        place = _claim_place(options, parts)
        environment = with_receiver({**demo_environment(place.folder, place.addresses), **options.overrides})
        parts.enter_context(kept_environment(place.folder, environment))
        system = _create_system(options, place, environment)
        own_store = {OWN_STORE: "1"} if options.redis_url is None else {}
        instances = Instances(
            {**environment, **own_store},
            log_file=place.folder / "functions.log",
            limit=_INSTANCES + _further_shards(environment),
        )
        invoke_api = InvokeApi(instances, {environment["VOD_SECRET_ID"]: environment["VOD_SECRET_KEY"]})
        receiver = Receiver(
            receiver_secrets(environment),
            place.folder / "events.jsonl",
            faults=system.simulator.faults,
            forward_to=options.forward_to,
        )
        routes = create_routes(
            gateway=Gateway(instances, dialect=options.dialect),
            invoke_api=invoke_api,
            simulator=system.simulator,
            receiver=receiver,
            scenarios=ScenarioRunner(system.url, environment, receiver),
            info=system.info,
            environment=environment,
        )
        await system.simulator.start()
        parts.push_async_callback(system.simulator.stop)
        await parts.enter_async_context(serving(routes, place.plain, place.tls))
        if place.proxy is not None:
            proxy = PhoneProxy(place.plain.port, place.tls.port, system.simulator)
            await parts.enter_async_context(proxy.serving(place.proxy))
        parts.callback(receiver.close)
        parts.push_async_callback(invoke_api.close)
        parts.push_async_callback(instances.stop)
        timers = run_timers(instances, _TIMED_FUNCTIONS, options.timer_seconds)
        await parts.enter_async_context(_background(timers))
        yield system


def _further_shards(environment: Mapping[str, str]) -> int:
    """Return how many instances the timers start beside their own; a setting with a fault starts none."""
    counts = (environment.get(name, "") for name in _SHARDS)
    return sum(min(int(count), MOST) - 1 for count in counts if count.isdecimal() and count != "0")


def _claim_place(options: SystemOptions, parts: AsyncExitStack) -> _Place:
    """Lock the folder, bind the ports and start the store if there is none; `parts` releases them."""
    folder = parts.enter_context(_owned_folder(options.folder))
    plain = Listener(parts.enter_context(bound_socket(options.port)))
    proxy = None
    if options.proxy is not None:
        host, port = options.proxy
        proxy = parts.enter_context(bound_socket(port, host=host))
    tls_socket = parts.enter_context(bound_socket(options.tls_port))
    certificates = prepare_certificates(folder, tls_hosts())
    tls = Listener(tls_socket, certificates.server_file)
    addresses = LocalAddresses(
        url=f"http://{HOST}:{plain.port}",
        tls_url=f"https://localhost:{tls.port}",
        redis_url=options.redis_url or parts.enter_context(EmbeddedStore(folder / "valkey")).url,
    )
    return _Place(folder, plain, tls, proxy, addresses, certificates.ca_file)


def _create_system(options: SystemOptions, place: _Place, environment: Mapping[str, str]) -> RunningSystem:
    settings = replace(_simulator_settings(place.folder, place.addresses, environment), **options.simulator)
    simulator = create_simulator(settings)
    simulator.faults.set(options.faults, seed=options.fault_seed)
    info = local_info(
        place.addresses,
        environment,
        ca_file=place.ca_file,
        callback_url=settings.callback_url,
        embedded=options.redis_url is None,
    )
    return RunningSystem(
        url=place.addresses.url,
        tls_url=place.addresses.tls_url,
        ca_file=place.ca_file,
        info=info,
        environment=environment,
        simulator=simulator,
        proxy="" if place.proxy is None else "{}:{}".format(*place.proxy.getsockname()),
    )


def _simulator_settings(
    folder: Path, addresses: LocalAddresses, environment: Mapping[str, str]
) -> SimulatorSettings:
    """Return settings with the same keys that the functions have."""
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
    """Create and lock the folder; the lock ends with this process at the latest."""
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
