"""Journal events about an upload that do not come from VOD: each once, by a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.app_event import ENFORCEMENT, EXPIRY, RECONCILED, AppEvent, event_id_for
from shared.domain.event_status import Verdict
from shared.domain.session import Facts, UploadSession, expiry_facts, facts_of
from shared.vod.context_token import UploadContext
from shared.vod.notification import notification_from_pull
from shared.vod.notification_types import FORGOTTEN, PROCEDURE_STATE_CHANGED, EventNotification

if TYPE_CHECKING:
    from shared.domain.ingested_event import IngestedEvent
    from shared.domain.rejection import Rejection
    from shared.flows.ingest_event import Ingester

_NOTHING = EventNotification(event_type="", wire_format="unknown", raw={})


def expire(ingester: Ingester, session: UploadSession, *, now: int, lease: str) -> IngestedEvent:
    """End an unused upload; the outcome is `superseded` if it was used or cancelled in the meantime.

    Raises:
        StoreUnavailableError: the store did not answer; the next check of the upload will end it.

    """
    name = f"expiry-{session.upload_id}"
    event = _event(name, session, _NOTHING, origin=EXPIRY, now=now)
    return ingester.journal_own(name, event, expiry_facts(now=now), lease=lease)


def forget(ingester: Ingester, session: UploadSession, *, now: int, lease: str) -> IngestedEvent:
    """End the task flow of an upload, of whose end nothing was heard and VOD cannot be asked any more.

    The event is in VOD's form, and not VOD's: it is not verified.

    Raises:
        StoreUnavailableError: the store did not answer; the next check of the upload will end it.

    """
    name = f"forgotten-{session.upload_id}"
    flow = {"TaskId": session.procedure_task_id, "FileId": session.file_id, "Status": FORGOTTEN}
    raw = {"EventType": PROCEDURE_STATE_CHANGED, "ProcedureStateChangeEvent": flow}
    notification = notification_from_pull(raw)
    event = _event(name, session, notification, origin=RECONCILED, now=now)
    return ingester.journal_own(name, event, facts_of(notification, received_at=now), lease=lease)


def reject(
    ingester: Ingester, session: UploadSession, rejection: Rejection, *, now: int, lease: str
) -> IngestedEvent:
    """Journal once what was done with a file beyond its policy.

    Raises:
        StoreUnavailableError: the store did not answer; the event may or may not be journaled.

    """
    name = f"rejected-{session.upload_id}.{rejection.file_id}"
    event = _event(name, session, _NOTHING, origin=ENFORCEMENT, now=now)._replace(rejection=rejection)
    return ingester.journal_own(name, event, Facts(rejection.file_id), lease=lease)


def _event(
    name: str, session: UploadSession, notification: EventNotification, *, origin: str, now: int
) -> AppEvent:
    """Return the event of an upload."""
    return AppEvent(
        event_id=event_id_for(name),
        notification=notification,
        uploader=UploadContext(session.upload_id, session.user_id, session.grant.context),
        verdict=Verdict.ATTRIBUTED,
        verified=origin != RECONCILED,
        sequence=0,
        received_at=now,
        origin=origin,
    )
