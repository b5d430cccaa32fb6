"""Hand one event from a file to the function, and print what that took.

A process of its own, so that its peak of memory is the event's. Prints status, seconds of processor time and
MiB above what the process had after a small event.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
from pathlib import Path

from tests.functions.vod import push


def mebibytes(field: str) -> float:
    """Read a size of this process: VmRSS is the present one, VmHWM the highest so far."""
    status = Path("/proc/self/status").read_text("ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def main() -> None:
    """Warm the function up, and measure one event."""
    with contextlib.redirect_stdout(io.StringIO()):
        push(b'{"EventType":"Small"}')
        idle, started = mebibytes("VmRSS"), time.process_time()
        status = push(Path(sys.argv[1]).read_bytes()).status
        took = time.process_time() - started
    sys.stdout.write(json.dumps([status, took, mebibytes("VmHWM") - idle]))


if __name__ == "__main__":
    main()
