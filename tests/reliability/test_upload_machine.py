"""Whatever happens to uploads and events, in any order: store and model agree at every step (R5)."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from itertools import count
from typing import TYPE_CHECKING, ClassVar

import pytest
import redis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from local.operator.event_store import OperatorStore
from shared.domain.app_event import PULL, PUSH
from shared.domain.event_status import AttemptOutcome, EventStatus
from shared.domain.ingested_event import Source, journal_name
from shared.domain.journal import AttemptEnding
from shared.domain.rate_limits import UploadLimits
from shared.domain.session import SigningEndedError
from shared.errors import NotFoundError, VodApiError
from shared.flows import own_events
from shared.flows.verify_event import MAX_ATTEMPTS
from shared.store.connection import StoreScope
from tests.reliability.compared_uploads import Comparison
from tests.reliability.kept_records import journal_records, members
from tests.reliability.machine_world import KINDS, Vod, event_of, file_of, told_by
from tests.reliability.upload_model import (
    PROGRESS,
    RETENTION_SECONDS,
    EventModel,
    JournalModel,
    ListModel,
    Told,
    UploadModel,
)
from tests.shared.service import STAGE, Clock, Service, new_lease
from tests.shared.uploads import ENDPOINT, NOW, new_entry, new_session, notification_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.stack.embedded_store import EmbeddedStore
    from shared.domain.ingested_event import IngestedEvent

    Held = tuple[EventModel, IngestedEvent]

pytestmark = pytest.mark.reliability

STEPS, EXAMPLES, STEPS_PER_EXAMPLE = 20_000, 290, 80
PASSING_SECONDS = (1, 10, 30, 120, 900, 3600, 14_400, 90_000)
MOST_UPLOADS = 4
LIMITS = UploadLimits(100_000, renewals_per_minute=100_000, signatures_per_upload=100_000)
_randoms = count(1)

REPEATABLE = hypothesis_settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS_PER_EXAMPLE,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
RARE_STEPS = {"expire", "finish too late", "reconcile", "renew", "revive", "take"}
RARE_STEPS |= {f"settle: {end}" for end in ("applied", "lost", "quarantined", "too early", "verified")}
"""The steps that a valid run has done at least once."""

picks = st.integers(0, 2**10)
hands = st.sampled_from([0, 1])
kinds = st.sampled_from(KINDS)
rarely = st.integers(0, 3).map(lambda drawn: drawn == 0)


class UploadMachine(RuleBasedStateMachine):
    """Two users' uploads, two workers that hold what they work on, and one store."""

    clock: ClassVar[Clock]
    service: ClassVar[Service]
    operators: ClassVar[OperatorStore]
    client: ClassVar[redis.Redis]
    steps: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.clock.now = NOW
        self.vod, self.model = Vod(), JournalModel()
        self.lists = (ListModel(is_first=True), ListModel(is_first=False))
        self.store = self.service.store
        self.comparison = Comparison(self.store, self.client)
        self.hands: dict[int, Held] = {}

    @property
    def now(self) -> int:
        """The current Unix second."""
        return int(self.clock())

    @initialize(ends_well=st.booleans(), has_task_flow=st.booleans())
    def begin(self, *, ends_well: bool, has_task_flow: bool) -> None:
        """Request the first signature of an upload; nothing else can happen before."""
        session = new_session(f"user-{len(self.model.uploads) % 2}", issued_at=self.now)
        random = next(_randoms)
        begun = self.store.begin_upload(session, randoms=(random,), now=self.now, limits=LIMITS)
        assert begun.nonce == random
        upload = UploadModel(session, ends_well, has_task_flow)
        self.model.uploads.append(upload)
        self.compare("begin", upload)

    @precondition(lambda self: len(self.model.uploads) < MOST_UPLOADS)
    @rule(ends_well=st.booleans(), has_task_flow=st.booleans())
    def begin_another(self, *, ends_well: bool, has_task_flow: bool) -> None:
        """Request the first signature of another upload."""
        self.begin(ends_well=ends_well, has_task_flow=has_task_flow)

    @rule(pick=picks, by_stranger=rarely)
    def renew(self, pick: int, *, by_stranger: bool) -> None:
        """Request another signature, which takes a cancelled upload up again, or is refused."""
        upload, random = self.upload(pick), next(_randoms)
        asked = asked_of(upload, by_stranger=by_stranger)
        error = NotFoundError if by_stranger else None if upload.renew(self.now) else SigningEndedError
        with pytest.raises(error) if error else nullcontext():
            session, it = self.store.renew_upload(*asked, randoms=(random,), now=self.now, limits=LIMITS)
            assert (it.nonce, session.sequence) == (random, upload.sequence)
        self.compare("renew", upload)

    @rule(pick=picks, by_stranger=rarely)
    def cancel(self, pick: int, *, by_stranger: bool) -> None:
        """Cancel an upload, or a foreign one."""
        upload = self.upload(pick)
        with pytest.raises(NotFoundError) if by_stranger else nullcontext():
            self.store.cancel_upload(*asked_of(upload, by_stranger=by_stranger), now=self.now)
            upload.cancel(self.now)
        self.compare("cancel", upload)

    @rule(pick=picks, kind=kinds, second=rarely, stolen=rarely, early=rarely, hand=hands)
    def push(self, pick: int, kind: str, hand: int, *, second: bool, stolen: bool, early: bool) -> None:  # noqa: PLR0913  # what there is to choose
        """Push an event: of a first or second file, of a foreign file, or before VOD itself knows it."""
        upload = self.upload(pick)
        owner = self.upload(pick + 1) if stolen else upload
        file_id = file_of(owner, second=second)
        if not early:
            self.vod.keep(file_id, owner, kind)
        event, ingested = self.ingest(upload, kind, file_id, PUSH)
        if event is not None:
            # The function that took it in goes on with it.
            self.hands[hand] = event, ingested
        self.compare(f"push {kind}", upload, event)

    @rule(pick=picks, kind=kinds, second=rarely)
    def pull(self, pick: int, kind: str, *, second: bool) -> None:
        """Pull an event, which is always true."""
        upload = self.upload(pick)
        file_id = file_of(upload, second=second)
        self.vod.keep(file_id, upload, kind)
        event, _ = self.ingest(upload, kind, file_id, PULL)
        self.compare(f"pull {kind}", upload, event)

    @precondition(lambda self: self.model.events)
    @rule(pick=picks, hand=hands)
    def take(self, pick: int, hand: int) -> None:
        """Let a worker take an event if it is due, abandoning what it worked on before."""
        event, lease = self.event(pick), new_lease()
        taken = self.store.take(
            [event.at], endpoint=ENDPOINT, now=self.now, lease=lease, lease_ends_at=self.now + 30
        )
        assert bool(taken) is self.model.take(event, lease=lease, now=self.now)
        for _, one in taken:
            self.hands[hand] = event, self.service.ingester.recall(one)
        self.compare("take" if taken else "take what is not due", event.upload, event)

    @precondition(lambda self: any(map(is_held, self.hands.values())))
    @rule(hand=hands)
    def settle(self, hand: int) -> None:
        """Let a worker ask VOD about a held event."""
        hand, (event, ingested) = self.in_hand(hand, is_held)
        answer = self.vod.verified_claim(event.told, event.upload)
        try:
            ingested = self.service.verify(ingested, self.vod)
        except VodApiError:
            # VOD does not know of it yet: the event stays held.
            assert answer == "too early"
            assert ingested.attempts < MAX_ATTEMPTS
            self.compare("settle: too early", event.upload, event)
            return
        told = answer if isinstance(answer, Told) else None
        expected = self.model.settle(event, lease=ingested.entry.lease, verified=told, now=self.now)
        assert ingested.journaled.outcome == expected
        self.hands[hand] = event, ingested
        self.compare(f"settle: {expected}", event.upload, event)

    @precondition(lambda self: any(map(is_open, self.hands.values())))
    @rule(hand=hands, takes_it=st.booleans(), is_last=rarely)
    def finish(self, hand: int, *, takes_it: bool, is_last: bool) -> None:
        """Let a worker that tried to deliver or to verify record the outcome."""
        hand, (event, ingested) = self.in_hand(hand, is_open)
        delivered = takes_it and not is_held((event, ingested))
        status = EventStatus.DEAD if is_last else EventStatus.DUE
        status = EventStatus.DELIVERED if delivered else status
        outcome = AttemptOutcome.DELIVERED if delivered else AttemptOutcome.FAILED
        ending = AttemptEnding(
            lease=ingested.entry.lease,
            endpoint=ENDPOINT,
            now=self.now,
            status=status,
            outcome=None if is_held((event, ingested)) else outcome,
            next_attempt_at=self.now + 5 if status is EventStatus.DUE else None,
            fields={"attempts": str(ingested.attempts + 1)},
            keep_seconds=10**6,
        )
        expected = self.model.finish(event, ending, attempts=ingested.attempts + 1)
        assert self.store.finish_attempt(event.at, ending) is expected
        del self.hands[hand]
        self.compare("finish" if expected else "finish too late", event.upload, event)

    @rule(seconds=st.sampled_from(PASSING_SECONDS))
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.move(seconds)
        due = {at.key for at in self.store.due_events(now=self.now, limit=1000)}
        events = self.model.events.values()
        assert due == {event.at.key for event in events if (event.due_at or self.now + 1) <= self.now}
        self.compare("pass time")

    @precondition(lambda self: any(self.now >= upload.ends_at for upload in self.model.uploads))
    @rule(pick=picks)
    def expire(self, pick: int) -> None:
        """Expire an upload, from a record that may be out of date."""
        ended = [upload for upload in self.model.uploads if self.now >= upload.ends_at]
        upload = ended[pick % len(ended)]
        own_events.expire(self.service.ingester, upload.session, now=self.now, lease=new_lease())
        self.learn_end(upload)
        self.compare("expire", upload)

    @precondition(lambda self: self.due_checks())
    @rule()
    def reconcile(self) -> None:
        """Reconcile the uploads whose check is due: find missed files, and expire unused ones."""
        due = self.due_checks()
        flowing = [upload for upload in due if upload.task_id]
        figures = self.service.reconciliation(self.vod).run()
        assert figures["checked"] == len(due)
        for vods_list in self.lists:
            listed = vods_list.read_on(self.now)
            for file_id in sorted(self.vod.kept, key=self.vod.created.__getitem__):
                upload = self.vod.owners[file_id]
                is_kept = self.now - upload.session.issued_at < RETENTION_SECONDS
                if self.vod.created[file_id] in listed and is_kept:
                    self.learn_missed(upload, Told("uploaded", file_id))
        for upload in flowing:
            if self.vod.progress(upload.task_id) == PROGRESS["end"] > upload.progress:
                file_id = upload.task_id.removeprefix("task-")
                self.learn_missed(upload, Told("end", file_id, upload.task_id))
        listed_until = self.lists[0].position or 0
        for upload in due:
            if upload.is_unused(self.now) and listed_until >= upload.ended_at:
                self.learn_end(upload)
            else:
                upload.check_again(self.now, self.now if upload in flowing else listed_until)
            self.comparison.upload(upload, now=self.now)
            assert upload.check_at is None or upload.check_at > self.now, "it is looked after without end"
        self.compare("reconcile")

    @precondition(lambda self: self.vod.kept)
    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        """Delete a file in VOD's console; no event reports it."""
        self.vod.delete(list(self.vod.kept)[pick % len(self.vod.kept)])
        self.compare("delete")

    @precondition(lambda self: self.model.events)
    @rule(pick=picks)
    def revive(self, pick: int) -> None:
        """Revive an event."""
        event = self.event(pick)
        expected = self.model.revive(event, now=self.now)
        assert self.operators.revive(event.at, now=self.now) is expected
        self.compare("revive", event.upload, event)

    def teardown(self) -> None:
        """Assert that the store holds exactly what the model holds."""
        events = self.model.events.values()
        assert len(journal_records(self.service.redis_url)) == len(events)
        for event in events:
            self.comparison.event(event)
        for upload in self.model.uploads:
            self.comparison.upload(upload, now=self.now)
            told = [event.sequence for event in events if event.upload is upload]
            assert sorted(filter(None, told)) == list(range(1, upload.sequence + 1))
        due = {event.at.key: event.due_at for event in events if event.due_at is not None}
        assert members(self.service.redis_url, "due") == due

    # What the rules are made of.

    def due_checks(self) -> list[UploadModel]:
        """Return the uploads whose check is due."""
        return [upload for upload in self.model.uploads if (upload.check_at or self.now + 1) <= self.now]

    def upload(self, pick: int) -> UploadModel:
        """Choose an upload."""
        return self.model.uploads[pick % len(self.model.uploads)]

    def event(self, pick: int) -> EventModel:
        """Choose an event."""
        return list(self.model.events.values())[pick % len(self.model.events)]

    def in_hand(self, pick: int, wanted: Callable[[Held], bool]) -> tuple[int, Held]:
        """Choose a hand, and what it holds, among those that hold what is wanted."""
        hands = [(hand, held) for hand, held in self.hands.items() if wanted(held)]
        return hands[pick % len(hands)]

    def ingest(
        self, upload: UploadModel, kind: str, file_id: str, origin: str
    ) -> tuple[EventModel | None, IngestedEvent]:
        """Ingest an event, here and in the model; return the model's event if it was new."""
        source = Source(origin, self.now, lease=new_lease())
        notification = notification_of(event_of(upload, kind, file_id))
        ingested = self.service.ingester.ingest(notification, source)
        at, told = self.store.key_of(ingested.entry), told_by(upload, kind, file_id)
        event = EventModel(upload, told, self.now, source.lease, at)
        status, event = self.model.ingest(key_of(upload, told), event, pushed=origin == PUSH)
        assert ingested.journaled.outcome == status
        return (None if status == "duplicate" else event), ingested

    def learn(self, upload: UploadModel, told: Told, name: str) -> None:
        """Ingest, in the model, an event that the service has put in itself, under a lease of its own."""
        at, key = self.store.key_of(new_entry(upload.session, name=name)), key_of(upload, told)
        lease = str(self.client.hget(at.key, "lease"))
        _, event = self.model.ingest(key, EventModel(upload, told, self.now, lease, at), pushed=False)
        self.comparison.event(event)

    def learn_missed(self, upload: UploadModel, told: Told) -> None:
        """Apply to the model what reconciliation does with a missed event."""
        self.learn(upload, told, journal_name(notification_of(event_of(upload, told.kind, told.file_id))))

    def learn_end(self, upload: UploadModel) -> None:
        """Expire an upload in the model, unless it was used."""
        expiry = Told("expiry")
        if key_of(upload, expiry) not in self.model.events and self.model.may_expire(upload):
            self.learn(upload, expiry, f"expiry-{upload.session.upload_id}")

    def compare(self, step: str, upload: UploadModel | None = None, event: EventModel | None = None) -> None:
        """Count one step, and compare its upload and event with the model."""
        self.steps[step] += 1
        if upload is not None:
            self.comparison.upload(upload, now=self.now)
        if event is not None:
            self.comparison.event(event)


