"""Reconcile uploads with VOD: missed upload events, task flows without an event, and the ends of uploads.

VOD gives up a push after three sends and keeps a pulled event for four days. What VOD knows of an upload and
the journal lacks is ingested as the missed event, marked `reconciled`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from shared.domain.app_event import RECONCILED
from shared.domain.event_status import IngestOutcome
from shared.domain.ingested_event import Source
from shared.domain.session import is_final, is_forgotten, is_unused, next_check_at, retry_at
from shared.errors import VodApiError
from shared.flows.verify_event import started_under, upload_event
from shared.vod.context_token import UploadContext, unseal
from shared.vod.lenient_json import as_object, as_text
from shared.vod.notification import notification_from_pull
from shared.vod.notification_types import ENDED_STATUSES, PROCEDURE_STATE_CHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shared.domain.session import UploadSession
    from shared.flows.ingest_event import Ingester

    Event = Mapping[str, object]
    MissedEvents = Callable[["Library", Sequence[UploadSession]], list[Event]]

BATCH = 20
API_SECONDS = 5.0
SEARCH_LIMIT = 5000
"""SearchMedia lists no more than this for one search (266/31813); beyond it a new one begins."""
CLOCK_SKEW_SECONDS = 3600
"""How far the clock of the instance that began an upload may be off."""


class Library(Protocol):
    """The calls of the VOD API that reconciliation needs."""

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List one page of the media uploaded between two instants, the oldest first."""

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Read the state of a task flow; empty if VOD knows it no more."""

    def tasks_of_file(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List the tasks about a file, the oldest first."""


@dataclass(frozen=True)
class _Search:
    """A search for the uploads of one sub-application since an instant (Unix seconds)."""

    library: Library
    sub_app_id: int | None
    after: int


