"""Hand one event from a file to the function, and print what that took.

A process of its own, so that its peak of memory is the event's. Prints the status, the processor time as a
multiple of what it takes to parse, write and compress the body once, and the MiB above what the process had
after a small event.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import time
import zlib
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
        body = Path(sys.argv[1]).read_bytes()
        status = push(body).status
        took, most = time.process_time() - started, mebibytes("VmHWM") - idle
        started = time.process_time()
        zlib.compress(json.dumps(json.loads(body)).encode())
        once = time.process_time() - started
    sys.stdout.write(json.dumps([status, took / once, most]))


if __name__ == "__main__":
    main()
