"""The plan for people and for programs: a table, or JSON. Neither holds a value of a setting."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.deploy.by_api.change import Change
    from local.deploy.by_api.reconcile import Plan

_EACH = ("version", "alias live")
"""What a release changes of every function alike: one row for all of them."""
_HEAD = "| Function | What | | Before | After | Why |\n|---|---|---|---|---|---|\n"


def plan_table(planned: Plan, release: str) -> str:
    """Return the plan as a table in Markdown; a sentence if there is nothing to change."""
    if not planned.changes:
        return f"Nothing to change: release {release} is deployed as serverless.yml and the settings say.\n"
    return f"Release {release}:\n\n{_HEAD}" + "".join(map(_row, _together(planned.changes)))


def plan_json(planned: Plan, release: str, stage: str) -> str:
    """Return the plan as JSON, a change for each function."""
    urls = {
        key: {it.qualifier: it.url for it in listed if it.url} for key, listed in planned.triggers.items()
    }
    document = {
        "stage": stage,
        "release": release,
        "live": planned.live,
        "changes": [asdict(change) for change in planned.changes],
        "urls": {key: found for key, found in urls.items() if found},
    }
    return json.dumps(document, indent=2) + "\n"


def _together(changes: tuple[Change, ...]) -> Iterator[tuple[str, Change]]:
    """Yield the functions of a row, and the row; the rows of a release come last."""
    yield from ((f"`{change.function}`", change) for change in changes if change.subject not in _EACH)
    alike: Mapping[tuple[str, ...], list[Change]] = {}
    for change in changes:
        if change.subject in _EACH:
            same = (change.subject, change.action, change.before, change.after)
            alike = {**alike, same: [*alike.get(same, []), change]}
    for rows in alike.values():
        named = f"`{rows[0].function}`" if len(rows) == 1 else f"{len(rows)} functions"
        yield named, rows[0]


def _row(row: tuple[str, Change]) -> str:
    functions, change = row
    cells = (functions, change.subject, change.action, change.before, change.after, change.why)
    return "| " + " | ".join(cells) + " |\n"
