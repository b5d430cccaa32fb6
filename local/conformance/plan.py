"""What a run will do and cost, as text to be read before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.conformance.question import objection
from local.conformance.uploads import CLIP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.conformance.account import Permissions
    from local.conformance.question import Question


def plan(questions: Sequence[Question], permissions: Permissions, *, has_receiver: bool) -> str:
    """Return how many questions will be asked, what they cost together, and why others will not be."""
    reasons = [objection(one, permissions, has_receiver=has_receiver) for one in questions]
    asked = [one.cost for one, reason in zip(questions, reasons, strict=True) if not reason]
    uploads, seconds = sum(cost.uploads for cost in asked), sum(cost.seconds for cost in asked)
    flows = sum(cost.processing for cost in asked)
    lines = [f"Asks {len(asked)} of {len(questions)} questions."]
    if uploads:
        size = round(len(CLIP) / 1024)
        lines.append(f"Files that are stored, and deleted at the end: {uploads}, each of {size} KiB.")
    if flows:
        lines.append(f"Files that {permissions.procedure} processes, at VOD's price: {flows}.")
    if any(cost.events for cost in asked):
        lines.append(
            "Sets the event configuration, and puts it back; pulls the queue, and confirms its own events."
        )
    if seconds:
        lines.append(f"Waits for expiries: {seconds} s.")
    options = [reason.rpartition("(")[2].rstrip(")") for reason in reasons if reason]
    lines += [f"Not asked without {option}: {options.count(option)}." for option in dict.fromkeys(options)]
    return "\n".join([*lines, ""])
