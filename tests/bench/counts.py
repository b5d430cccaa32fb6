"""Cold start in user instructions, as multiples of the vendor's bare demo: a gate for every change.

Unlike a time, a count hardly depends on what else the machine does: on one processor and build of Python it
repeats to about one in 100,000.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from local.stack.embedded_store import EmbeddedStore
from tests.bench import cachegrind, layouts
from tests.bench.invocations import Deployment
from tests.bench.series import keep, machine
from tests.bench.starts import WITH_READ_BACK_AND_WEBHOOK, ColdStarts, WrongAnswerError, packaged_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.bench.starts import Case

ATTEMPTS = 3
MOST_TIMES_THE_DEMO = {
    "upload_signature, packaged": 2.03,
    "upload_status, packaged": 1.89,
    "event_notification, packaged": 2.17,
    "reliable_notification, packaged": 6.26,
    "event_delivery, packaged": 2.21,
    WITH_READ_BACK_AND_WEBHOOK: 8.35,
}
"""By case, the target; compared to two decimals."""


def measure() -> list[str]:
    """Count, print the table, and return what misses its target, or that nothing can be counted here."""
    if not cachegrind.is_installed():
        return [cachegrind.MISSING]
    counts = counted()
    keep("counts", {"counts": counts})
    sys.stdout.write(table(counts))
    return faults_in(counts)


def counted() -> dict[str, int]:
    """Count the instructions of each packaged function, and of the demo, by the name of the case."""
    with contextlib.ExitStack() as parts:
        # Not in $TMPDIR: the length of this path changes the counts.
        target = Path(parts.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        store = parts.enter_context(EmbeddedStore(target / "store"))
        deployment = parts.enter_context(Deployment(store.url))
        scratch = target / "scratch"
        scratch.mkdir()
        starts = ColdStarts(scratch)
        counts = {}
        for name, case in packaged_cases(deployment, target, layouts.packaged(target)).items():
            # The first start loads the scripts into the store, which a cold start rarely has to do.
            starts.start(name, case)
            counts[name] = _count(starts, name, case)
    return counts


def _count(starts: ColdStarts, name: str, case: Case) -> int:
    """Count a case, again where the function ran out of time: valgrind makes it some forty times slower."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(WrongAnswerError):
            return starts.count(name, case)
    return starts.count(name, case)


def times_the_demo(counts: Mapping[str, int]) -> dict[str, float]:
    """Divide each count by the demo's."""
    return {name: count / counts[layouts.DEMO] for name, count in counts.items()}


def table(counts: Mapping[str, int]) -> str:
    """Format the counts as Markdown."""
    times = times_the_demo(counts)
    lines = [
        f"Cold start in user instructions. {machine()}",
        "",
        "| | instructions | times the demo | at most |",
        "|---|--:|--:|--:|",
        f"| the vendor's bare demo | {counts[layouts.DEMO]:,} | 1 | |",
    ]
    for name, most in MOST_TIMES_THE_DEMO.items():
        function, _, layout = name.partition(", packaged")
        lines.append(f"| `{function}`{layout} | {counts[name]:,} | {times[name]:.4f} | {most:.2f} |")
    return "\n".join(lines) + "\n"


def faults_in(counts: Mapping[str, int]) -> list[str]:
    """Name each case whose count is above its target."""
    times = times_the_demo(counts)
    return [
        f"{name} takes {times[name]:.4f} times the demo's instructions, not {most:.2f}."
        for name, most in MOST_TIMES_THE_DEMO.items()
        if round(times[name], 2) > most
    ]
