"""`events replay`: ingest the events of log lines, as if they were pushed again.

`local.operator.logged_events` finds the lines that hold an event; the timer delivers what was ingested.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.operator.logged_events import LoggedEvent, PassedOver, UnreadableLine, read_lines
from local.terminal_text import printable
from shared.domain.app_event import PUSH, event_id_for
from shared.domain.event_status import IngestOutcome, Verdict
from shared.domain.ingested_event import Source, classify, journal_name
from shared.errors import ServiceError, StoreUnavailableError
from shared.flows.ingest_event import Ingester

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.operator.event_store import OperatorStore
    from shared.config.settings import IngestSettings
    from shared.store.journal import Store


@dataclass
class ReplayReport:
    """The outcome of each line, actual or predicted; `stopped` says why the run ended early."""

    dry_run: bool
    outcomes: list[dict[str, str]] = field(default_factory=list)
    unreadable: list[UnreadableLine] = field(default_factory=list)
    passed_over: int = 0
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """True if no line failed."""
        return not self.unreadable and not self.stopped

    def document(self) -> dict[str, object]:
        """Return the report as a JSON document."""
        return {
            "dryRun": self.dry_run,
            "events": self.outcomes,
            "unreadable": [{"place": line.place, "problem": line.problem} for line in self.unreadable],
            "passedOver": self.passed_over,
            "stopped": self.stopped or None,
        }

    def text(self) -> str:
        """Return the report as text."""
        would = "would be " if self.dry_run else ""
        lines = [
            f"{e['place']}  {e['id']}  {printable(e['type'])}: {would}{e['outcome']}" for e in self.outcomes
        ]
        counts = Counter(event["outcome"] for event in self.outcomes)
        figures = [f"{count} {would}{outcome}" for outcome, count in sorted(counts.items(), reverse=True)]
        figures.append(f"{self.passed_over} other {'line' if self.passed_over == 1 else 'lines'} passed over")
        lines.append(f"Events: {', '.join(figures)}.")
        if self.dry_run:
            lines.append("Nothing was changed: --yes does it.")
        return "".join(f"{line}\n" for line in lines)

    def complaints(self) -> list[str]:
        """Return a sentence for each thing that could not be done."""
        sentences = [f"{line.place.capitalize()} cannot be read: {line.problem}." for line in self.unreadable]
        return [*sentences, self.stopped] if self.stopped else sentences


@dataclass(frozen=True)
class Replay:
    """One replay; `clock` returns Unix seconds, `new_lease` a random lease."""

    store: Store
    operator_store: OperatorStore
    settings: IngestSettings
    clock: Callable[[], float]
    new_lease: Callable[[], str]
    foretold: set[str] = field(default_factory=set)

    def run(self, content: bytes, *, dry_run: bool, progress: Callable[[int, int], None]) -> ReplayReport:
        """Ingest the events of a file, or only predict the outcomes.

        `progress` is called after each line with the lines done and their total.
        """
        report = ReplayReport(dry_run)
        see_to = self._foretell if dry_run else self._ingest
        lines = list(read_lines(content))
        try:
            for done, line in enumerate(lines, 1):
                self._see_to(line, see_to, report)
                progress(done, len(lines))
        except StoreUnavailableError as error:
            report.stopped = f"{error.detail} What was put in stays in once, so run it again."
        return report

    def _see_to(
        self,
        line: LoggedEvent | UnreadableLine | PassedOver,
        see_to: Callable[[LoggedEvent], Mapping[str, str]],
        report: ReplayReport,
    ) -> None:
        if isinstance(line, PassedOver):
            report.passed_over += 1
        elif isinstance(line, UnreadableLine):
            report.unreadable.append(line)
        else:
            try:
                told = see_to(line)
            except StoreUnavailableError:
                raise
            except (ServiceError, ValueError, TypeError, KeyError) as error:
                # The same failures for which a pulled event is parked: it alone is at fault.
                report.unreadable.append(UnreadableLine(line.place, f"not taken in ({type(error).__name__})"))
            else:
                kind = line.notification.event_type or "Unknown"
                report.outcomes.append({"place": line.place, "type": kind, **told})

    def _ingest(self, line: LoggedEvent) -> Mapping[str, str]:
        """Ingest an event, with the line's time of receipt so that it does not count as late."""
        now = int(self.clock())
        told = line.received_at
        # What is older than anything kept would be out of the journal at once, so it counts as new.
        is_kept = told is not None and now - self.settings.retention_seconds < told <= now
        received_at = told if told is not None and is_kept else now
        # Not trusted more than a push: the read-back decides, for a file proves nothing.
        source = Source(PUSH, received_at, lease=self.new_lease())
        ingested = Ingester(self.store, self.settings).ingest(line.notification, source)
        outcome = ingested.journaled.outcome
        if outcome is IngestOutcome.OVER_BUDGET:
            return {"id": ingested.event.event_id, "outcome": outcome.value}
        is_known = outcome is IngestOutcome.DUPLICATE
        return _told(ingested.event.event_id, ingested.event.verdict, is_known=is_known)

    def _foretell(self, line: LoggedEvent) -> Mapping[str, str]:
        """Predict the outcome of a line; a legacy task-flow event may still prove to be a duplicate."""
        settings = self.settings
        context, verdict = classify(line.notification, keys=settings.context_keys, stage=settings.stage)
        event_id = event_id_for(journal_name(line.notification, context))
        # VOD sends up to three times what is not answered, so one file often has an event more than once.
        is_known = event_id in self.foretold or bool(self.operator_store.with_id(event_id, limit=1))
        self.foretold.add(event_id)
        return _told(event_id, verdict, is_known=is_known)


def content_of(file: Path) -> bytes:
    """Return the content of a file, or of standard input if it is called `-`.

    Raises:
        OSError: it cannot be read.

    """
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


def _told(event_id: str, verdict: Verdict, *, is_known: bool) -> Mapping[str, str]:
    new = "quarantined" if verdict is Verdict.QUARANTINED else "taken in"
    return {"id": event_id, "outcome": "known already" if is_known else new}
