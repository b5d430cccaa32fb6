"""What VOD says takes the place of what it has not confirmed, and the app hears it under an id of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import redis

from shared.domain.app_event import PULL, PUSH, RECONCILED
from shared.domain.event_status import IngestOutcome
from shared.domain.ingested_event import Source
from shared.domain.journal import version_name
from shared.domain.session import UploadState
from shared.errors import StoreUnavailableError
from tests.shared.loopback_peer import Reply
from tests.shared.service import new_lease, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, changed, new_session, notification_of, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.session import UploadSession
    from tests.shared.flows.world import World

ORDER = "order-7781"
DAY = 86_400
WEEK = 7 * DAY


@dataclass
class Case:
    """A deployment and the context that a file carries in its VOD.

    Both events end the file's task flow: the lie names a success, the truth a failed subtask. Until
    `show_end`, VOD knows of neither.
    """

    world: World
    session: UploadSession = field(default_factory=new_session)
    context: str = ORDER

    @property
    def lie(self) -> dict[str, Any]:
        """The event that a pusher made up."""
        return changed(self.context)

    @property
    def genuine(self) -> dict[str, Any]:
        """VOD's event of the same name."""
        return changed(self.context, subtask="FAIL")

    def show_end(self) -> None:
        """Let VOD know the file, and the end of its task flow."""
        self.world.vod.kept[FILE_ID] = self.context
        self.world.vod.run(self.genuine)

    def try_to_the_last(self) -> None:
        """Let time pass until nothing is due any more."""
        while self.world.due(after=WEEK):
            self.world.run(after=DAY / 4)
        assert [it["delivery"] for it in self.world.records()] == ["dead"]

    def heard(self, *, verified: bool) -> list[tuple[str, bool]]:
        """Return the ids that the app took, with the success they told of."""
        app = self.world.app
        told = [json.loads(it.body) for it in app.received if app.answer(it).status < 300]
        return [
            (it["id"], it["data"]["procedure"]["succeeded"])
            for it in told
            if it["data"]["verified"] is verified
        ]


@pytest.fixture
def case(world_of_copies: World) -> Case:
    """Return a case in a deployment with the read-back on."""
    return Case(world_of_copies)


def own(case: Case) -> None:
    """Have the file be of an upload of ours."""
    case.context = token_of(case.world.begin(case.session))


def recorded(case: Case) -> None:
    """Lie about an upload made without us, while the app is away."""
    case.world.app.answer = lambda _request: Reply(500)
    assert case.world.deliver(case.lie, PUSH) == "due"


def delivered(case: Case) -> None:
    """Have the app be told the lie, unverified."""
    assert case.world.deliver(case.lie, PUSH) == "delivered"


def dead(case: Case) -> None:
    """Lie until the last attempt to deliver has failed."""
    recorded(case)
    case.try_to_the_last()


def quarantined(case: Case) -> None:
    """Lie while VOD says that the task flow is another context's."""
    case.world.vod.run(changed("another"))
    assert case.world.deliver(case.lie, PUSH) == "quarantined"


def held(case: Case) -> None:
    """Lie about an upload of ours: VOD is to be asked again."""
    own(case)
    assert case.world.deliver(case.lie, PUSH) == "held"


def given_up(case: Case) -> None:
    """Lie about an upload of ours while VOD cannot be asked, until the last attempt."""
    case.world.vod.failing = {"procedure_task"}
    held(case)
    case.try_to_the_last()
    case.world.vod.failing = set()


def disbelieved(case: Case) -> None:
    """Lie about an upload of ours while VOD says that the task flow is another's."""
    own(case)
    quarantined(case)


def applied(case: Case) -> None:
    """Have an upload of ours be moved, and the app told, by the lie, because VOD is not asked."""
    own(case)
    assert case.world.with_settings(READ_BACK="off").deliver(case.lie, PUSH) == "delivered"


LIES: tuple[Callable[[Case], None], ...] = (
    *(recorded, delivered, dead, quarantined),
    *(held, given_up, disbelieved, applied),
)


