"""Cold start: from a new process to its first answer, file cache warm, imitated as in tests/deploy."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from local.package.contents import LIBRARIES
from local.stack.embedded_store import EmbeddedStore
from tests.bench import cachegrind, counts, layouts
from tests.bench.invocations import Deployment
from tests.bench.series import in_turns, keep, machine, ratio, spread
from tests.bench.starts import ColdStarts, packaged_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.bench.starts import Case

ROUNDS = 20
BEFORE = os.environ.get("BENCH_BEFORE", "")
"""A revision of this repository whose code is started as well, in the plain layout; empty: none.

It has to understand the records that today's code writes.
"""
TIMERS = ("reliable_notification", "event_delivery")
MOST_TIMES_THE_DEMO = {function: 8.0 if function in TIMERS else 4.0 for function in LIBRARIES}
LEAST_TIMES_FASTER = 4.0
MOST_RESIDENT_MB = 80.0


def cases(deployment: Deployment, target: Path) -> dict[str, Case]:
    """Prepare every case, named by function and layout: `upload_signature, packaged`."""
    packaged = layouts.packaged(target)
    laid_out = {"plain": layouts.plain(target, packaged), "floor": layouts.floor(target, packaged)}
    if BEFORE:
        laid_out["before"] = layouts.plain(target, packaged, BEFORE)
    found = packaged_cases(deployment, target, packaged)
    for function in LIBRARIES:
        for layout, folders in laid_out.items():
            case = replace(found[f"{function}, packaged"], folder=folders[function])
            if layout == "floor":
                case = replace(case, file=layouts.FLOOR, wants=bool)
            found[f"{function}, {layout}"] = case
    return found


def measure(rounds: int = ROUNDS) -> list[str]:
    """Measure, print the table, and return what misses its target."""
    instructions = counts.counted() if cachegrind.is_installed() else {}
    with contextlib.ExitStack() as parts:
        target = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        store = parts.enter_context(EmbeddedStore(target / "store"))
        deployment = parts.enter_context(Deployment(store.url))
        scratch = target / "scratch"
        scratch.mkdir()
        starts = ColdStarts(scratch)
        to_start = cases(deployment, target)
        series = in_turns(
            {name: partial(starts.start, name, case) for name, case in to_start.items()}, rounds
        )
    resident = {name: starts.resident[name] for name in series}
    keep("cold", {"series": series, "resident": resident, "counts": instructions, "before": BEFORE})
    sys.stdout.write(table(series, resident, instructions, rounds))
    if not instructions:
        sys.stdout.write(f"\n{cachegrind.MISSING}\n")
    return faults_in(series, resident) + (counts.faults_in(instructions) if instructions else [])


def table(
    series: Mapping[str, list[float]],
    resident: Mapping[str, float],
    instructions: Mapping[str, int],
    rounds: int,
) -> str:
    """Format the figures in Markdown."""
    demo = series[layouts.DEMO]
    times_in_instructions = counts.times_the_demo(instructions) if instructions else {}
    last = {name: f" {times:.2f} |" for name, times in times_in_instructions.items()}
    title, rule = (" times in instructions |", "--:|") if instructions else ("", "")
    lines = [
        f"Cold start, {rounds} of each in turns. {machine()}",
        "",
        "| | ms, median (quartiles) | times the demo | its floor | plain `pip install -t` | resident |"
        + title,
        "|---|--:|--:|--:|--:|--:|" + rule,
        f"| the vendor's bare demo | {spread(demo)} | 1 | | | {resident[layouts.DEMO]:.0f} MB |"
        + (" 1 |" if instructions else ""),
    ]
    for name, values in series.items():
        function, _, layout = name.partition(", ")
        if not layout.startswith("packaged"):
            continue
        floor, plain = series[f"{function}, floor"], series[f"{function}, plain"]
        before = series.get(f"{function}, before")
        # The plain layouts are started with what journaling alone needs.
        is_same = layout == "packaged"
        was = f"; {spread(before)}, {ratio(before, values):.1f} times at {BEFORE}" if before else ""
        times, faster = ratio(values, demo), ratio(plain, values)
        laid_out = f"{spread(plain)}, {faster:.1f} times{was}" if is_same else ""
        lines.append(
            f"| `{function}`{layout.removeprefix('packaged')} | {spread(values)} | {times:.2f} "
            f"| {spread(floor) if is_same else ''} | {laid_out} | {resident[name]:.0f} MB |"
            + last.get(name, "")
        )
    return "\n".join(lines) + "\n"


def faults_in(series: Mapping[str, list[float]], resident: Mapping[str, float]) -> list[str]:
    """Return a sentence for each target that is missed."""
    faults = []
    for function, most in MOST_TIMES_THE_DEMO.items():
        name = f"{function}, packaged"
        times = ratio(series[name], series[layouts.DEMO])
        # What the same code costs when it is laid out plainly says little once little is imported at all.
        before = series.get(f"{function}, before")
        faster = ratio(before, series[name]) if before else LEAST_TIMES_FASTER
        if times > most:
            faults.append(f"{function} starts cold in {times:.2f} times the demo's time, not {most:.0f}.")
        if faster < LEAST_TIMES_FASTER:
            faults.append(
                f"{function} is {faster:.1f} times faster than {BEFORE}, not {LEAST_TIMES_FASTER:.0f}."
            )
        if resident[name] > MOST_RESIDENT_MB:
            faults.append(f"{function} has {resident[name]:.0f} MB, not {MOST_RESIDENT_MB:.0f}.")
    return faults
