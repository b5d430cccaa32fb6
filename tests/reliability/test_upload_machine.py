"""Whatever happens to uploads and events, and in whatever order: store and model agree at every step (R5)."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from shared.app_event import PULL, PUSH
from shared.arrival import Source, journal_name
from shared.errors import NotFoundError, VodApiError
from shared.intake import LOOKS_FOR_FILE
from shared.journal_store import AttemptEnding
from shared.operator_store import OperatorStore
from shared.store import StoreScope
from shared.upload_session import UploadState, state_of
from tests.reliability.kept_records import journal_records, members
from tests.reliability.upload_model import PROGRESS, EventModel, JournalModel, Told, UploadModel
from tests.shared.service import STAGE, Clock, Service, new_lease, token_of
from tests.shared.uploads import NOW, changed, new_entry, new_session, notification_of, uploaded

if TYPE_CHECKING:
    from local.embedded_store import EmbeddedStore
    from shared.arrival import Arrival

pytestmark = pytest.mark.reliability

STEPS, EXAMPLES, STEPS_PER_EXAMPLE = 20_000, 270, 80
KINDS = ("uploaded", "started", "halfway", "end", "news", "broken")
PASSING_SECONDS = (1, 10, 30, 120, 900, 3600, 14_400, 90_000)
MOST_UPLOADS = 4
_randoms = count(1)

REPEATABLE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS_PER_EXAMPLE,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
RARE_STEPS = {
    "expire",
    "finish too late",
    "reconcile",
    "renew",
    "revive",
    "settle: lost",
    "settle: quarantined",
    "settle: verified",
    "take",
}
"""What a run that proves anything has done at least once."""

picks = st.integers(0, 2**10)
hands = st.sampled_from([0, 1])
kinds = st.sampled_from(KINDS)
rarely = st.integers(0, 3).map(lambda drawn: drawn == 0)


class Vod:
    """What VOD knows, as `Reconciliation` and the read-back ask it: files, and task flows that ended."""

    def __init__(self) -> None:
        self.files: dict[str, UploadModel] = {}
        self.ended: set[str] = set()

    def source_context_of(
        self, file_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> str | None:
        """Tell whose file it is."""
        assert timeout_seconds
        assert sub_app_id is None
        upload = self.files.get(file_id)
        return None if upload is None else token_of(upload.session)

    def uploads_created(
        self, *, after: str, before: str, offset: int, sub_app_id: int | None, timeout_seconds: float
    ) -> tuple[dict[str, object], ...]:
        """List all files."""
        assert after < before
        assert sub_app_id is None
        assert timeout_seconds
        media = [
            {"FileId": file_id, "BasicInfo": basic_info(upload, file_id)}
            for file_id, upload in self.files.items()
        ]
        return tuple(media[offset:])

    def procedure_task(
        self, task_id: str, *, sub_app_id: int | None, timeout_seconds: float
    ) -> dict[str, object]:
        """Tell where a task flow stands."""
        assert sub_app_id is None
        assert timeout_seconds
        if task_id not in self.ended:
            return {"Status": "PROCESSING"}
        file_id = task_id.removeprefix("task-")
        event = event_of(self.files[file_id], "end", file_id)
        task: dict[str, object] = event["ProcedureStateChangeEvent"]
        return task


class UploadMachine(RuleBasedStateMachine):
    """Two users' uploads, two workers that hold what they work on, and one store."""

    service: ClassVar[Service]
    client: ClassVar[redis.Redis]
    steps: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.clock.now = NOW
        self.vod, self.model = Vod(), JournalModel()
        self.was: dict[str, UploadState] = {}
        self.hands: list[tuple[EventModel, Arrival] | None] = [None, None]

    @property
    def clock(self) -> Clock:
        """The machine's time."""
        assert isinstance(self.service.clock, Clock)
        return self.service.clock

    @property
    def now(self) -> int:
        """The present second."""
        return int(self.clock())

    @initialize(ends_well=st.booleans(), has_task_flow=st.booleans())
    def begin_the_first(self, *, ends_well: bool, has_task_flow: bool) -> None:
        """Nothing can happen without an upload."""
        self.begin(ends_well=ends_well, has_task_flow=has_task_flow)

    @precondition(lambda self: len(self.model.uploads) < MOST_UPLOADS)
    @rule(ends_well=st.booleans(), has_task_flow=st.booleans())
    def begin_another(self, *, ends_well: bool, has_task_flow: bool) -> None:
        """Ask for the first signature of an upload."""
        self.begin(ends_well=ends_well, has_task_flow=has_task_flow)

    def begin(self, *, ends_well: bool, has_task_flow: bool) -> None:
        """Open an upload session."""
        session = new_session(f"user-{len(self.model.uploads) % 2}", issued_at=self.now)
        random = next(_randoms)
        assert random == self.service.store.begin_upload(
            session, randoms=(random,), now=self.now, per_minute=100_000
        )
        upload = UploadModel(session, ends_well, has_task_flow)
        self.model.uploads.append(upload)
        self.compare("begin", upload)

    @rule(pick=picks, by_stranger=rarely)
    def renew(self, pick: int, *, by_stranger: bool) -> None:
        """Ask for another signature: it changes nothing, and tells where the upload stands."""
        upload, random = self.upload(pick), next(_randoms)
        user_id = "stranger" if by_stranger else upload.session.user_id
        try:
            session, nonce = self.service.store.renew_upload(
                user_id, upload.session.upload_id, randoms=(random,), now=self.now, per_minute=100_000
            )
        except NotFoundError:
            assert by_stranger
        else:
            assert (nonce, session.sequence, by_stranger) == (random, upload.sequence, False)
        self.compare("renew", upload)

    @rule(pick=picks, by_stranger=rarely)
    def cancel(self, pick: int, *, by_stranger: bool) -> None:
        """Cancel an upload, or somebody else's."""
        upload = self.upload(pick)
        user_id = "stranger" if by_stranger else upload.session.user_id
        try:
            self.service.store.cancel_upload(user_id, upload.session.upload_id, now=self.now)
        except NotFoundError:
            assert by_stranger
        else:
            upload.cancel(self.now)
        self.compare("cancel", upload)

    @rule(pick=picks, kind=kinds, second=rarely, stolen=rarely, early=rarely, hand=hands)
    def push(self, pick: int, kind: str, hand: int, *, second: bool, stolen: bool, early: bool) -> None:  # noqa: PLR0913  # what there is to choose
        """Push an event: of a first or second file, of somebody else's, or before VOD itself knows it."""
        upload = self.upload(pick)
        owner = self.upload(pick + 1) if stolen else upload
        file_id = file_of(owner, second=second)
        if not early:
            self.store_file(owner, kind, file_id)
        event, arrival = self.take_in(upload, kind, file_id, PUSH)
        if event is not None:
            # The function that took it in goes on with it.
            self.hands[hand] = event, arrival
        self.compare(f"push {kind}", upload, event)

    @rule(pick=picks, kind=kinds, second=rarely)
    def pull(self, pick: int, kind: str, *, second: bool) -> None:
        """Pull an event: VOD tells nothing false."""
        upload = self.upload(pick)
        file_id = file_of(upload, second=second)
        self.store_file(upload, kind, file_id)
        event, _ = self.take_in(upload, kind, file_id, PULL)
        self.compare(f"pull {kind}", upload, event)

    @precondition(lambda self: self.model.events)
    @rule(pick=picks, hand=hands)
    def take(self, pick: int, hand: int) -> None:
        """A worker takes an event, if it is due; what it worked on before it leaves as it is."""
        event, lease = self.event(pick), new_lease()
        taken = self.service.store.take(
            event.at, endpoint=self.endpoint, now=self.now, lease=lease, lease_ends_at=self.now + 30
        )
        assert (taken is not None) is self.model.take(event, lease=lease, now=self.now)
        if taken is not None:
            self.hands[hand] = event, self.service.intake.recall(taken)
        self.compare("take" if taken else "take what is not due", event.upload, event)

    @precondition(lambda self: any(self.hands))
    @rule(hand=hands)
    def settle(self, hand: int) -> None:
        """A worker asks VOD about a held event."""
        event, arrival, hand = self.in_hand(hand)
        if arrival.journaled.status != "held":
            return
        owner = self.vod.files.get(event.told.file_id)
        try:
            arrival = self.service.intake.make_sure(
                arrival, vod_api=self.vod, now=self.now, timeout_seconds=1
            )
        except VodApiError:
            # VOD does not know the file yet: the event stays held.
            assert owner is None
            assert arrival.attempts < LOOKS_FOR_FILE
            self.compare("settle: too early", event.upload, event)
            return
        expected = self.model.settle(
            event, lease=arrival.entry.lease, genuine=owner is event.upload, now=self.now
        )
        assert arrival.journaled.status == expected
        self.hands[hand] = event, arrival
        self.compare(f"settle: {expected}", event.upload, event)

    @precondition(lambda self: any(self.hands))
    @rule(hand=hands, takes_it=st.booleans(), is_last=rarely)
    def finish(self, hand: int, *, takes_it: bool, is_last: bool) -> None:
        """A worker has tried to deliver, or to verify: it writes down how that went."""
        event, arrival, hand = self.in_hand(hand)
        is_held = arrival.journaled.status == "held"
        if not (arrival.deliverable or is_held):
            return
        delivered = takes_it and not is_held
        due_at = None if delivered or is_last else self.now + 5
        attempts = arrival.attempts + 1
        ending = AttemptEnding(
            lease=arrival.entry.lease,
            endpoint=self.endpoint,
            now=self.now,
            outcome="delivered" if delivered else "waiting" if is_held else "failed",
            next_attempt_at=due_at,
            fields={
                "delivery": "delivered" if delivered else "dead" if due_at is None else "due",
                "attempts": str(attempts),
            },
        )
        expected = self.model.finish(
            event, lease=arrival.entry.lease, delivered=delivered, due_at=due_at, attempts=attempts
        )
        assert self.service.store.finish_attempt(event.at, ending) is expected
        self.hands[hand] = None
        self.compare("finish" if expected else "finish too late", event.upload, event)

    @rule(seconds=st.sampled_from(PASSING_SECONDS))
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.move(seconds)
        due = {at.key for at in self.service.store.due_events(now=self.now, limit=1000)}
        owed = {event.at.key for event in self.model.events.values() if (event.due_at or self.now + 1) <= self.now}
        assert due == owed
        self.compare("pass time")

    @precondition(lambda self: any(self.now >= upload.ends_at for upload in self.model.uploads))
    @rule(pick=picks)
    def expire(self, pick: int) -> None:
        """End an upload by a look at it that may be out of date."""
        upload = self.upload(pick)
        if self.now >= upload.ends_at:
            self.service.intake.expire(upload.session, now=self.now, lease=new_lease())
            self.note_end(upload)
            self.compare("expire", upload)

    @rule()
    def reconcile(self) -> None:
        """Look after the uploads whose check is due: find what was missed, and end what was not used."""
        due = [upload for upload in self.model.uploads if upload.check_at is not None and upload.check_at <= self.now]
        flowing = [upload for upload in due if upload.task_id]
        figures = self.service.reconciliation(self.vod).run()
        assert figures["checked"] == len(due)
        for file_id, upload in self.vod.files.items():
            if upload in due and upload not in flowing:
                self.learn_missed(upload, Told("uploaded", file_id))
        for upload in flowing:
            if upload.task_id in self.vod.ended and upload.progress < PROGRESS["end"]:
                file_id = upload.task_id.removeprefix("task-")
                self.learn_missed(upload, Told("end", file_id, upload.task_id))
        for upload in due:
            if upload.is_unused(self.now):
                self.note_end(upload)
            else:
                upload.look_again(self.now)
            self.compare_upload(upload)
            assert upload.check_at is None or upload.check_at > self.now, "it is looked after without end"
        self.compare("reconcile" if due else "reconcile nothing")

    @precondition(lambda self: self.model.events)
    @rule(pick=picks)
    def revive(self, pick: int) -> None:
        """Somebody has an event delivered again."""
        event = self.event(pick)
        expected = self.model.revive(event, now=self.now)
        store = OperatorStore(self.service.redis_url, StoreScope(STAGE, 604_800))
        assert store.revive(event.at, now=self.now) is expected
        self.compare("revive", event.upload, event)

    def teardown(self) -> None:
        """Insist, at the end, that nothing is kept but what the model knows, and nothing is forgotten."""
        assert len(journal_records(self.service.redis_url)) == len(self.model.events)
        for event in self.model.events.values():
            self.compare_event(event)
        for upload in self.model.uploads:
            self.compare_upload(upload)
            told = [event.sequence for event in self.model.events.values() if event.upload is upload]
            assert sorted(filter(None, told)) == list(range(1, upload.sequence + 1))
        due = members(self.service.redis_url, "due")
        assert due == {event.at.key: event.due_at for event in self.model.events.values() if event.due_at is not None}

    # What the rules are made of.

    @property
    def endpoint(self) -> str:
        """The app's address; nobody is there."""
        return str(self.service.settings.app_webhook_url)

    def upload(self, pick: int) -> UploadModel:
        """Choose an upload."""
        return self.model.uploads[pick % len(self.model.uploads)]

    def event(self, pick: int) -> EventModel:
        """Choose an event."""
        events = list(self.model.events.values())
        return events[pick % len(events)]

    def in_hand(self, hand: int) -> tuple[EventModel, Arrival, int]:
        """Give what one worker holds; the other's, if it holds nothing."""
        held = self.hands[hand]
        if held is None:
            hand = 1 - hand
            held = self.hands[hand]
        assert held is not None
        return *held, hand

    def store_file(self, owner: UploadModel, kind: str, file_id: str) -> None:
        """Have VOD know a file, and the end of its task flow."""
        self.vod.files.setdefault(file_id, owner)
        if kind == "end":
            self.vod.ended.add(f"task-{file_id}")

    def take_in(
        self, upload: UploadModel, kind: str, file_id: str, origin: str
    ) -> tuple[EventModel | None, Arrival]:
        """Take an event in, here and in the model; gives the model's event if it was news."""
        source = Source(origin, self.now, lease=new_lease())
        notification = notification_of(event_of(upload, kind, file_id))
        arrival = self.service.intake.take_in(notification, source)
        at = self.service.store.key_of(arrival.entry)
        event = EventModel(upload, told_by(upload, kind, file_id), self.now, source.lease, at)
        key = (upload.session.upload_id, kind, file_id)
        status, event = self.model.take_in(key, event, pushed=origin == PUSH)
        assert arrival.journaled.status == status
        return (None if status == "duplicate" else event), arrival

    def learn_missed(self, upload: UploadModel, told: Told) -> None:
        """Do in the model what reconciliation does with an event that was missed."""
        name = journal_name(notification_of(event_of(upload, told.kind, told.file_id)))
        self.note(upload, told, (upload.session.upload_id, told.kind, told.file_id), name)

    def note(self, upload: UploadModel, told: Told, key: tuple[str, ...], name: str) -> None:
        """Take in, in the model, an event that the service has drawn the lease of."""
        at = self.service.store.key_of(new_entry(upload.session, name=name))
        lease = str(self.client.hget(at.key, "lease"))
        self.model.take_in(key, EventModel(upload, told, self.now, lease, at), pushed=False)

    def note_end(self, upload: UploadModel) -> None:
        """End an upload in the model, unless it was used."""
        key, name = (upload.session.upload_id, "expiry"), f"expiry-{upload.session.upload_id}"
        if key not in self.model.events and self.model.may_expire(upload):
            self.note(upload, Told("expiry"), key, name)

    def compare(self, step: str, upload: UploadModel | None = None, event: EventModel | None = None) -> None:
        """Count one step, and compare what it was about with the model."""
        self.steps[step] += 1
        if upload is not None:
            self.compare_upload(upload)
        if event is not None:
            self.compare_event(event)

    def compare_upload(self, upload: UploadModel) -> None:
        """Compare an upload, and insist on what has to hold for each."""
        known = upload.session
        found = self.service.store.find_upload(known.user_id, known.upload_id)
        partition = self.service.store.key_of(new_entry(known)).partition
        state = upload.state(self.now)
        assert state_of(found, now=self.now) is state
        assert (found.user_id, found.issued_at, found.ends_at, found.grant) == (
            known.user_id,
            known.issued_at,
            upload.ends_at,
            known.grant,
        )
        assert (found.sequence, found.file_id, found.updated_at) == (
            upload.sequence,
            upload.file_id,
            upload.updated_at,
        )
        assert (found.uploaded_at, found.cancelled_at, found.expired_at) == (
            upload.uploaded_at,
            upload.cancelled_at,
            upload.expired_at,
        )
        assert (found.media_url, found.procedure_task_id) == (media_url(upload), upload.task_id)
        progress = found.procedure.subtasks[0].progress if found.procedure else 0
        assert progress == upload.progress
        check_at = self.client.zscore(f"{partition}:checks", known.upload_id)
        assert check_at == upload.check_at
        if state in (UploadState.ISSUED, UploadState.PROCESSING):
            assert check_at is not None, "nobody would find out that its event was missed"
        was = self.was.get(known.upload_id, state)
        assert was not in (UploadState.READY, UploadState.FAILED) or state is was
        self.was[known.upload_id] = state

    def compare_event(self, event: EventModel) -> None:
        """Compare an event and the places that name it."""
        pipeline = self.client.pipeline(transaction=False)
        pipeline.hgetall(event.at.key)
        for shelf in ("due", "dead", "quarantined"):
            pipeline.zscore(f"{event.at.partition}:{shelf}", event.at.key)
        record, due_at, dead_at, quarantined_at = pipeline.execute()
        assert (record["status"], record["verdict"], int(record.get("sequence", 0))) == (
            event.status,
            event.verdict,
            event.sequence,
        )
        assert (record["delivery"], int(record.get("attempts", 0)), record["lease"]) == (
            event.delivery,
            event.attempts,
            event.lease,
        )
        assert (record.get("verified") == "1", due_at) == (event.verified, event.due_at)
        assert (dead_at is not None, quarantined_at is not None) == (event.is_dead, event.is_quarantined)
        # The app, or somebody who decides about it, is still to hear of it, or has heard.
        assert (event.due_at is not None) is (event.delivery == "due")


