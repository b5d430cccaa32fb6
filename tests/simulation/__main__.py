"""Run seeds: `make simulate SEED=… DAYS=… RUNS=…`, or show with `PLANTED=1` that planted faults are found."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.features import FEATURES
from tests.simulation.planted_search import search
from tests.simulation.virtual_store import faketime_library
from tests.simulation.world import simulate

if TYPE_CHECKING:
    from tests.simulation.outcome import Outcome


def main() -> int:
    """Run the command; 1 if a seed fails, or a planted fault is not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="the first seed; a random one without it")
    parser.add_argument("--days", type=float, default=2.0, help="virtual days of bad weather")
    parser.add_argument("--runs", type=int, default=1, help="how many seeds, one after another")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--planted", nargs="?", const="", default=None, help="all planted faults, or this one"
    )
    options = parser.parse_args()
    if not faketime_library():
        print("The simulation needs libfaketime: apt-get install libfaketime.", file=sys.stderr)  # noqa: T201 -- a command speaks
        return 2
    if options.planted is not None:
        return search(options.planted, first_seed=options.seed or 1, jobs=options.jobs)
    first = secrets.randbelow(10**9) if options.seed is None else options.seed
    return _run(range(first, first + options.runs), options.days, options.jobs)


def _run(seeds: range, days: float, jobs: int) -> int:
    print(f"Seeds {seeds[0]} to {seeds[-1]}, {days:g} days each", flush=True)  # noqa: T201 -- a command speaks
    begun = time.monotonic()
    failed: list[Outcome] = []
    thin = 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(seeds)), mp_context=context) as pool:
        for outcome in pool.map(partial(simulate, days=days), seeds):
            print(outcome.summary, flush=True)  # noqa: T201 -- a command speaks
            if outcome.violation:
                print(f"  {outcome.violation.rule}: {outcome.violation.what}", flush=True)  # noqa: T201 -- as above
                failed.append(outcome)
            elif outcome.is_thin(days):
                print("  too little happened", flush=True)  # noqa: T201 -- as above
                thin += 1
    print(f"{len(seeds)} seeds in {time.monotonic() - begun:.0f} s, {len(failed)} failed", flush=True)  # noqa: T201 -- as above
    for outcome in failed[:1]:
        _show_shortest(outcome, days)
    return 1 if failed or thin else 0


def _show_shortest(outcome: Outcome, days: float) -> None:
    """Find the shortest prefix of a failed run that fails as well, by bisection, and print it."""
    passes, fails, shortest = 0, outcome.active_steps, outcome
    while fails - passes > 1:
        middle = (passes + fails) // 2
        tried = simulate(outcome.seed, days=days, most_steps=middle)
        if tried.violation:
            fails, shortest = middle, tried
        else:
            passes = middle
    print(f"Seed {outcome.seed} fails after {fails} steps, and holds after {passes}:")  # noqa: T201 -- a command speaks
    print(f"  {shortest.violation}")  # noqa: T201 -- as above
    print("\n".join(f"  {line}" for line in shortest.last_lines))  # noqa: T201 -- as above
    line = f"{outcome.seed} {days:g} {fails} {','.join(FEATURES)}"
    print(f"As a test, one line of tests/simulation/seeds.txt: {line}")  # noqa: T201 -- as above


if __name__ == "__main__":
    sys.exit(main())
