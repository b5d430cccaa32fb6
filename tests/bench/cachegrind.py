"""Count the user instructions of a process with valgrind's Cachegrind."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MISSING = (
    "valgrind is not installed, so instructions are not counted (Debian, Ubuntu: apt-get install valgrind)."
)
_COUNT = re.compile(r"==\d+== I +refs: +(\d{1,3}(?:,\d{3})*)")


class CountError(Exception):
    """The report of Cachegrind holds no single count; the message quotes its end."""


def is_installed() -> bool:
    """Return whether `valgrind` is on the PATH."""
    return shutil.which("valgrind") is not None


def prefix(report: Path) -> list[str]:
    """Return the words before a command that have it counted, with the report in the file `report`."""
    return [
        str(shutil.which("valgrind")),
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",  # the counts by function and line, which nothing reads
        f"--log-file={report}",  # otherwise it mixes with what the process writes to standard error
    ]


def instruction_count(report: str) -> int:
    """Read the number of instructions executed from Cachegrind's report.

    The line is `==PID== I   refs:      1,315,974,903`; valgrind 3.21 and newer write `I refs:`.

    Raises:
        CountError: there is no such line (the process was killed), or more than one (it forked).

    """
    found = [match[1] for line in report.splitlines() if (match := _COUNT.fullmatch(line.rstrip()))]
    if len(found) != 1:
        raise CountError(f"Cachegrind reported {len(found)} counts instead of one: …{report[-400:]!r}")
    return int(found[0].replace(",", ""))
