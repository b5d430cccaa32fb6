"""Reconcile uploads with VOD: missed upload events, task flows without an event, and the ends of uploads.

VOD gives up a push after three sends and keeps a pulled event for four days. What VOD knows of an upload and
the journal lacks is ingested as the missed event, marked `reconciled`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.app_event import RECONCILED
from shared.domain.event_status import IngestOutcome
from shared.domain.ingested_event import Source
from shared.domain.session import ended_at, is_final, is_forgotten, is_unused, next_check_at, retry_at
from shared.errors import NotFoundError, UnreadableRecordError, VodApiError
from shared.flows import own_events
from shared.vod.notification import notification_from_pull
from shared.vod.notification_types import ENDED_STATUSES, PROCEDURE_STATE_CHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from shared.domain.session import UploadSession
    from shared.flows.ingest_event import Ingester
    from shared.flows.tail_uploads import MediaList

    class Library(MediaList, Protocol):
        """The calls of the VOD API that reconciliation needs."""

        def procedure_task(
            self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
        ) -> dict[str, object]:
            """Read the state of a task flow; empty if VOD knows it no more."""


BATCH = 20
API_SECONDS = 5.0
_OF_NO_USE = (NotFoundError, UnreadableRecordError)
"""What a record meets that was erased, or damaged, since the run read it; the next run sees to its check."""


class Reconciliation(NamedTuple):
    """One run of reconciliation; without a `library` it only ends uploads of which nothing more will come.

    `own_sub_app_id` is the deployment's own sub-application, whose list is the one under None.
    """

    ingester: Ingester
    library: Callable[[], Library] | None
    clock: Callable[[], float]
    new_lease: Callable[[], str]
    deadline: float
    own_sub_app_id: int | None = None

    def run(self) -> dict[str, int]:
        """Read VOD's lists of media on, and check every upload whose check is due; return counts.

        Raises:
            StoreUnavailableError: the store did not answer; the checks stay due.

        """
        sessions = self.ingester.store.uploads_to_check(now=int(self.clock()), limit=BATCH)
        figures = Counter(checked=len(sessions), reconciled=0, expired=0)
        listed_until = self._read_lists(sessions, figures)
        for session in sessions:
            if session.procedure_task_id == "":
                with suppress(*_OF_NO_USE):
                    figures["expired"] += self._check_end(session, listed_until)
        for session in sessions:
            if session.procedure_task_id != "" and self.clock() < self.deadline:
                # One at a time: a failure for one task flow must not delay the others.
                with suppress(*_OF_NO_USE):
                    self._check_task_flow(session, figures)
        return dict(figures)

    def _read_lists(
        self, sessions: Sequence[UploadSession], figures: Counter[str]
    ) -> Mapping[int | None, int]:
        """Read the lists on; return until which time (Unix seconds), by sub-application."""
        if self.library is None:
            return {}
        from shared.flows.tail_uploads import UploadTails  # noqa: PLC0415 -- a start without read-back does without

        applications = set(filter(None, map(self._list_of, sessions)))
        if applications:
            self.ingester.store.add_applications(applications, now=int(self.clock()))
        return UploadTails(
            self.ingester, self.library(), self.clock, self.new_lease, self.deadline, figures
        ).run()

    def _list_of(self, session: UploadSession) -> int | None:
        """Return the sub-application whose list has an upload; None: the deployment's own."""
        application = session.grant.vod_sub_app_id
        return None if application == self.own_sub_app_id else application

    def _check_end(self, known: UploadSession, listed_until: Mapping[int | None, int]) -> bool:
        """End an unused upload, if VOD's list was read until after its end; True if it was ended."""
        store, now = self.ingester.store, int(self.clock())
        session = store.find_upload(known.user_id, known.upload_id)
        # Without read-back the clock alone ends it.
        read_until = listed_until.get(self._list_of(session), ended_at(session))
        if is_unused(session, now=now) and read_until >= ended_at(session):
            ingested = own_events.expire(self.ingester, session, now=now, lease=self.new_lease())
            return ingested.journaled.outcome is IngestOutcome.APPLIED
        store.check_again(session, at=next_check_at(session, now=now, listed_until=read_until))
        return False

    def _check_task_flow(self, known: UploadSession, figures: Counter[str]) -> None:
        """Ingest the end of a task flow of which no event came, or schedule another check of it."""
        store, now = self.ingester.store, int(self.clock())
        try:
            ended = self._ended_task(known, now=now)
        except VodApiError:
            figures["unanswered"] += 1
            if is_forgotten(known, now=now):
                own_events.forget(self.ingester, known, now=now, lease=self.new_lease())
            else:
                store.check_again(known, at=retry_at(known, now=now))
            return
        if ended:
            event = {"EventType": PROCEDURE_STATE_CHANGED, "ProcedureStateChangeEvent": ended}
            source = Source(RECONCILED, now, lease=self.new_lease())
            ingested = self.ingester.ingest(notification_from_pull(event), source)
            figures["reconciled"] += ingested.journaled.outcome is not IngestOutcome.DUPLICATE
        session = store.find_upload(known.user_id, known.upload_id)
        if self.library is None and is_forgotten(session, now=now):
            own_events.forget(self.ingester, session, now=now, lease=self.new_lease())
        else:
            store.check_again(session, at=next_check_at(session, now=now, listed_until=now))

    def _ended_task(self, session: UploadSession, *, now: int) -> dict[str, object]:
        """Return the state of an upload's task flow if that has finished; empty if it has not.

        Raises:
            VodApiError: VOD did not answer, or does not know the task flow.

        """
        if self.library is None or is_final(session, now=now):
            return {}
        task = self.library().procedure_task(
            session.procedure_task_id,
            sub_app_id=session.grant.vod_sub_app_id,
            timeout_seconds=API_SECONDS,
        )
        if not task:
            raise VodApiError("VOD does not know the task flow.")
        return task if task.get("Status") in ENDED_STATUSES else {}
