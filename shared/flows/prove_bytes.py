"""Prove the bytes of uploads whose request declared a digest: have VOD compute its own, and compare.

DescribeFileAttributes begins a task, whose result comes as an event of its own and is ingested as any other.
Where that event does not come, or does not name its upload, the task is read, and its result ingested as the
missed event, marked `reconciled`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from shared.domain.app_event import RECONCILED
from shared.domain.event_status import IngestOutcome
from shared.domain.ingested_event import Source
from shared.domain.session import LONGEST_CHECK_SECONDS, RETRY_SECONDS
from shared.errors import CallBudgetError, UnprocessableError, VodApiError
from shared.flows.verify_event import attributes_event
from shared.vod.context_token import UploadContext, seal
from shared.vod.notification import notification_from_pull

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from shared.domain.session import UploadSession
    from shared.flows.ingest_event import Ingester

    class AttributesApi(Protocol):
        """The calls of the VOD API that a proof needs."""

        def describe_file_attributes(
            self, file_id: str, *, session_context: str, sub_app_id: int | None, timeout_seconds: float
        ) -> str:
            """Have VOD compute the digests of a file's bytes; return the id of the task."""

        def attributes_task(
            self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
        ) -> dict[str, object]:
            """Read such a task; empty if VOD knows none of that id."""


BATCH = 2
"""The most uploads of a partition that are taken at a time."""
LEASE_SECONDS = 120
"""Longer than a run: what it has taken and not looked at is due again then."""
API_SECONDS = 5.0
BUDGET_SECONDS = 30
PROOF_SECONDS = 259_200
"""How long VOD is asked for the digests of a file, at growing intervals: at most 18 times.

As long as VOD knows a task (doc 266/39706): an outage of a day leaves several looks after it.
"""
_RUNNING = ("WAITING", "PROCESSING")


class Proofs(NamedTuple):
    """One run over the uploads whose proof is due.

    `own_sub_app_id` is the deployment's own sub-application, which no token names.
    """

    ingester: Ingester
    vod_api: Callable[[], AttributesApi]
    clock: Callable[[], float]
    new_lease: Callable[[], str]
    deadline: float
    own_sub_app_id: int | None = None

    def run(self) -> dict[str, int]:
        """Prove the uploads that are due, until none is or the time is up; return counts.

        Raises:
            StoreUnavailableError: the store did not answer; what was taken is due again when its lease ends.

        """
        store, figures = self.ingester.store, Counter(begun=0, reconciled=0, unproven=0, unanswered=0)
        while self.clock() < self.deadline:
            now = int(self.clock())
            sessions = store.take_proofs(now=now, limit=BATCH, lease_ends_at=now + LEASE_SECONDS)
            if not sessions:
                break
            for session in sessions:
                if self.clock() < self.deadline:
                    store.plan_proof(session, at=self._prove(session, figures))
        return dict(figures)

    def _prove(self, session: UploadSession, figures: Counter[str]) -> int | None:
        """Ingest the result if VOD has one, or begin a task; return the time of the next try (Unix seconds).

        None: the proof is over, or given up.
        """
        store, now = self.ingester.store, int(self.clock())
        age = now - (session.uploaded_at or now)
        is_last, grant = age >= PROOF_SECONDS, session.grant
        task_id = store.proof_task(session.user_id, session.upload_id)
        try:
            task = self._task(task_id, session) if task_id else {}
            event = notification_from_pull(attributes_event(task, self._token(session)))
            if {name for name, _ in event.digests if getattr(grant, name)}:
                ingested = self.ingester.ingest(event, Source(RECONCILED, now, lease=self.new_lease()))
                figures["reconciled"] += ingested.journaled.outcome is not IngestOutcome.DUPLICATE
                return None
            # VOD has ended, and computes no digest of the kind that was declared; or has never ended.
            is_last = bool(event.digests) or (is_last and task_id != "")
            if not is_last and task.get("Status") not in _RUNNING:
                store.keep_proof_task(session, self._begin(session))
                figures["begun"] += 1
        except CallBudgetError:
            return now + BUDGET_SECONDS
        except (VodApiError, UnprocessableError):
            # Nor can VOD be asked where the token does not fit, with a sub-application that it did not name.
            figures["unanswered"] += 1
        if is_last:
            figures["unproven"] += 1
            return None
        return now + min(max(RETRY_SECONDS, age), LONGEST_CHECK_SECONDS)

    def _task(self, task_id: str, session: UploadSession) -> dict[str, object]:
        application = session.grant.vod_sub_app_id
        task = self.vod_api().attributes_task(task_id, sub_app_id=application, timeout_seconds=API_SECONDS)
        return {**task, "FileId": session.file_id} if task else {}

    def _begin(self, session: UploadSession) -> str:
        return self.vod_api().describe_file_attributes(
            session.file_id,
            session_context=self._token(session),
            sub_app_id=session.grant.vod_sub_app_id,
            timeout_seconds=API_SECONDS,
        )

    def _token(self, session: UploadSession) -> str:
        settings, application = self.ingester.settings, session.grant.vod_sub_app_id
        elsewhere = application if application != self.own_sub_app_id else None
        context = UploadContext(session.upload_id, session.user_id, session.grant.context, elsewhere)
        return seal(context, keys=settings.context_keys, stage=settings.stage)
