"""One instance of a packaged function, as SCF's documentation describes its runtime.

A program for a bare Python 3.10: `scf_runtime.py FUNCTION` reads one invocation a line from standard input
and writes one outcome a line. It imports nothing of the repository: PYTHONPATH names the package, and SCRATCH
the only writable folder.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
CHANGES = {"os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}


def keep_read_only(scratch: str) -> None:
    """Refuse every change of a file outside `scratch`: permissions alone do not bind root."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, flags = arguments[0], arguments[2]
            changes = isinstance(flags, int) and bool(flags & WRITING) and not isinstance(path, int)
        else:
            path, changes = (arguments[0] if arguments else None), event in CHANGES
        if not changes:
            return  # at once: there are thousands of events, each import is one
        named = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else scratch
        place = f"{os.path.abspath(named)}/"  # noqa: PTH100  # resolving would itself open files
        if not place.startswith(f"{scratch}/"):
            message = f"{path} is on a read-only file system"
            raise PermissionError(message)

    sys.addaudithook(watch)


def imported_files(package: str) -> list[str]:
    """Return every file of the package that was imported, relative to it."""
    files = [getattr(module, "__file__", None) or "" for module in tuple(sys.modules.values())]
    return sorted(file[len(package) + 1 :] for file in files if file.startswith(f"{package}/"))


def main(file: str) -> None:
    """Serve invocations until standard input ends."""
    outcomes = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a function prints is its log, and no outcome
    # The first entry is this program's own folder, which SCF would not have.
    del sys.path[0]
    package = os.environ["PYTHONPATH"].partition(":")[0]
    keep_read_only(os.environ["SCRATCH"])
    for line in sys.stdin:
        invocation = json.loads(line)
        try:
            function = importlib.import_module(file)
            outcome = {"result": function.main_handler(invocation["event"], invocation["context"])}
            json.dumps(outcome, allow_nan=False)
        except BaseException:  # noqa: BLE001  # the platform reports every way out
            outcome = {"raised": traceback.format_exc()}
        outcome["imported"] = imported_files(package)
        outcomes.write(json.dumps(outcome) + "\n")
        outcomes.flush()


if __name__ == "__main__":
    main(sys.argv[1])
