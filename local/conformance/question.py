"""The declaration of a question, and what stands in the way of asking it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.conformance.account import Permissions
    from local.conformance.shapes import Answer
    from local.conformance.subject import Subject

    Ask = Callable[[Subject], Answer]


@dataclass(frozen=True)
class Cost:
    """What a question costs where VOD is real: files stored, until the run ends, and seconds of waiting.

    `events`: it changes the event configuration and takes events off the queue; `pushes`: VOD has to reach
    this machine; `processing`: a task flow processes a file.
    """

    uploads: int = 0
    seconds: int = 0
    events: bool = False
    pushes: bool = False
    processing: bool = False

    @property
    def is_free(self) -> bool:
        """Return whether it leaves nothing, not even for a while."""
        return not (self.uploads or self.events or self.processing)

    def words(self) -> str:
        """Return the cost as a short text."""
        parts = [
            f"{self.uploads} upload{'s' * (self.uploads > 1)}" if self.uploads else "",
            f"waits {self.seconds} s" if self.seconds else "",
            "event configuration" if self.events else "",
            "task flow" if self.processing else "",
        ]
        return ", ".join(filter(None, parts)) or "nothing"


FREE = Cost()


@dataclass(frozen=True)
class Question:
    """One question: what is asked, the document or client that leaves it open, and what it costs.

    `concerns` is the switch or the part of the simulator that the answer settles.
    """

    id: str
    asks: str
    source: str
    concerns: str
    cost: Cost
    ask: Ask


class Questions(list[Question]):
    """Questions of one subject matter, in the order in which they are asked."""

    def declare(
        self, name: str, asks: str, *, source: str, concerns: str, cost: Cost = FREE
    ) -> Callable[[Ask], Ask]:
        """Return a decorator that adds a question, which its function asks."""

        def add(ask: Ask) -> Ask:
            self.append(Question(name, asks, source, concerns, cost, ask))
            return ask

        return add


def objection(question: Question, permissions: Permissions, *, has_receiver: bool) -> str:
    """Return why a question may not be asked, with the option that would allow it; empty if it may."""
    cost = question.cost
    if not cost.is_free and not permissions.cost:
        return f"it costs: {cost.words()} (--yes)"
    if cost.events and not permissions.set_events:
        return "the event configuration may not be changed (--set-events)"
    if cost.pushes and not has_receiver:
        return "no push URL was given (--push-url)"
    if cost.seconds > permissions.wait:
        return "it waits too long (--wait)"
    if cost.processing and not permissions.procedure:
        return "no procedure was given (--procedure)"
    return ""
