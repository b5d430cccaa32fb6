"""Draw the figures of the last runs as SVG for the documents."""

from __future__ import annotations

import math
import statistics
from html import escape
from typing import TYPE_CHECKING

from local.package.contents import LIBRARIES
from local.repository import REPOSITORY
from tests.bench.layouts import DEMO
from tests.bench.series import kept, quartiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DOCUMENTS = REPOSITORY / "docs"
_WIDTH, _LEFT, _RIGHT, _BAR = 760, 190, 90, 26
_COLOURS = {"ours": "#2563a8", "plain": "#c2c8d0", "demo": "#6b7280", "third": "#d98324"}


def measure() -> list[str]:
    """Draw what was measured; there is no target to miss."""
    if cold := kept("cold"):
        write("cold-start.svg", cold_start(cold["series"], cold["before"], cold["machine"]))
    if growth := kept("growth"):
        write("growth.svg", growing(growth["sizes"], growth["machine"]))
    return []


def write(name: str, picture: str) -> None:
    """Write a picture into the documents' folder."""
    (DOCUMENTS / name).write_text(picture, encoding="utf-8")


def cold_start(series: Mapping[str, Sequence[float]], revision: str, machine: str) -> str:
    """Draw a bar for each function as packaged, one or two in the plain layout, and the demo."""
    rows = [("the vendor's bare demo", "demo", series[DEMO])]
    for function in LIBRARIES:
        rows.append((function, "ours", series[f"{function}, packaged"]))
        rows.append(("  plain pip install -t", "plain", series[f"{function}, plain"]))
        if before := series.get(f"{function}, before"):
            rows.append((f"  plain, at {revision}", "third", before))
    longest = max(quartiles(values)[2] for _, _, values in rows) * 1000
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    shapes = []
    for number, (name, kind, values) in enumerate(rows):
        first, middle, third = (value * 1000 * scale for value in quartiles(values))
        y = 50 + number * _BAR
        shapes += [
            _text(_LEFT - 8, y + 13, name, anchor="end"),
            f'<rect x="{_LEFT}" y="{y}" width="{middle:.1f}" height="18" fill="{_COLOURS[kind]}"/>',
            _line((_LEFT + first, y + 9), (_LEFT + third, y + 9), "#111827"),
            _text(_LEFT + third + 6, y + 13, f"{statistics.median(values) * 1000:.0f} ms"),
        ]
    title = "Cold start: new process to first answer; bars are medians, lines the quartiles"
    return _picture(title, machine, shapes, height=70 + len(rows) * _BAR)


def growing(sizes: Mapping[str, Mapping[str, Sequence[float]]], machine: str) -> str:
    """Draw the cost of each call relative to the same call in a store of the smallest size."""
    smallest = min(map(int, sizes))
    top, height, most = 60, 220, 1.6
    width = _WIDTH - _LEFT - _RIGHT

    def at(size: int, times: float) -> tuple[float, float]:
        share = math.log10(size / smallest) / math.log10(max(map(int, sizes)) / smallest)
        return _LEFT + share * width, top + height * (1 - min(times, most) / most)

    shapes = []
    for times in (0.0, 0.4, 0.8, 1.15, 1.6):
        _, y = at(smallest, times)
        colour = "#c0392b" if times == 1.15 else "#e5e7eb"  # the target
        shapes += [
            _line((_LEFT, y), (_LEFT + width, y), colour),
            _text(_LEFT - 8, y + 4, f"{times:g}", anchor="end"),
        ]
    shapes += [
        _text(at(int(size), 0)[0], top + height + 18, f"{int(size):,}", anchor="middle") for size in sizes
    ]
    names = {"signature": "ours", "ingestion": "third", "timer": "demo"}
    for number, (name, colour) in enumerate(names.items()):
        points = [
            at(int(size), statistics.median(it[name]) / statistics.median(it[f"{name} at {smallest}"]))
            for size, it in sizes.items()
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shapes += [
            f'<polyline points="{path}" fill="none" stroke="{_COLOURS[colour]}" stroke-width="2.5"/>',
            _text(_LEFT + 12 + number * 90, top + height - 12, name, colour=_COLOURS[colour]),
        ]
    title = (
        f"Cost of a call by the uploads kept, as times the cost at {smallest:,}; the red line is the target"
    )
    return _picture(title, machine, shapes, height=top + height + 40)


def over_time(
    title: str, note: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str
) -> str:
    """Draw lines over a common axis of time; `x` and `y` are the units of the axes."""
    top, height, width = 60, 240, _WIDTH - _LEFT - _RIGHT
    last = max(at for points in series.values() for at, _ in points)
    most = max(value for points in series.values() for _, value in points) or 1
    shapes = []
    for value in _ticks(most):
        line = top + height * (1 - value / most)
        shapes += [
            _line((_LEFT, line), (_LEFT + width, line), "#e5e7eb"),
            _text(_LEFT - 8, line + 4, f"{value:,g} {y}", anchor="end"),
        ]
    shapes += [
        _text(_LEFT + width * at / last, top + height + 18, f"{at:,g} {x}", anchor="middle")
        for at in _ticks(last)
    ]
    colours = (_COLOURS[name] for name in ("ours", "third", "demo"))
    for number, ((name, points), colour) in enumerate(zip(series.items(), colours, strict=False)):
        path = " ".join(
            f"{_LEFT + width * at / last:.1f},{top + height * (1 - value / most):.1f}" for at, value in points
        )
        shapes += [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            _text(_LEFT + 12, top + 16 + 16 * number, name, colour=colour),
        ]
    return _picture(title, note, shapes, height=top + height + 40)


def _ticks(most: float) -> list[float]:
    """Return round numbers from 0 to `most`, at most seven."""
    power = 10.0 ** math.floor(math.log10(most))
    step = next(power * share for share in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if most / (power * share) < 7)
    return [round(number * step, 6) for number in range(int(most / step) + 1)]


def _picture(title: str, machine: str, shapes: Iterable[str], *, height: int) -> str:
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f"{_text(12, 20, title, size=14)}\n{_text(12, 38, machine, colour='#6b7280')}\n{body}\n</svg>\n"
    )


def _text(  # noqa: PLR0913  # as many as a text has
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#111827", size: int = 12
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">'
        f"{escape(text)}</text>"
    )


def _line(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}" stroke-width="1.5"/>'
    )
