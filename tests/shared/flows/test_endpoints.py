"""Several endpoints with filters (APP_WEBHOOKS): each has its schedule, turns, health and dead letters."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from local.operator.event_store import EventQuery, OperatorStore
from shared.deadline import in_daemon_thread
from shared.domain.event_status import EventStatus
from shared.errors import StoreUnavailableError
from shared.flows.ingest_event import LEASE_SECONDS
from shared.http.webhook import AppWebhook
from shared.store.connection import StoreScope
from shared.store.journal import Store
from shared.vod.context_token import UploadContext, seal
from tests.shared.loopback_peer import HttpPeer, Received, Reply
from tests.shared.service import CONTEXT_KEY, STAGE, token_of
from tests.shared.uploads import FILE_ID, changed, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.shared.flows.world import World

TAKES, FAILS = Reply(204), Reply(503)
HOUR, DAY = 3600, 86_400
SUB_APP, OTHER_SUB_APP = 1500011111, 1500022222
SECRETS = ["whsec_" + "c2VjcmV0LW9mLWJpbGxpbmctd2l0aC0zMi1ieXRlcyEh"]


@pytest.fixture
def billing() -> Iterator[HttpPeer]:
    """Run a second endpoint, which takes every event."""
    with HttpPeer(lambda _request: TAKES) as peer:
        yield peer


def with_endpoints(world: World, *entries: dict[str, Any], **changes: str) -> World:
    """Return the same deployment with these endpoints in place of the single one."""
    webhooks = json.dumps([{"secrets": SECRETS, **entry} for entry in entries])
    single = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": ""}
    return world.with_settings(**single, APP_WEBHOOKS=webhooks, **changes)


@pytest.fixture
def both(world: World, billing: HttpPeer) -> World:
    """Return a deployment with two endpoints, of which `crm` takes all about uploads and `billing` less."""
    return with_endpoints(
        world,
        {"name": "crm", "url": world.app.url, "types": ["upload.*"]},
        {"name": "billing", "url": billing.url, "types": ["procedure.finished", "upload.completed"]},
    )


def told(peer: HttpPeer) -> list[tuple[str, str]]:
    """Return the type and the id of each event that an endpoint has taken, in their order."""
    bodies = [json.loads(it.body) for it in peer.received if peer.answer(it).status < 300]
    return [(it["type"], it["id"]) for it in bodies]


def push(world: World, number: int = 0, *, user: str = "alice", sub_app: int | None = None) -> str:
    """Push the event of a new upload as its function does; return its id."""
    upload_id = new_session(user, issued_at=int(world.clock())).upload_id
    token = seal(UploadContext(upload_id, user, "", sub_app), keys=(CONTEXT_KEY,), stage=STAGE)
    ingested = world.ingest(uploaded(token, file_id=f"{FILE_ID}{number}"), "push")
    world.keep(token, file_id=f"{FILE_ID}{number}")
    world.deliverer(read_back=world.vod, seconds=3.0).deliver(ingested)
    return ingested.event.event_id


def operator_of(world: World) -> OperatorStore:
    """Return the journal as operators see it."""
    return OperatorStore(world.redis_url, StoreScope(STAGE, 604_800))


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_endpoint_that_is_dead_for_a_day_delays_nobody(both: World, billing: HttpPeer) -> None:
    """The other sees each event of its types at once, once; the dead one hears of all when it is back."""
    both.app.answer = lambda _request: FAILS
    ids = []
    for number in range(24):
        ids.append(push(both, number, user=f"user-{number}"))
        heard = len(billing.received)
        both.run()
        assert heard == len(billing.received) == number + 1
        both.clock.move(HOUR)
    assert Counter(told(billing)) == Counter(("upload.completed", it) for it in ids)

    both.app.answer = lambda _request: TAKES
    both.app.received.clear()
    for _ in range(48):
        both.run(after=HOUR)

    assert Counter(told(both.app)) == Counter(("upload.completed", it) for it in ids)
    assert len(billing.received) == 24
    assert both.due(after=10 * DAY) == 0


def test_each_endpoint_hears_what_its_filter_takes(world: World, billing: HttpPeer) -> None:
    """By type and sub-application; one of ours is the deployment's own where its policy names none."""
    two = with_endpoints(
        world,
        {"name": "own", "url": world.app.url, "subApps": [SUB_APP]},
        {"name": "billing", "url": billing.url, "types": ["procedure.*", "vod.FileDeleted"]},
        VOD_SUB_APP_ID=str(SUB_APP),
    )
    own = push(two)
    push(two, 1, sub_app=OTHER_SUB_APP)
    flow = two.ingest(changed(token_of(new_session("bob"))))
    deleted = two.ingest({"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": ["1"]}})
    assert two.run() == {"delivered": 4, "fannedOut": 2}

    assert told(world.app)[0] == ("upload.completed", own)
    assert {kind for kind, _ in told(world.app)[1:]} == {"procedure.finished", "vod.FileDeleted"}
    assert sorted(told(billing)) == [
        ("procedure.finished", flow.event.event_id),
        ("vod.FileDeleted", deleted.event.event_id),
    ]
    assert [it["delivery"] for it in two.records() if it.get("vod_sub_app_id")] == ["kept"]