def test_version_in_a_pulled_batch_is_told_as_if_it_came_alone(case: Case) -> None:
    """What the store refuses of it is told in its place, so that it is not confirmed and comes again."""
    delivered(case)
    case.show_end()
    world = case.world
    source = Source(PULL, int(world.clock()), lease=new_lease())
    prepared = world.ingester.prepare(notification_of(case.genuine), source)
    version = prepared.entry._replace(name=version_name(prepared.entry.name, 0))
    with redis.Redis.from_url(world.redis_url) as client:
        client.set(world.store.key_of(version).key, "no record")
        refused = world.ingester.ingest_all([prepared])
        client.delete(world.store.key_of(version).key)
    taken = world.ingester.ingest_all([prepared])
    world.run(after=60)

    assert [type(it) for it in refused] == [StoreUnavailableError]
    assert taken == [IngestOutcome.RECORDED]
    assert [succeeded for _, succeeded in case.heard(verified=True)] == [False]


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize("origin", [PUSH, PULL, RECONCILED])
@pytest.mark.parametrize("lie", LIES)
def test_what_vod_says_is_told_once_whatever_became_of_the_lie(
    case: Case, lie: Callable[[Case], None], origin: str
) -> None:
    """VOD's own event, by whichever way, reaches the app once, verified, and under an id it has not heard."""
    lie(case)
    case.world.app.answer = lambda _request: Reply(204)
    case.show_end()
    told_before = len(case.world.app.received)

    case.world.deliver(case.genuine, origin)
    case.world.run(after=60)
    for copy in (PUSH, PULL, RECONCILED):
        assert case.world.deliver(case.genuine, copy) == "duplicate"
    assert case.world.deliver(case.lie, PUSH) in ("duplicate", "held")
    case.world.run(after=WEEK / 2)

    (told,) = case.heard(verified=True)
    assert told[1] is False
    assert told[0] not in [at for at, _ in case.heard(verified=False)]
    assert len(case.world.app.received) == told_before + 1
    if case.context != ORDER:
        assert case.world.state(case.session) is UploadState.FAILED


def test_what_vod_does_not_confirm_is_a_copy(case: Case) -> None:
    """Copies of an event that VOD does not know, such as of another sub-application, are not told again."""
    delivered(case)

    for _ in range(3):
        assert case.world.deliver(case.lie, PUSH) in ("held", "duplicate")
    for _ in range(5):
        case.world.run(after=DAY)

    assert len(case.world.app.received) == len(case.heard(verified=False)) == 1


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize("origin", [PUSH, PULL, RECONCILED])
@pytest.mark.parametrize("is_ours", [True, False])
def test_second_end_of_a_task_flow_is_an_event_of_its_own(case: Case, origin: str, *, is_ours: bool) -> None:
    """RedoTask ends a task flow anew under its old id: told once, by whichever ways; its upload is ready."""
    if is_ours:
        own(case)
    case.show_end()
    assert case.world.deliver(case.genuine, origin) == "delivered"
    forged = changed(case.context, subtask="PROCESSING")
    assert case.world.deliver(forged, PUSH) == "duplicate"
    case.world.vod.run(changed(case.context))

    again = [case.world.deliver(changed(case.context), way) for way in (origin, PUSH, PULL, RECONCILED)]
    again += [case.world.deliver(case.genuine, PUSH) for _ in range(2)]

    assert again == ["delivered", *["duplicate"] * 5]
    (first, failed), (second, succeeded) = case.heard(verified=True)
    assert (failed, succeeded, first == second) == (False, True, False)
    if is_ours:
        assert case.world.state(case.session) is UploadState.READY


def test_claim_about_a_file_gives_way_to_what_vod_says(case: Case) -> None:
    """With READ_BACK=off a pushed file is taken as the upload's, until VOD's own event names another."""
    own(case)
    false = uploaded(case.context, file_id=OTHER_FILE_ID)
    assert case.world.with_settings(READ_BACK="off").deliver(false, PUSH) == "delivered"

    case.world.with_settings(READ_BACK="off").deliver(uploaded(case.context), PULL)
    case.world.with_settings(READ_BACK="off").deliver(uploaded(case.context, file_id="3"), PULL)

    told = [json.loads(it.body)["data"] for it in case.world.app.received]
    assert [(it["fileId"], it["verdict"], it["verified"]) for it in told] == [
        (OTHER_FILE_ID, "attributed", False),
        (FILE_ID, "attributed", True),
        ("3", "replayed", True),
    ]
    assert case.world.find(case.session).file_id == FILE_ID
