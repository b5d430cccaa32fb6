"""The simulator that answers are compared with, served in this process for the length of one run."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.conformance.account import Account, Pace
from local.conformance.push_receiver import PushReceiver
from local.conformance.subject import Subject
from local.simulator import Procedure, RoleCredential, SimulatorSettings, create_simulator
from local.stack.servers import Listener, bound_socket, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.conformance.account import Permissions

_START_SECONDS = 30
_STEP_SECONDS = 0.01
_PATIENCE_SECONDS = 20.0
_PULL_SECONDS = 0.02


class MovedClock:
    """The real time, and what waiting has added to it: an expiry is not waited for."""

    def __init__(self) -> None:
        self._moved = 0.0

    def __call__(self) -> float:
        """Return Unix seconds."""
        return time.time() + self._moved

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self._moved += seconds


def moved_pace(clock: MovedClock) -> Pace:
    """Return the pace at which a simulator on that clock is asked."""
    return Pace(
        clock=clock,
        wait=clock.wait,
        poll=_STEP_SECONDS,
        patience=_PATIENCE_SECONDS,
        silence=_STEP_SECONDS,
    )


@contextlib.contextmanager
def simulated_subject(sub_app_id: int | None, permissions: Permissions) -> Iterator[Subject]:
    """Start a simulator with keys of its own, and yield the subject that asks it."""
    clock = MovedClock()
    with (
        tempfile.TemporaryDirectory(prefix="vod-conformance-") as folder,
        bound_socket(0) as listening,
        PushReceiver() as receiver,
    ):
        listener = Listener(listening)
        url = f"http://127.0.0.1:{listener.port}"
        secret_id, secret_key = f"AKID{secrets.token_hex(16)}", secrets.token_urlsafe(24)
        role = RoleCredential(f"AKID{secrets.token_hex(16)}", secrets.token_hex(16), secrets.token_hex(16))
        settings = SimulatorSettings(
            folder=Path(folder),
            secret_id=secret_id,
            secret_key=secret_key,
            role_credentials=(role,),
            sub_app_ids=() if sub_app_id is None else (sub_app_id,),
            public_url=url,
            procedures=(Procedure(permissions.procedure or "unused"),),
            task_flow_step_seconds=_STEP_SECONDS,
            pull_wait_seconds=_PULL_SECONDS,
        )
        account = Account(
            secret_id=secret_id,
            secret_key=secret_key,
            api_credentials=(role.secret_id, role.secret_key, role.token),
            sub_app_id=sub_app_id,
            endpoint=url,
        )
        with _served(settings, clock, listener):
            patient = replace(permissions, wait=float("inf"))
            subject = Subject(account, moved_pace(clock), patient, receiver=receiver)
            try:
                yield subject
            finally:
                subject.http.close()


@contextlib.contextmanager
def _served(settings: SimulatorSettings, clock: MovedClock, listener: Listener) -> Iterator[None]:
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        simulator = create_simulator(settings, clock=clock)
        await simulator.start()
        async with serving(simulator.app, listener):
            ready.set()
            await end.wait()
        await simulator.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    if not ready.wait(_START_SECONDS):
        raise RuntimeError("The simulator does not start.")
    try:
        yield
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()