def test_copy_keeps_id_body_and_signature_of_its_endpoint(both: World, billing: HttpPeer) -> None:
    """Every endpoint hears the same event, under one id; each by its own secret."""
    event_id = push(both)

    (at_crm,), (at_billing,) = both.app.received, billing.received
    assert at_crm.body == at_billing.body
    assert at_crm.headers["webhook-id"] == at_billing.headers["webhook-id"] == event_id


@pytest.mark.parametrize("step", ["before", "after", "second"])
def test_kill_at_any_step_loses_nothing_and_doubles_nothing(
    both: World, billing: HttpPeer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Killed before an event is handed on, between that and the first attempt, and between both attempts."""
    hand_on, send = Store.fan_out, AppWebhook.send

    def killed(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 -- of a method
        if step == "after":
            hand_on(*arguments, **named)
        raise KeyboardInterrupt

    def killed_at_the_second(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 -- as above
        if both.app.received:
            raise KeyboardInterrupt
        return send(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(
            *(AppWebhook, "send", killed_at_the_second) if step == "second" else (Store, "fan_out", killed)
        )
        with pytest.raises(KeyboardInterrupt):
            push(both)
    both.run()
    both.run(after=LEASE_SECONDS)

    assert len(told(both.app)) == 1
    assert told(billing) == told(both.app)
    assert both.due(after=DAY) == 0


def test_hand_over_whose_answer_was_lost_is_not_done_twice(both: World, billing: HttpPeer) -> None:
    """The same worker that asks again, and one whose lease has passed, learn that it is not theirs."""
    ingested = both.ingest(uploaded(token_of(new_session())), "pull")
    assert both.run() == {"delivered": 2, "fannedOut": 1}

    assert both.deliverer().deliver(ingested) == "lost"
    assert both.run() == {}
    assert (len(both.app.received), len(billing.received)) == (1, 1)


def test_health_schedule_and_dead_letters_are_each_endpoints_own(both: World, billing: HttpPeer) -> None:
    """One fails ten times: its copy is a dead letter, which can be retried; the other has the event."""
    both.app.answer = lambda _request: FAILS
    event_id = push(both)
    for _ in range(40):
        both.run(after=3 * HOUR)

    operator = operator_of(both)
    (dead,) = operator.find(EventQuery(EventStatus.DEAD))
    assert (dead.event_id, dead.record["problem"], dead.attempts) == (f"{event_id}@crm", "HTTP 503", 10)
    backlog = both.store.backlog(now=int(both.clock()))
    assert (backlog.dead, backlog.due) == (1, 0)
    assert {name: it.dead for name, it in backlog.of_endpoints.items()} == {"billing": 0, "crm": 1}
    assert operator.endpoint_health(both.app.url).failing_since
    assert operator.endpoint_health(billing.url).failing_since is None

    both.app.answer = lambda _request: TAKES
    assert operator.revive(dead.at, now=int(both.clock()))
    assert both.run() == {"delivered": 1}
    assert told(both.app)[-1] == ("upload.completed", event_id)
    assert len(billing.received) == 1


def test_turns_of_an_upload_are_each_endpoints_own(world: World, billing: HttpPeer) -> None:
    """Where the first event of an upload has failed, the next goes out; elsewhere they come in order."""
    two = with_endpoints(
        world, {"name": "crm", "url": world.app.url}, {"name": "billing", "url": billing.url}
    )
    token = token_of(new_session())
    two.app.answer = lambda it: FAILS if json.loads(it.body)["data"]["sequence"] == 1 else TAKES
    two.ingest(uploaded(token))
    two.ingest(changed(token))
    assert two.run() == {"delivered": 3, "retrying": 1, "fannedOut": 2}
    two.app.answer = lambda _request: TAKES
    two.run(after=5)

    order = ["upload.completed", "procedure.finished"]
    assert [kind for kind, _ in told(billing)] == order
    assert [json.loads(it.body)["type"] for it in two.app.received] == [*order, order[0]]


def test_slow_endpoint_takes_nobody_elses_workers(both: World, billing: HttpPeer) -> None:
    """One answers only after the other has taken everything, which is more than there are workers."""
    small = both.with_settings(DELIVERY_CONCURRENCY="4")
    everything = threading.Event()

    def answer_at_the_end(_request: Received) -> Reply:
        assert everything.wait(30)
        return TAKES

    def count(_request: Received) -> Reply:
        if len(billing.received) == 8:
            everything.set()
        return TAKES

    both.app.answer, billing.answer = answer_at_the_end, count
    for number in range(8):
        small.ingest(uploaded(token_of(new_session(f"user-{number}")), file_id=f"{FILE_ID}{number}"))

    assert small.delivery_run(start=in_daemon_thread).run() == {"delivered": 16, "fannedOut": 8}


def test_failing_endpoint_is_left_to_the_timer(both: World, billing: HttpPeer) -> None:
    """After a minute without a delivery the function that ingests an event does not try it any more."""
    both.app.answer = lambda _request: FAILS
    push(both)
    both.run(after=61)
    tried = len(both.app.received)
    push(both, 1)

    assert (len(both.app.received), len(billing.received)) == (tried, 2)
    both.app.answer = lambda _request: TAKES
    assert both.run()["delivered"] >= 1
    assert len(told(both.app)) >= tried


def test_callback_that_has_used_up_its_time_leaves_the_copies_to_the_timer(
    both: World, billing: HttpPeer
) -> None:
    """Without time nothing is tried; the lease ends, and the timer delivers."""
    ingested = both.ingest(uploaded(token_of(new_session())), "pull")
    assert both.deliverer(seconds=0).deliver(ingested) == "due"
    assert (both.app.received, billing.received) == ([], [])

    assert both.run() == {}
    assert both.run(after=LEASE_SECONDS) == {"delivered": 2}


def test_endpoints_take_the_place_of_a_single_one_and_back(
    world: World, both: World, billing: HttpPeer
) -> None:
    """What was due for the single one is handed on; what was handed on waits until its endpoint is back."""
    world.app.answer = lambda _request: FAILS
    world.ingest(uploaded(token_of(new_session())))
    world.run()
    assert both.run(after=10) == {"delivered": 1, "retrying": 1, "fannedOut": 1}

    world.app.answer = lambda _request: TAKES
    assert world.run(after=10) == {}
    backlog = world.store.backlog(now=int(world.clock()))
    assert (backlog.due, backlog.of_endpoints["crm"].due) == (1, 1)
    assert both.run() == {"delivered": 1}
    assert len(billing.received) == 1


def test_event_that_was_made_without_us_is_asked_about_once(both: World, billing: HttpPeer) -> None:
    """VOD is asked before the event is handed on, and not for each endpoint."""
    everything = with_endpoints(
        both, {"name": "crm", "url": both.app.url}, {"name": "billing", "url": billing.url}
    )
    both.app.answer = lambda _request: FAILS
    ingested = everything.ingest(uploaded("console"), "push")
    everything.deliverer(read_back=everything.vod).deliver(ingested)
    everything.vod.failing = {"media_info"}

    assert everything.run(after=LEASE_SECONDS) == {"retrying": 1}
    assert len(billing.received) == 1


@pytest.mark.parametrize("kept", ["86400", "0"], ids=["record kept", "tombstone alone"])
def test_claim_is_not_sent_once_vods_own_version_has_come(both: World, billing: HttpPeer, kept: str) -> None:
    """Where the claim was taken, both are heard; where it was not, VOD's own version alone, and once."""
    trusting = both.with_settings(READ_BACK="off", DELIVERED_RETENTION_SECONDS=kept)
    both.app.answer = lambda _request: FAILS
    token = token_of(new_session())
    trusting.deliverer().deliver(trusting.ingest(uploaded(token), "push"))
    trusting.deliverer().deliver(trusting.ingest(uploaded(token), "pull"))
    both.app.answer, tried = lambda _request: TAKES, len(both.app.received)
    for _ in range(3):
        trusting.run(after=HOUR)

    heard = [json.loads(it.body) for it in both.app.received[tried:]]
    assert [it["data"]["verified"] for it in heard] == [True]
    assert [json.loads(it.body)["data"]["verified"] for it in billing.received] == [False, True]
    assert len({event_id for _, event_id in told(billing)}) == 2
    assert both.due(after=DAY) == 0
    kept_copies = [it.event_id for it in operator_of(both).find(EventQuery(EventStatus.KEPT))]
    assert kept_copies == [f"{told(billing)[0][1]}@crm"]


@pytest.mark.parametrize("error", [StoreUnavailableError("The store did not answer."), ValueError()])
@pytest.mark.parametrize("failing", ["", "crm"])
def test_run_that_fails_keeps_no_other_from_its_work(
    both: World, billing: HttpPeer, monkeypatch: pytest.MonkeyPatch, failing: str, error: Exception
) -> None:
    """A failure of one endpoint's, or of the one that hands events on, is raised when all have ended."""
    handed_on = both.ingest(uploaded(token_of(new_session())), "pull")
    both.deliverer(seconds=0).deliver(handed_on)
    both.ingest(uploaded(token_of(new_session("bob")), file_id=f"{FILE_ID}1"))
    take, store = both.store.take, type(both.store)

    def fail_for_one(self: object, due: Any, **named: Any) -> Any:  # noqa: ANN401 -- of a method
        assert self
        if due[0].endpoint == failing:
            raise error
        return take(due, **named)

    with monkeypatch.context() as patch:
        patch.setattr(store, "take", fail_for_one)
        with pytest.raises(type(error)):
            both.run(after=LEASE_SECONDS)
    heard = len(both.app.received), len(billing.received)
    both.run()

    assert heard == ((1, 1) if failing == "" else (0, 2))
    assert len(told(both.app)) == len(told(billing)) == 2
