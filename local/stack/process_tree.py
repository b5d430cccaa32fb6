"""Start child processes that cannot outlive this process, however it ends.

As a program, `python process_tree.py PARENT COMMAND...` execs COMMAND.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(death_signal: signal.Signals) -> None:
    """Ask the kernel to send `death_signal` when the parent thread ends (prctl(2)).

    Linux only; on other systems this does nothing, and children end with an orderly stop.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(death_signal))


def tied_to_us(*command: str) -> list[str]:
    """Return a command line that runs `command` and ends it when this process is gone."""
    return [sys.executable, "-I", __file__, str(os.getpid()), *command]


def _become(parent: int, command: list[str]) -> None:
    # A parent may block signals for its own threads; a command has to hear them.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    end_with_parent(signal.SIGTERM)
    # The setting survives exec; a parent that died before it was made sends nothing any more.
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606  # exec without a shell is the purpose


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
