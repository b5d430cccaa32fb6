"""A command in a pseudo-terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def in_terminal(words: Sequence[str], columns: int, variables: Mapping[str, str] | None = None) -> list[str]:
    """Run a command with its output in a terminal of so many columns; return the lines that it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(  # noqa: S603  # our own words
        words, cwd=REPOSITORY, env={**environment, **(variables or {})}, stdin=theirs, stdout=theirs
    ):
        os.close(theirs)
        written = _everything(ours)
    os.close(ours)
    return written.decode().replace("\r\n", "\n").splitlines()


def _everything(terminal: int) -> bytes:
    written = b""
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # Linux: nobody has the other end open
            return written
        if not chunk:
            return written
        written += chunk