def file_of(owner: UploadModel, *, second: bool) -> str:
    """Name a file of an upload."""
    return f"{owner.session.upload_id}-{2 if second else 1}"


def told_by(upload: UploadModel, kind: str, file_id: str) -> Told:
    """Say what an event says."""
    flows = kind == "uploaded" and upload.has_task_flow
    return Told(kind, file_id, f"task-{file_id}" if flows else "")


def event_of(upload: UploadModel, kind: str, file_id: str) -> dict[str, Any]:
    """Spell an event of an upload."""
    token = token_of(upload.session)
    if kind == "news":
        return {"EventType": "SomethingNew", "NewEvent": {"FileId": file_id, "SessionContext": token}}
    if kind in PROGRESS:
        status = "FINISH" if kind == "end" else "PROCESSING"
        subtask = ("SUCCESS" if upload.ends_well else "FAIL") if kind == "end" else "PROCESSING"
        event: dict[str, Any] = changed(
            token, status=status, subtask=subtask, progress=PROGRESS[kind], file_id=file_id
        )
        event["ProcedureStateChangeEvent"]["TaskId"] = f"task-{file_id}"
        return event
    # A seal that is broken: its last character is another one.
    token = token if kind == "uploaded" else token[:-3] + "AAA"
    return uploaded(token, file_id=file_id, task_id=told_by(upload, kind, file_id).task_id)


def basic_info(upload: UploadModel, file_id: str) -> object:
    """Spell what VOD lists of a file."""
    return event_of(upload, "uploaded", file_id)["FileUploadEvent"]["MediaBasicInfo"]


def media_url(upload: UploadModel) -> str:
    """Tell where the upload's media should be."""
    if not upload.media_of:
        return ""
    return str(event_of(upload, "uploaded", upload.media_of)["FileUploadEvent"]["MediaBasicInfo"]["MediaUrl"])


def test_store_agrees_with_the_model(valkey: EmbeddedStore) -> None:
    """At least 20,000 steps, always the same ones: each leaves behind what the model says."""
    service = Service(valkey.url, {"APP_WEBHOOK_URL": "https://app.example.test/hook", "READ_BACK": "on"})
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:

        class Machine(UploadMachine):
            """The machine on this server."""

        Machine.service, Machine.client, Machine.steps = service, client, Counter()
        run_state_machine_as_test(Machine, settings=REPEATABLE)  # type: ignore[no-untyped-call]  # it has no types
        steps = Machine.steps

    print(sum(steps.values()), steps)
    assert sum(steps.values()) >= STEPS
    assert set(steps) >= RARE_STEPS