def key_of(upload: UploadModel, told: Told) -> tuple[str, ...]:
    """Return what identifies an event, as VOD does."""
    return upload.session.upload_id, told.kind, told.file_id


def asked_of(upload: UploadModel, *, by_stranger: bool) -> tuple[str, str]:
    """Return the user and the upload of a request by its owner or a stranger."""
    return "stranger" if by_stranger else upload.session.user_id, upload.session.upload_id


def is_held(held: Held) -> bool:
    """Return whether a worker holds an event that VOD has not confirmed."""
    return held[1].journaled.outcome == "held"


def is_open(held: Held) -> bool:
    """Return whether a worker holds an event whose attempt it can finish."""
    return is_held(held) or held[1].deliverable


@pytest.mark.usefixtures("patient_store")
def test_store_agrees_with_the_model(valkey: EmbeddedStore) -> None:
    """At least 20,000 steps, always the same ones: each leaves behind what the model says."""
    settings = {"APP_WEBHOOK_URL": ENDPOINT, "READ_BACK": "on"}
    UploadMachine.clock = clock = Clock()
    UploadMachine.service = Service(valkey.url, settings, clock)
    UploadMachine.operators = OperatorStore(valkey.url, StoreScope(STAGE, 604_800))
    UploadMachine.steps = steps = Counter[str]()
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        UploadMachine.client = client
        run_state_machine_as_test(UploadMachine, settings=REPEATABLE)  # type: ignore[no-untyped-call]  # it has no types

    assert steps.total() >= STEPS
    assert set(steps) >= RARE_STEPS


def test_upload_whose_file_is_gone_is_not_looked_after_without_end(valkey_url: str) -> None:
    """Something was told of a file that VOD has no more: at the upload's end the looks at it end too."""
    clock = Clock()
    service = Service(valkey_url, {"READ_BACK": "on"}, clock)
    upload = UploadModel(service.begin(new_session()), ends_well=True, has_task_flow=False)
    service.ingest(event_of(upload, "news", file_of(upload, second=False)))

    clock.now = upload.ends_at
    service.reconciliation(Vod()).run()

    assert service.checks() == {}
    assert [record["origin"] for record in service.records()] == ["pull"]
