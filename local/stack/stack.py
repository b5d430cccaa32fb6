"""The local stack in a thread of its own, for commands and tests that are not asynchronous.

`with Stack(folder=path) as stack: stack.url`; `local.stack.system` assembles the parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from local.stack.certificates import DamagedFileError
from local.stack.embedded_store import StoreStartError
from local.stack.servers import PortTakenError
from local.stack.system import FolderTakenError, SystemOptions, running_system

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Any, TypeVar

    from typing_extensions import Self

    from local.simulator import Simulator
    from local.stack.system import RunningSystem

    _Result = TypeVar("_Result")


class StackStartError(Exception):
    """The stack cannot start; the message is a sentence that says what to do."""


class Stack:
    """One local system, from `start` to `stop`; the keywords are those of `SystemOptions`."""

    def __init__(self, *, folder: Path, **options: Any) -> None:  # noqa: ANN401  # checked by SystemOptions
        """Prepare; nothing is started yet."""
        self._options = SystemOptions(folder=folder, **options)
        self._system: Future[RunningSystem] = Future()
        self._thread = threading.Thread(target=self._run, name="local stack", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    @property
    def url(self) -> str:
        """The plain HTTP address, without a slash at the end."""
        return self._system.result().url

    @property
    def tls_url(self) -> str:
        """The HTTPS address, without a slash at the end."""
        return self._system.result().tls_url

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority behind `tls_url`."""
        return self._system.result().ca_file

    @property
    def info(self) -> Mapping[str, object]:
        """What GET /local/info shows."""
        return self._system.result().info

    @property
    def environment(self) -> Mapping[str, str]:
        """The functions' environment variables, secrets among them."""
        return self._system.result().environment

    @property
    def proxy(self) -> str:
        """HOST:PORT of the proxy for phones, or empty."""
        return self._system.result().proxy

    @property
    def simulator(self) -> Simulator:
        """The VOD simulator; its coroutines are called through `call`."""
        return self._system.result().simulator

    def call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine where the servers run, and wait for its result."""
        if self._loop is None:
            raise RuntimeError("The stack does not run.")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self) -> None:
        """Start every part and return once all of them answer.

        Raises:
            StackStartError: a port or the folder is taken, a file in it is damaged, or the store does not
                start.

        """
        self._thread.start()
        try:
            self._system.result()
        except PortTakenError as error:
            raise StackStartError(
                f"Port {error.port} is taken: end what listens there, or choose another port."
            ) from error
        except FolderTakenError as error:
            raise StackStartError(
                f"Another stack runs in {error}: end it, or choose another folder."
            ) from error
        except DamagedFileError as error:
            raise StackStartError(f"{error} is damaged: remove it, and a new one is made.") from error
        except StoreStartError as error:
            raise StackStartError(str(error)) from error

    def stop(self) -> None:
        """Stop every part and every process it started."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def __enter__(self) -> Self:
        """Start the stack."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stack."""
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:
            if self._system.done():
                raise
            self._system.set_exception(error)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with running_system(self._options) as system:
            self._system.set_result(system)
            await self._end.wait()
