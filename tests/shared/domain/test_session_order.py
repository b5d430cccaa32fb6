"""Events lead to the same state in any order, through the real store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count, permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.session import Facts, UploadSession, UploadState, state_of
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.shared.uploads import (
    FILE_ID,
    NOW,
    OTHER_FILE_ID,
    SESSION_SECONDS,
    TASK_ID,
    changed,
    facts_in,
    new_entry,
    new_session,
    uploaded,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.stack.embedded_store import EmbeddedStore

NOTHING_MORE = {"EventType": "ReviewAudioVideoComplete", "ReviewAudioVideoCompleteEvent": {"FileId": FILE_ID}}
STARTED = changed(status="PROCESSING", subtask="PROCESSING", progress=5)
HALFWAY = changed(status="PROCESSING", subtask="PROCESSING", progress=50)


@pytest.fixture(scope="module")
def store(valkey: EmbeddedStore) -> Store:
    """Return a store whose uploads are distinguished by their ids alone."""
    return Store(valkey.url, StoreScope("order", 7200))


def after(store: Store, events: tuple[Mapping[str, object], ...]) -> UploadSession:
    """Journal the events in this order, and return the session without its id."""
    session = new_session()
    for event in events:
        entry = new_entry(session, facts_in(event))
        store.journal(entry, endpoint="", now=NOW, next_attempt_at=None)
    return replace(store.find_upload(session.user_id, session.upload_id), upload_id="")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("end", "state"), [("SUCCESS", UploadState.READY), ("FAIL", UploadState.FAILED)], ids=["ready", "failed"]
)
def test_every_order_of_events_ends_in_the_same_state(
    store: Store, size: int, end: str, state: UploadState
) -> None:
    """Up to five events of one upload, in every order, leave the same session behind (R5)."""
    events = (uploaded(task_id=TASK_ID), changed(subtask=end), STARTED, HALFWAY, NOTHING_MORE)[:size]

    sessions = [after(store, order) for order in permutations(events)]

    assert all(session == sessions[0] for session in sessions)
    expected = state if size > 1 else UploadState.PROCESSING
    assert state_of(sessions[0], now=NOW) is expected
    assert sessions[0].sequence == size


@pytest.mark.parametrize("size", [2, 3, 4])
def test_running_task_flow_shows_how_far_it_has_come_in_every_order(store: Store, size: int) -> None:
    """Without its end, a task flow is as far as its furthest report."""
    events = (HALFWAY, STARTED, uploaded(task_id=TASK_ID), NOTHING_MORE)[:size]

    for order in permutations(events):
        outcome = after(store, order).procedure
        assert outcome is not None
        assert outcome.subtasks[0].progress == 50


@dataclass
class Model:
    """The expected session, in plain Python: facts are only ever added, an expiry only to an unused one."""

    fields: dict[str, str]
    sequence: int = 0
    rank: float = 0
    verdicts: list[str | None] = field(default_factory=list)

    def learn(self, facts: Facts, now: int) -> None:
        """Apply one event."""
        if "expired_at" in dict(facts.first) and "file_id" in self.fields:
            self.verdicts.append(None)
            return
        self.sequence += 1
        if facts.file_id and self.fields.setdefault("file_id", facts.file_id) != facts.file_id:
            self.verdicts.append("replayed")
            return
        first = dict(facts.first)
        is_late = "uploaded_at" in first and (now >= NOW + SESSION_SECONDS or "expired_at" in self.fields)
        self.verdicts.append("late" if is_late else "attributed")
        self.fields = {**first, **self.fields}
        if facts.rank > self.rank and facts.outcome is not None:
            self.rank = facts.rank
            self.fields["status"] = facts.outcome.status
        self.fields["updated_at"] = str(now)


FILE_IDS = st.sampled_from(["", FILE_ID, OTHER_FILE_ID])
RUNNING_AND_DONE = st.sampled_from([STARTED, HALFWAY, changed(), changed(subtask="FAIL")])
FACTS = st.one_of(
    st.builds(
        lambda file_id, first, check_after: Facts(file_id, tuple(first.items()), check_after=check_after),
        FILE_IDS,
        st.dictionaries(
            st.sampled_from(["uploaded_at", "expired_at"]), st.integers(1, 2**40).map(str), max_size=2
        ),
        st.sampled_from([-1, 0, 60]),
    ),
    st.builds(lambda event, file_id: facts_in(event)._replace(file_id=file_id), RUNNING_AND_DONE, FILE_IDS),
    st.builds(
        lambda file_id, url: Facts(file_id, (("media_url", url), ("uploaded_at", "7"))),
        FILE_IDS,
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    ),
)
INSTANTS = st.sampled_from([NOW, NOW + 1, NOW + SESSION_SECONDS - 1, NOW + SESSION_SECONDS])
_users = count()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(FACTS, INSTANTS), min_size=1, max_size=12))
def test_script_does_what_the_model_does(store: Store, events: list[tuple[Facts, int]]) -> None:
    """For any events the script in Redis and the Python model agree on every fact and verdict."""
    session = new_session(f"user-{next(_users)}")
    model = Model({})

    verdicts: list[str | None] = []
    for facts, now in [(Facts(""), NOW), *events]:
        journaled = store.journal(new_entry(session, facts), endpoint="", now=now, next_attempt_at=None)
        verdicts.append(journaled.verdict)
        model.learn(facts, now)
        assert journaled.sequence == (0 if journaled.verdict is None else model.sequence)
    found = store.find_upload(session.user_id, session.upload_id)

    assert verdicts == model.verdicts
    assert found.sequence == model.sequence
    assert found.file_id == model.fields.get("file_id", "")
    assert found.media_url == model.fields.get("media_url", "")
    assert str(found.uploaded_at or "") == model.fields.get("uploaded_at", "")
    assert str(found.expired_at or "") == model.fields.get("expired_at", "")
    assert (found.procedure.status if found.procedure else "") == model.fields.get("status", "")
    assert str(found.updated_at) == model.fields.get("updated_at", str(session.issued_at))
