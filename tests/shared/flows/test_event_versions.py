"""What VOD says takes the place of what it has not confirmed, and the app hears it under an id of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.app_event import PULL, PUSH, RECONCILED
from shared.domain.session import UploadState
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.shared.service import Clock, Service, token_of
from tests.shared.uploads import FILE_ID, OTHER_FILE_ID, changed, new_session, uploaded
from tests.shared.vod_records import Records

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.session import UploadSession

ORDER = "order-7781"
DAY = 86_400
WEEK = 7 * DAY


@dataclass
class World:
    """A deployment, its app and its VOD; `context` is what the file carries.

    Both events end its task flow: the lie names a success, the truth a failed subtask. Until `show_end`,
    VOD knows of neither.
    """

    service: Service
    app: HttpPeer
    records: Records = field(default_factory=Records)
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
        self.records.kept[FILE_ID] = self.context
        self.records.run(self.genuine)

    def bring(self, event: dict[str, Any], origin: str, *, read_back: str = "on") -> str:
        """Ingest an event by one of the ways, and make its first attempt."""
        changes = {**self.service.changes, "READ_BACK": read_back}
        service = replace(self.service, changes=changes)
        deliverer = replace(service.delivery_run(), read_back=lambda: self.records)
        return deliverer.deliver(service.ingest(event, origin))

    def pass_time(self, seconds: float = 60) -> None:
        """Let time pass, and the timer deliver what is due."""
        assert isinstance(self.service.clock, Clock)
        self.service.clock.move(seconds)
        replace(self.service.delivery_run(), read_back=lambda: self.records).run()

    def heard(self, *, verified: bool) -> list[tuple[str, bool]]:
        """Return the ids that the app took, with the success they told of."""
        bodies = [json.loads(it.body) for it in self.app.received if self.app.answer(it).status < 300]
        told = [(it["id"], it["data"]) for it in bodies]
        return [(at, it["procedure"]["succeeded"]) for at, it in told if it["verified"] is verified]


@pytest.fixture
def world(valkey_url: str, app: HttpPeer) -> World:
    """Return a deployment with the read-back on."""
    changes = {"READ_BACK": "on", "APP_WEBHOOK_URL": app.url}
    return World(Service(valkey_url, changes, Clock(), wait=lambda _seconds: None), app)


def own(world: World) -> None:
    """Have the file be of an upload of ours."""
    world.context = token_of(world.service.begin(world.session))


def recorded(world: World) -> None:
    """Lie about an upload made without us, while the app is away."""
    world.app.answer = lambda _request: Reply(500)
    assert world.bring(world.lie, PUSH) == "due"


def delivered(world: World) -> None:
    """Have the app be told the lie, unverified."""
    assert world.bring(world.lie, PUSH) == "delivered"


def dead(world: World) -> None:
    """Lie until the last attempt to deliver has failed."""
    recorded(world)
    while world.service.due(after=WEEK):
        world.pass_time(DAY)
    assert [it["delivery"] for it in world.service.records()] == ["dead"]


def quarantined(world: World) -> None:
    """Lie while VOD says that the task flow is another context's."""
    world.records.run(changed("another"))
    assert world.bring(world.lie, PUSH) == "quarantined"


def held(world: World) -> None:
    """Lie about an upload of ours: VOD is to be asked again."""
    own(world)
    assert world.bring(world.lie, PUSH) == "held"


def given_up(world: World) -> None:
    """Lie about an upload of ours while VOD cannot be asked, until the last attempt."""
    world.records.failing = {"procedure_task"}
    held(world)
    while world.service.due(after=WEEK):
        world.pass_time(DAY)
    world.records.failing = set()
    assert [it["delivery"] for it in world.service.records()] == ["dead"]


def disbelieved(world: World) -> None:
    """Lie about an upload of ours while VOD says that the task flow is another's."""
    own(world)
    quarantined(world)


def applied(world: World) -> None:
    """Have an upload of ours be moved, and the app told, by the lie, because VOD is not asked."""
    own(world)
    assert world.bring(world.lie, PUSH, read_back="off") == "delivered"


LIES: tuple[Callable[[World], None], ...] = (
    *(recorded, delivered, dead, quarantined),
    *(held, given_up, disbelieved, applied),
)


@pytest.mark.parametrize("origin", [PUSH, PULL, RECONCILED])
@pytest.mark.parametrize("lie", LIES)
def test_what_vod_says_is_told_once_whatever_became_of_the_lie(
    world: World, lie: Callable[[World], None], origin: str
) -> None:
    """VOD's own event, by whichever way, reaches the app once, verified, and under an id it has not heard."""
    lie(world)
    world.app.answer = lambda _request: Reply(204)
    world.show_end()
    told_before = len(world.app.received)

    world.bring(world.genuine, origin)
    world.pass_time()
    for copy in (PUSH, PULL, RECONCILED):
        assert world.bring(world.genuine, copy) == "duplicate"
    assert world.bring(world.lie, PUSH) in ("duplicate", "held")
    world.pass_time(WEEK / 2)

    (told,) = world.heard(verified=True)
    assert told[1] is False
    assert told[0] not in [at for at, _ in world.heard(verified=False)]
    assert len(world.app.received) == told_before + 1
    if world.context != ORDER:
        assert world.service.state(world.session) is UploadState.FAILED


def test_what_vod_does_not_confirm_is_a_copy(world: World) -> None:
    """Copies of an event that VOD does not know, such as of another sub-application, are not told again."""
    delivered(world)

    for _ in range(3):
        assert world.bring(world.lie, PUSH) in ("held", "duplicate")
    for _ in range(5):
        world.pass_time(DAY)

    assert len(world.app.received) == 1
    assert [it["verified"] for it in world.service.records()] == ["0"]


@pytest.mark.parametrize("origin", [PUSH, PULL, RECONCILED])
@pytest.mark.parametrize("is_ours", [True, False])
def test_second_end_of_a_task_flow_is_an_event_of_its_own(
    world: World, origin: str, *, is_ours: bool
) -> None:
    """RedoTask ends a task flow anew under its old id: told once, by whichever ways; its upload is ready."""
    if is_ours:
        own(world)
    world.show_end()
    assert world.bring(world.genuine, origin) == "delivered"
    forged = changed(world.context, subtask="PROCESSING")
    assert world.bring(forged, PUSH) == "duplicate"
    world.records.run(changed(world.context))

    again = [world.bring(changed(world.context), way) for way in (origin, PUSH, PULL, RECONCILED)]
    again += [world.bring(world.genuine, PUSH) for _ in range(2)]

    assert again == ["delivered", *["duplicate"] * 5]
    (first, failed), (second, succeeded) = world.heard(verified=True)
    assert (failed, succeeded, first == second) == (False, True, False)
    if is_ours:
        assert world.service.state(world.session) is UploadState.READY


def test_claim_about_a_file_gives_way_to_what_vod_says(world: World) -> None:
    """With READ_BACK=off a pushed file is taken as the upload's, until VOD's own event names another."""
    own(world)
    false = uploaded(world.context, file_id=OTHER_FILE_ID)
    assert world.bring(false, PUSH, read_back="off") == "delivered"

    world.bring(uploaded(world.context), PULL, read_back="off")
    world.bring(uploaded(world.context, file_id="3"), PULL, read_back="off")

    told = [json.loads(it.body)["data"] for it in world.app.received]
    assert [(it["fileId"], it["verdict"], it["verified"]) for it in told] == [
        (OTHER_FILE_ID, "attributed", False),
        (FILE_ID, "attributed", True),
        ("3", "replayed", True),
    ]
    assert world.service.find(world.session).file_id == FILE_ID
