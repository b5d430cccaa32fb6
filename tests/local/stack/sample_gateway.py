"""The gateway in front of the sample functions, with a thread and a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from local.stack.gateway import Gateway
from local.stack.instances import Instances
from local.stack.servers import HOST, Listener, bound_socket, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local.stack.gateway import Dialect


@contextlib.contextmanager
def sample_gateway(
    dialect: Dialect, log_file: Path, *, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """Serve the sample functions for the length of a with block."""
    ready: Future[tuple[str, Callable[[], object]]] = Future()
    instances = Instances(environment or {}, log_file=log_file, package="tests.local.stack.sample_functions")
    serve = _serve(Gateway(instances, dialect=dialect), instances, ready)
    thread = threading.Thread(target=asyncio.run, args=(serve,))
    thread.start()
    address, stop = ready.result(10)
    try:
        yield address
    finally:
        stop()
        thread.join()


async def _serve(
    gateway: Gateway, instances: Instances, ready: Future[tuple[str, Callable[[], object]]]
) -> None:
    echo, scripted = gateway.endpoint("echo"), gateway.endpoint("scripted")
    behind_prefix = gateway.endpoint("echo", mounted_at="/prefix")
    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/scripted", scripted, methods=["POST"]),
        Route("/prefix/{rest:path}", behind_prefix, methods=["POST"]),
    ]
    end, loop = asyncio.Event(), asyncio.get_running_loop()
    with bound_socket(0) as free:
        listener = Listener(free)
        async with serving(Starlette(routes=routes), listener):
            address = f"http://{HOST}:{listener.port}"
            ready.set_result((address, lambda: loop.call_soon_threadsafe(end.set)))
            await end.wait()
        await instances.stop()
