"""That events lead to the same state in whatever order they come, through the real store.

That it is the state of a model, whatever else happens, is shown in tests/reliability/test_upload_machine.py.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from shared.domain.session import UploadSession, state_of
from tests.shared.uploads import FILE_ID, NOW, TASK_ID, changed, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.store.journal import Store

NOTHING_MORE: dict[str, object] = {
    "EventType": "ReviewAudioVideoComplete",
    "ReviewAudioVideoCompleteEvent": {"FileId": FILE_ID},
}
STORED = uploaded(task_id=TASK_ID)
STARTED = changed(status="PROCESSING", subtask="PROCESSING", progress=5)
HALFWAY = changed(status="PROCESSING", subtask="PROCESSING", progress=50)


def after(store: Store, events: tuple[Mapping[str, object], ...]) -> UploadSession:
    """Journal the events in this order, and return the session without its id."""
    session = new_session()
    for event in events:
        entry = new_entry(session, facts_in(event))
        store.journal(entry, endpoint="", now=NOW, next_attempt_at=None)
    return store.find_upload(session.user_id, session.upload_id)._replace(upload_id="")


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize(
    ("events", "state", "progress"),
    [
        ((STORED, STARTED, HALFWAY, NOTHING_MORE), "processing", 50),
        ((STORED, STARTED, HALFWAY, changed(subtask="SUCCESS")), "ready", 100),
        ((STORED, STARTED, HALFWAY, changed(subtask="FAIL"), NOTHING_MORE), "failed", 100),
    ],
    ids=["running", "ready", "failed"],
)
def test_every_order_of_events_ends_in_the_same_state(
    store: Store, events: tuple[Mapping[str, object], ...], state: str, progress: int
) -> None:
    """Four or five events of one upload, in every order, leave the same session behind (R5).

    Without its end, a task flow is as far as its furthest report.
    """
    session, *others = [after(store, order) for order in permutations(events)]

    assert all(other == session for other in others)
    assert (state_of(session, now=NOW).value, session.sequence) == (state, len(events))
    assert session.procedure is not None
    assert session.procedure.subtasks[0].progress == progress
