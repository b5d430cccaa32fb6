"""Compare what the store holds of an upload or an event with the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.event_status import TRANSITIONS, EventStatus, status_of
from shared.domain.session import UploadState, state_of
from shared.store.endpoint import RANK_STEP
from shared.store.upload_record import read_session
from tests.reliability.machine_world import media_url
from tests.reliability.upload_model import OVERTAKEN, PROGRESS
from tests.shared.uploads import new_entry

if TYPE_CHECKING:
    import redis

    from shared.store.journal import Store
    from tests.reliability.upload_model import EventModel, UploadModel

OF_THE_SESSION = ("user_id", "issued_at", "ends_at", "grant")
OF_THE_UPLOAD = ("sequence", "file_id", "updated_at", "uploaded_at", "cancelled_at", "expired_at")


def parts(whole: object, names: tuple[str, ...]) -> list[object]:
    """Return some attributes of an object."""
    return [getattr(whole, name) for name in names]


@dataclass
class Comparison:
    """One store, read from outside; `was` and `stood` are the last states seen of uploads and events."""

    store: Store
    client: redis.Redis
    was: dict[str, UploadState] = field(default_factory=dict)
    stood: dict[str, EventStatus] = field(default_factory=dict)

    def upload(self, upload: UploadModel, *, now: int) -> None:
        """Compare an upload, and assert the invariants of every upload."""
        known = upload.session
        partition = self.store.key_of(new_entry(known)).partition
        pipeline = self.client.pipeline(transaction=False)
        pipeline.hgetall(f"{partition}:upload:{known.upload_id}")
        pipeline.zscore(f"{partition}:checks", known.upload_id)
        record, check_at = pipeline.execute()
        found, state = read_session(known.upload_id, record), upload.state(now)
        assert state_of(found, now=now) is state
        assert parts(found, OF_THE_SESSION) == parts(known, OF_THE_SESSION)
        assert parts(found, OF_THE_UPLOAD) == parts(upload, OF_THE_UPLOAD)
        assert (found.media_url, found.procedure_task_id) == (media_url(upload.media_of), upload.task_id)
        progress = found.procedure.subtasks[0].progress if found.procedure else 0
        assert progress == (PROGRESS["end"] if upload.progress == OVERTAKEN else upload.progress)
        assert check_at == upload.check_at
        if state in (UploadState.ISSUED, UploadState.PROCESSING):
            assert check_at is not None, "nobody would find out that its event was missed"
        was = self.was.get(known.upload_id, state)
        assert was not in (UploadState.READY, UploadState.FAILED) or state is was
        self.was[known.upload_id] = state

    def event(self, event: EventModel) -> None:
        """Compare an event and the indexes that name it."""
        pipeline = self.client.pipeline(transaction=False)
        pipeline.hgetall(event.at.key)
        for index in ("due", "dead", "quarantined"):
            pipeline.zscore(f"{event.at.partition}:{index}", event.at.key)
        record, due_at, dead_at, quarantined_at = pipeline.execute()
        names = ("status", "verdict", "delivery", "lease")
        assert [record[name] for name in names] == parts(event, names)
        numbers = ("sequence", "attempts", "verified")
        assert [int(record.get(name, 0)) for name in numbers] == parts(event, numbers)
        assert (None if due_at is None else due_at % RANK_STEP) == event.due_at
        assert (dead_at is not None) is (event.delivery == "dead")
        assert (quarantined_at is not None) is (event.delivery == "withheld")
        # The app, or somebody who decides about it, is still to hear of it, or has heard.
        assert (event.due_at is not None) is (event.delivery == "due")
        status, stood = status_of(record, is_due=due_at is not None), self.stood.get(event.at.key)
        assert status is stood or status in TRANSITIONS[stood]
        self.stood[event.at.key] = status
