"""Series of measurements made alternately: medians, their spread, ratios to a floor."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = REPOSITORY / ".local" / "bench"
"""The folder of the last runs' figures, one file for each kind."""


def in_turns(
    cases: Mapping[str, Callable[[], float]], rounds: int, *, warming: int = 1
) -> dict[str, list[float]]:
    """Measure every case once in each round, in a new random order; the warming rounds do not count.

    Other load on the machine then affects all cases alike.
    """
    order = random.Random(6)  # noqa: S311  # an order, no secret
    series: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(warming + rounds):
        names = list(cases)
        order.shuffle(names)
        for name in names:
            value = cases[name]()
            if number >= warming:
                series[name].append(value)
    return series


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the first quartile, the median and the third."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, middle, third


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a `share` (0 to 1) of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(values: Sequence[float], unit: float = 1000.0, digits: int = 1) -> str:
    """Format the median with its quartiles."""
    first, middle, third = (value * unit for value in quartiles(values))
    return f"{middle:.{digits}f} ({first:.{digits}f} to {third:.{digits}f})"


def ratio(values: Sequence[float], floor: Sequence[float]) -> float:
    """Return the ratio of the medians of two series of the same run."""
    return statistics.median(values) / statistics.median(floor)


def machine() -> str:
    """Describe the machine in one line."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    load = os.getloadavg()[0]
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.release().partition('-')[0]}, Python {platform.python_version()}, load {load:.1f}"
    )


def keep(name: str, figures: Mapping[str, Any]) -> None:
    """Store the figures of a run, with the machine, for the plots."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), **figures}, indent=1)
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def kept(name: str) -> dict[str, Any] | None:
    """Return the figures of the last run, or None."""
    file = RESULTS / f"{name}.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None
