"""Plant one fault after another, and run seeds until one finds it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from local.repository import REPOSITORY
from tests.simulation.planted_faults import PLANTED
from tests.simulation.planted_feature_faults import PLANTED_FEATURE_FAULTS

ALL_PLANTED = {**PLANTED, **PLANTED_FEATURE_FAULTS}
MOST_SEEDS = 50
DAYS = 0.4
"""Each seed of a search is short: another seed costs less than another day."""


def plant(name: str, folder: Path) -> None:
    """Copy the repository's code into a folder, with one fault in it.

    Raises:
        ValueError: a text to change does not stand in its file once.

    """
    for part in ("shared", "functions"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("local", "tests"):
        (folder / part).symlink_to(REPOSITORY / part)
    for change in ALL_PLANTED[name]:
        path = folder / change.file
        source = path.read_text("utf-8")
        if source.count(change.old) != 1:
            raise ValueError(f"{change.file} does not have this text once: {change.old}")
        path.write_text(source.replace(change.old, change.new), "utf-8")


def search(wanted: str, *, first_seed: int, jobs: int) -> int:
    """Run seeds against each planted fault until one finds it; return 1 if one is missed."""
    names = [name for name in ALL_PLANTED if wanted in ("", "1", name)]
    missed = 0
    with ThreadPoolExecutor(jobs) as pool:
        searches = {pool.submit(_search, name, first_seed): name for name in names}
        for finished in as_completed(searches):
            found = finished.result()
            missed += not found
            print(f"{searches[finished]:40} {found or 'NOT FOUND'}", flush=True)  # noqa: T201 -- a command speaks
    return 1 if missed else 0


def _search(name: str, first_seed: int) -> str:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        plant(name, Path(folder))
        for number in range(MOST_SEEDS):
            rule = _rule_broken(first_seed + number, folder)
            if rule and not _rule_broken(first_seed + number, str(REPOSITORY)):
                return f"seed {number + 1:2}, {time.monotonic() - begun:4.0f} s: {rule}"
    return ""


def _rule_broken(seed: int, folder: str) -> str:
    """Run a seed with the code of a folder; return the rule that it broke, or nothing."""
    program = (
        "from tests.simulation.world import simulate\n"
        f"found = simulate({seed}, days={DAYS}).violation\n"
        "print(found.rule if found else '')"
    )
    environment = {**os.environ, "PYTHONPATH": folder}
    command = [sys.executable, "-c", program]
    run = subprocess.run(  # noqa: S603 -- our own program
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return run.stdout.strip() if run.returncode == 0 else f"the run failed: {run.stderr[-300:]}"
