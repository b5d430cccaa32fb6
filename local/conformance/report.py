"""Format the outcomes of a run for people and for programs, and record them as fixtures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.conformance.examination import Verdict
from local.terminal_text import printable, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from local.conformance.cleanup import Removal
    from local.conformance.examination import Outcome
    from local.conformance.question import Question
    from local.conformance.redaction import Redactor

_MOST_DIFFERENCES = 12
_WIDTH = max(map(len, Verdict))


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many questions have each verdict."""
    verdicts = [outcome.verdict for outcome in outcomes]
    return {verdict.value: verdicts.count(verdict) for verdict in Verdict}


def text(outcomes: Sequence[Outcome], removal: Removal) -> str:
    """Return the report as lines, the differences below their question."""
    lines = [line for outcome in outcomes for line in _lines(outcome)]
    counted = ", ".join(f"{number} {verdict}" for verdict, number in counts(outcomes).items())
    return "\n".join([*lines, "", f"{counted}.", removed(removal)])


def removed(removal: Removal) -> str:
    """Return what was deleted and what is left behind, as lines."""
    left = "".join(f"  {printable(what)}\n" for what in removal.leftovers)
    return f"Deleted {removal.deleted} media.{' Left behind:' * bool(left)}\n{left}"


def document(outcomes: Sequence[Outcome], removal: Removal, redactor: Redactor) -> dict[str, Any]:
    """Return the report as a JSON document; what is left behind has its real id."""
    return {
        "counts": counts(outcomes),
        "questions": [_entry(outcome, redactor) for outcome in outcomes],
        "deleted": removal.deleted,
        "leftBehind": list(removal.leftovers),
    }


def record(folder: Path, outcomes: Sequence[Outcome], redactor: Redactor) -> None:
    """Write one file for each question that was asked into a folder: both answers, and what VOD said.

    Raises:
        OSError: a file cannot be written.

    """
    for outcome in outcomes:
        if outcome.verdict is Verdict.NOT_ASKED:
            continue
        entry = _entry(outcome, redactor) | {"exchanges": redactor.redacted(outcome.real.exchanges)}
        file = folder / f"{outcome.question.id}.json"
        file.write_text(json.dumps(entry, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def listing(questions: Iterable[Question]) -> str:
    """Return the questions as a table."""
    rows = [
        {
            "id": question.id,
            "costs": question.cost.words(),
            "settles": question.concerns,
            "asks": question.asks,
        }
        for question in questions
    ]
    return table_of(rows, ("id", "costs", "settles", "asks"), shorten=("costs", "settles", "asks"))


def _entry(outcome: Outcome, redactor: Redactor) -> dict[str, Any]:
    question = outcome.question
    return {
        "id": question.id,
        "asks": question.asks,
        "source": question.source,
        "settles": question.concerns,
        "verdict": outcome.verdict.value,
        "reason": redactor.redacted_facts(outcome.reason) or None,
        "differences": [
            {"path": one.path, "vod": redactor.redacted_facts(one.real), "simulator": one.simulated}
            for one in outcome.differences
        ],
        "answer": redactor.redacted_facts(outcome.real.answer),
        "simulated": outcome.simulated.answer,
    }


def _lines(outcome: Outcome) -> list[str]:
    head = f"{outcome.verdict.value:<{_WIDTH}}  {outcome.question.id}"
    if outcome.reason:
        return [f"{head}: {printable(outcome.reason)}"]
    if not outcome.differences:
        return [head]
    shown = [
        f"{'':<{_WIDTH}}    {one.path}: VOD {_shown(one.real)}, the simulator {_shown(one.simulated)}"
        for one in outcome.differences[:_MOST_DIFFERENCES]
    ]
    more = len(outcome.differences) - len(shown)
    rest = [f"{'':<{_WIDTH}}    and {more} more (--json)"] if more else []
    return [f"{head} ({outcome.question.concerns})", *shown, *rest]


def _shown(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
