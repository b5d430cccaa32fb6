"""Child processes that cannot outlive us, whatever ends us.

As a program (`python process_tree.py PARENT COMMAND...`) it becomes COMMAND; starting and
stopping children is left to their owners.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(death_signal: signal.Signals) -> None:
    """Have the kernel send us `death_signal` when the thread that started us ends (prctl(2)).

    Linux only; elsewhere this does nothing, and an orderly stop is what ends children.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(death_signal))


def tied_to_us(*command: str) -> list[str]:
    """Spell a command line that runs `command` and ends it when we are gone."""
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
