"""`events retry`: make events due at once, one by one or all of a state; the timer delivers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.event_status import EventStatus
from shared.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from local.operator.event_store import KeptEvent, OperatorStore

RETRIABLE = (EventStatus.DEAD, EventStatus.DUE, EventStatus.HELD, EventStatus.KEPT, EventStatus.DELIVERED)
_SHOWN = 20
BYTES_GONE = "was delivered, and its bytes are gone after DELIVERED_RETENTION_SECONDS"
_REFUSALS = {
    EventStatus.QUARANTINED: "is quarantined, and never delivered",
    EventStatus.PARKED: "is parked: give the output of `events show --json --full` to `events replay`",
}


@dataclass
class RetryReport:
    """The events that are due now, or would be; `refused` says of the others why not."""

    dry_run: bool
    events: list[dict[str, str]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """True if everything that was asked for is done."""
        return not self.refused and not self.stopped

    def document(self) -> dict[str, object]:
        """Return the report as a JSON document."""
        return {
            "dryRun": self.dry_run,
            "events": self.events,
            "refused": self.refused,
            "stopped": self.stopped or None,
        }

    def text(self) -> str:
        """Return the report as text."""
        lines = [f"{event['id']}  {event['was']}" for event in self.events[:_SHOWN]]
        if len(self.events) > _SHOWN:
            lines.append(f"and {len(self.events) - _SHOWN} more")
        noun = "event" if len(self.events) == 1 else "events"
        if self.dry_run:
            lines.append(f"{len(self.events)} {noun} would be due at once.")
            lines.append("Nothing was changed: --yes does it.")
        else:
            lines.append(f"{len(self.events)} {noun} due now: the timer delivers, at the rate that is set.")
        return "".join(f"{line}\n" for line in lines)

    def complaints(self) -> list[str]:
        """Return a sentence for each thing that could not be done."""
        sentences = [f"{refusal['id']} {refusal['problem']}." for refusal in self.refused]
        return [*sentences, self.stopped] if self.stopped else sentences


@dataclass(frozen=True)
class Retry:
    """One retry, as of `now` (Unix seconds)."""

    store: OperatorStore
    now: int
    dry_run: bool

    def run_by_id(self, event_ids: Sequence[str]) -> RetryReport:
        """Revive the events with these ids; each may be the unambiguous beginning of one.

        Raises:
            StoreUnavailableError: while searching for them; nothing is changed then.

        """
        report = RetryReport(self.dry_run)
        named = [self._named(event_id, report) for event_id in event_ids]
        events = {event.at: event for event in named if event is not None}
        return self._revive_all(tuple(events.values()), report, _no_progress)

    def run(self, events: Iterable[KeptEvent], progress: Callable[[int, int], None]) -> RetryReport:
        """Revive all of these, the oldest first.

        `progress` is called after each event with the events done and their total.

        Raises:
            StoreUnavailableError: while searching for them; nothing is changed then.

        """
        return self._revive_all(tuple(events)[::-1], RetryReport(self.dry_run), progress)

    def _revive_all(
        self, events: Sequence[KeptEvent], report: RetryReport, progress: Callable[[int, int], None]
    ) -> RetryReport:
        try:
            for count, event in enumerate(events, 1):
                problem = self._revive(event)
                if problem:
                    report.refused.append({"id": event.event_id, "problem": problem})
                else:
                    report.events.append({"id": event.event_id, "was": event.status.value})
                progress(count, len(events))
        except StoreUnavailableError as error:
            left = len(events) - len(report.events) - len(report.refused)
            report.stopped = f"{error.detail} Not reached: {left}."
        return report

    def _named(self, event_id: str, report: RetryReport) -> KeptEvent | None:
        try:
            return only_event(self.store, event_id)
        except LookupError as error:
            report.refused.append({"id": event_id, "problem": str(error)})
            return None

    def _revive(self, event: KeptEvent) -> str:
        """Revive one event; return why that is not possible, in words that continue after its id."""
        if event.status in _REFUSALS:
            return _REFUSALS[event.status]
        if not event.has_bytes:
            return BYTES_GONE
        if self.dry_run or self.store.revive(event.at, now=self.now):
            return ""
        return "is gone, or was quarantined meanwhile"


def only_event(store: OperatorStore, event_id: str) -> KeptEvent:
    """Return the one event whose id is, or begins with, `event_id`.

    Raises:
        LookupError: there is none, or more than one; the message continues after the id.
        StoreUnavailableError: the store did not answer.

    """
    found = store.with_id(event_id, limit=2)
    if not found:
        raise LookupError("names no event that is kept")
    if len(found) > 1:
        raise LookupError("is the beginning of more than one id")
    return found[0]


def _no_progress(_done: int, _total: int) -> None:
    """Ignore the progress: events named one by one are few."""