@dataclass(frozen=True)
class Reconciliation:
    """One run of reconciliation; without a `library` it only ends uploads of which nothing more will come."""

    ingester: Ingester
    library: Callable[[], Library] | None
    clock: Callable[[], float]
    new_lease: Callable[[], str]
    deadline: float

    def run(self) -> dict[str, int]:
        """Check every upload whose check is due; return counts of what was found.

        Raises:
            StoreUnavailableError: the store did not answer; the checks stay due.

        """
        figures: Counter[str] = Counter()
        sessions = self.ingester.store.uploads_to_check(now=int(self.clock()), limit=BATCH)
        figures["checked"] = len(sessions)
        unheard: dict[int | None, list[UploadSession]] = defaultdict(list)
        for session in sessions:
            # The events of a task flow may have come without the one of its upload.
            if session.uploaded_at is None or not session.procedure_task_id:
                unheard[session.grant.vod_sub_app_id].append(session)
        for of_one_application in unheard.values():
            self._reconcile(of_one_application, self._missed_uploads, figures)
        for session in sessions:
            if session.procedure_task_id and self.clock() < self.deadline:
                # One at a time: a failure for one task flow must not delay the others.
                self._reconcile([session], self._missed_ends, figures)
        return dict(figures)

    def _reconcile(
        self, sessions: Sequence[UploadSession], missed_events: MissedEvents, figures: Counter[str]
    ) -> None:
        now = int(self.clock())
        try:
            missed = [] if self.library is None else missed_events(self.library(), sessions)
        except VodApiError:
            for session in sessions:
                self._schedule_retry(session, now)
            figures["unanswered"] += len(sessions)
            return
        for event in missed:
            source = Source(RECONCILED, now, lease=self.new_lease())
            ingested = self.ingester.ingest(notification_from_pull(event), source)
            figures["reconciled"] += ingested.journaled.outcome is not IngestOutcome.DUPLICATE
        for session in sessions:
            figures["expired"] += self._schedule_check(session, now)

    def _schedule_check(self, known: UploadSession, now: int) -> bool:
        """Schedule the next check, or end the upload; True if it was ended."""
        store = self.ingester.store
        session = store.find_upload(known.user_id, known.upload_id)
        if is_unused(session, now=now):
            ingested = self.ingester.expire(session, now=now, lease=self.new_lease())
            return ingested.journaled.outcome is IngestOutcome.APPLIED
        if self.library is None and is_forgotten(session, now=now):
            self.ingester.forget(session, now=now, lease=self.new_lease())
            return False
        store.check_again(session, at=next_check_at(session, now=now))
        return False

    def _schedule_retry(self, session: UploadSession, now: int) -> None:
        """Schedule another check of an upload about which VOD did not answer, or end its task flow."""
        if is_forgotten(session, now=now):
            self.ingester.forget(session, now=now, lease=self.new_lease())
        else:
            self.ingester.store.check_again(session, at=retry_at(session, now=now))

    def _missed_uploads(self, library: Library, sessions: Sequence[UploadSession]) -> list[Event]:
        """Return the events of all files that VOD has of these uploads, known or not.

        All are of one sub-application.
        """
        wanted = {session.upload_id: session for session in sessions}
        search = _Search(
            library,
            sub_app_id=sessions[0].grant.vod_sub_app_id,
            after=min(session.issued_at for session in sessions) - CLOCK_SKEW_SECONDS,
        )
        return [
            upload_event(media, self._tasks(library, wanted[upload_id], media))
            for upload_id, media in self._uploads_found(search)
            if upload_id in wanted
        ]

    def _tasks(self, library: Library, session: UploadSession, media: Mapping[str, object]) -> dict[str, str]:
        """Query which tasks an upload started, which the list of files lacks: task ids by kind."""
        if session.grant.procedure is None:
            return {}
        try:
            tasks = library.tasks_of_file(
                as_text(media.get("FileId")),
                sub_app_id=session.grant.vod_sub_app_id,
                timeout_seconds=API_SECONDS,
            )
        except VodApiError:
            # The upload itself is certain, and must not wait for its task flow.
            return {}
        return started_under(_token_in(media), tasks)

    def _missed_ends(self, library: Library, sessions: Sequence[UploadSession]) -> list[Event]:
        """Return the events of those of these uploads' task flows that have finished.

        Raises:
            VodApiError: VOD did not answer, or does not know a task flow.

        """
        tasks = [
            library.procedure_task(
                session.procedure_task_id,
                sub_app_id=session.grant.vod_sub_app_id,
                timeout_seconds=API_SECONDS,
            )
            for session in sessions
            if not is_final(session, now=int(self.clock()))
        ]
        if not all(tasks):
            raise VodApiError("VOD does not know the task flow.")
        return [
            {"EventType": PROCEDURE_STATE_CHANGED, "ProcedureStateChangeEvent": task}
            for task in tasks
            if task.get("Status") in ENDED_STATUSES
        ]

    def _uploads_found(self, search: _Search) -> Iterator[tuple[str, dict[str, object]]]:
        """List the files uploaded since then under a seal of ours, with their upload ids."""
        settings = self.ingester.settings
        for media in self._media_found(search):
            context = unseal(_token_in(media), keys=settings.context_keys, stage=settings.stage)
            if isinstance(context, UploadContext):
                yield context.upload_id, media

    def _media_found(self, search: _Search) -> Iterator[dict[str, object]]:
        since, before, offset = _iso(search.after), _iso(int(self.clock()) + CLOCK_SKEW_SECONDS), 0
        while page := self._page(search, since, before, offset):
            yield from page
            offset += len(page)
            if offset >= SEARCH_LIMIT:
                since, offset = as_text(as_object(page[-1].get("BasicInfo")).get("CreateTime")), 0

    def _page(self, search: _Search, since: str, before: str, offset: int) -> tuple[dict[str, object], ...]:
        if self.clock() >= self.deadline:
            # An upload must not expire because the list of files was cut short.
            raise VodApiError("The time was up before all uploads were listed.")
        return search.library.uploads_created(
            after=since,
            before=before,
            offset=offset,
            sub_app_id=search.sub_app_id,
            timeout_seconds=API_SECONDS,
        )


def _token_in(media: Mapping[str, object]) -> str:
    source = as_object(as_object(media.get("BasicInfo")).get("SourceInfo"))
    return as_text(source.get("SourceContext"))


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
