"""One instance of the functions, as a process: the program behind `local.stack.instances`.

It reads one invocation at a time from standard input and writes one outcome back. The parent starts, reuses
and ends it.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import struct
import sys
import traceback
from typing import BinaryIO

from local.stack.process_tree import end_with_parent
from shared.store import connection

HEADER = struct.Struct(">I")
"""Precedes each JSON text: its length in bytes."""
STORE_TIMEOUT_SECONDS, STORE_CALL_SECONDS = 2.0, 4.0
"""For the stack's own store, which shares a laptop's processors with everything else."""
OWN_STORE = "VUF_LOCAL_STORE"
"""The environment variable that says so."""


def main() -> None:
    """Serve invocations until the parent closes the pipe."""
    end_with_parent(signal.SIGKILL)
    if OWN_STORE in os.environ:
        connection.TIMEOUT_SECONDS, connection.CALL_SECONDS = STORE_TIMEOUT_SECONDS, STORE_CALL_SECONDS
    outcomes = os.fdopen(os.dup(1), "wb")
    # From here on, whatever a function prints goes into the log and never between two outcomes.
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper at start
    while (invocation := _read(sys.stdin.buffer)) is not None:
        content = json.dumps(_outcome(invocation)).encode()
        outcomes.write(HEADER.pack(len(content)) + content)
        outcomes.flush()


def _read(pipe: BinaryIO) -> dict[str, object] | None:
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    invocation: dict[str, object] = json.loads(pipe.read(HEADER.unpack(header)[0]))
    return invocation


def _outcome(invocation: dict[str, object]) -> dict[str, object]:
    try:
        function = importlib.import_module(str(invocation["module"]))
        result = function.main_handler(invocation["event"], invocation["context"])
        # The platform turns the result into JSON, so a result that is none is the function's error.
        json.dumps(result, allow_nan=False)
    except BaseException:  # noqa: BLE001  # also SystemExit: the platform reports every way out
        return {"raised": traceback.format_exc()}
    return {"result": result}


if __name__ == "__main__":
    main()
