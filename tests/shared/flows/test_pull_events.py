from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
import redis

from local.simulator.faults import Fault
from shared.domain.ingested_event import Source
from shared.errors import StoreUnavailableError, VodApiError
from shared.flows.pull_events import CONFIRM_SECONDS, HANDLE_SECONDS, PULL_SECONDS
from shared.store import journal
from shared.store.parked import FAILURES_BEFORE_PARKING
from shared.vod.context_token import UploadContext, seal
from tests.shared.loopback_peer import HOST, RawPeer, relay_to
from tests.shared.service import CONTEXT_KEY, STAGE, Service, new_lease, token_of
from tests.shared.uploads import FILE_ID, new_session, notification_of, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.flows.pull_events import EventQueue
    from tests.local.simulator.account import Account

HANDLE_LIFE = 30.0
SOURCE = Source("pull", 0, "a-lease")
NOTHING = {"pulled": 0, "confirmed": 0, "parked": 0, "failed": 0, "emptied": 1}


@pytest.fixture
def service(valkey_url: str, vod: Account) -> Service:
    """Return a deployment with an empty store, whose clock is VOD's."""
    return Service(valkey_url, {"VOD_API_URL": vod.url, "READ_BACK": "on"}, vod.clock)


def left_in(vod: Account) -> int:
    """Return the number of events that are not confirmed."""
    return int(vod.query("SELECT COUNT(*) FROM pull_queue")[0][0])


def new_events(count: int) -> list[dict[str, Any]]:
    """Return the events of so many uploads."""
    return [uploaded(token_of(new_session(f"u{n}")), file_id=f"{FILE_ID}{n}") for n in range(count)]


def files_in(service: Service) -> list[str]:
    """Return the files that the journal knows of, once for each event."""
    uploads = [json.loads(record["raw"])["FileUploadEvent"]["FileId"] for record in service.records()]
    return sorted(uploads)


def files_of(events: list[dict[str, Any]]) -> list[str]:
    """Return the files that these events are about."""
    return sorted(event["FileUploadEvent"]["FileId"] for event in events)


@dataclass
class Watched:
    """VOD's queue, recorded, with a callback after each pull."""

    queue: EventQueue
    service: Service
    after_pull: Callable[[], None] = lambda: None
    pulled: list[int] = field(default_factory=list)
    journaled_at_confirmation: list[tuple[int, int]] = field(default_factory=list)

    def pull_events(self, *, timeout_seconds: float) -> tuple[dict[str, object], ...]:
        """Pull, and record how many events came."""
        assert timeout_seconds == PULL_SECONDS
        items = self.queue.pull_events(timeout_seconds=timeout_seconds)
        self.pulled.append(len(items))
        self.after_pull()
        return items

    def confirm_events(self, event_handles: Sequence[str], *, timeout_seconds: float) -> None:
        """Record the number of handles and of journaled events, and confirm."""
        assert timeout_seconds == CONFIRM_SECONDS
        self.journaled_at_confirmation.append((len(event_handles), len(self.service.records())))
        self.queue.confirm_events(event_handles, timeout_seconds=timeout_seconds)


def test_queue_is_emptied_into_the_journal_batch_by_batch(service: Service, vod: Account) -> None:
    """At most 16 events come at a time; when they are confirmed the journal has all, due at once."""
    service = replace(service, changes={**service.changes, "APP_WEBHOOK_URL": "https://app.example.test"})
    events = new_events(20)
    vod.emit(*events)
    watched = Watched(service.vod_api, service)

    assert service.pulling(watched).run() == NOTHING | {"pulled": 20, "journaled": 20, "confirmed": 20}
    assert watched.pulled == [16, 4, 0]
    assert watched.journaled_at_confirmation == [(16, 16), (4, 20)]
    assert files_in(service) == files_of(events)
    assert left_in(vod) == 0
    assert service.due() == 20


def test_events_of_other_kinds_are_journaled_and_confirmed(service: Service, vod: Account) -> None:
    """What nobody here has heard of, and what belongs to no upload of ours, is taken off the queue too."""
    vod.emit({"EventType": "SomethingNew", "SomethingNewEvent": {"A": [1]}}, {}, uploaded("order-7781"))

    assert service.pulling().run() == NOTHING | {"pulled": 3, "journaled": 3, "confirmed": 3}
    assert len(service.records()) == 3


class CutBeforeTheFourth(list[bytes]):
    """What a relay has heard, which loses its connections before the fourth event."""

    def append(self, piece: bytes) -> None:
        """Hear a piece."""
        super().append(piece)
        if sum(b"EVALSHA" in it for it in self) > 3:
            raise ConnectionError


def test_store_that_goes_down_stops_the_confirmations(
    service: Service, vod: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was journaled before is confirmed, the rest is not, and comes again when the store is back."""
    events = new_events(7)
    vod.emit(*events)
    upstream = urlsplit(service.redis_url)
    # Each event is a piece of its own.
    monkeypatch.setattr(journal, "PIECE_BYTES", 1)
    with RawPeer(relay_to(int(upstream.port or 0), CutBeforeTheFourth())) as relay:
        behind = replace(service, redis_url=f"redis://:{upstream.password}@{HOST}:{relay.port}/0")
        service.ingester.ingest(notification_of(uploaded("order-7781")), SOURCE)
        with pytest.raises(StoreUnavailableError):
            behind.pulling().run()

    assert len(service.records()) == 1 + 3
    assert left_in(vod) == 4
    vod.clock.moved_by += HANDLE_LIFE + 1
    assert service.pulling().run()["confirmed"] == 4
    assert files_in(service) == sorted([FILE_ID, *files_of(events)])


def test_refusal_of_one_event_stops_its_own_confirmation(service: Service, vod: Account) -> None:
    """What the store refuses of a batch comes again; the others are journaled and confirmed at once."""
    events = new_events(3)
    vod.emit(*events)
    in_the_way = service.store.key_of(service.ingester.prepare(notification_of(events[1]), SOURCE).entry)
    with redis.Redis.from_url(service.redis_url) as client:
        client.set(in_the_way.key, "no record")
        with pytest.raises(StoreUnavailableError) as failure:
            service.pulling().run()
        client.delete(in_the_way.key)

    assert failure.value.store_code == "WRONGTYPE"
    assert left_in(vod) == 1
    vod.clock.moved_by += HANDLE_LIFE + 1
    assert service.pulling().run()["confirmed"] == 1
    assert files_in(service) == files_of(events)


def test_batch_is_one_round_trip_and_a_large_one_has_as_many_as_it_needs(
    service: Service, vod: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen events go to the store in one piece, unless they are larger than a piece may be."""
    sent: list[bytes] = []
    upstream = urlsplit(service.redis_url)
    trips = []
    with RawPeer(relay_to(int(upstream.port or 0), sent)) as relay:
        behind = replace(service, redis_url=f"redis://:{upstream.password}@{HOST}:{relay.port}/0")
        behind.ingester.ingest(notification_of(uploaded("order-7781")), SOURCE)
        for piece_bytes in (10**6, 10**3):
            monkeypatch.setattr(journal, "PIECE_BYTES", piece_bytes)
            vod.emit(*new_events(16))
            before = len(sent)
            behind.pulling().run()
            trips.append(len(sent) - before)

    assert trips == [1, 16]


def test_store_that_stumbles_is_no_failure_of_the_event(service: Service, vod: Account) -> None:
    """An answer that comes too late ends the run, and is not counted on the way to parking."""
    vod.emit(*new_events(1))
    with redis.Redis.from_url(service.redis_url) as client:

        def pause_the_store() -> str:
            client.client_pause(60_000, all=False)
            return new_lease()

        run = service.pulling()._replace(new_lease=pause_the_store)
        with pytest.raises(StoreUnavailableError):
            run.run()

        client.client_unpause()
        assert list(client.scan_iter("*:poison:*")) == []
    assert left_in(vod) == 1


@pytest.mark.parametrize(("passed", "confirmed"), [(HANDLE_SECONDS - 5, 2), (HANDLE_SECONDS + 0.1, 0)])
def test_confirmation_is_not_tried_when_the_handles_are_almost_over(
    service: Service, vod: Account, passed: float, confirmed: int
) -> None:
    """After 25 of its 30 seconds a handle is not used any more; the events come again, as duplicates."""
    vod.emit(*new_events(2))
    slow = iter([passed, 0.0])

    def take_long() -> str:
        vod.clock.moved_by += next(slow)
        return new_lease()

    figures = service.pulling()._replace(new_lease=take_long).run()

    assert (figures["journaled"], figures["confirmed"]) == (2, confirmed)
    vod.clock.moved_by += HANDLE_LIFE + 1
    assert service.pulling().run()["confirmed"] == 2 - confirmed
    assert left_in(vod) == 0
    assert len(service.records()) == 2


def test_pull_that_fails_is_told_after_what_came_before_is_safe(service: Service, vod: Account) -> None:
    """The first batch is journaled and confirmed although the second pull fails; the rest comes later."""
    events = new_events(20)
    vod.emit(*events)
    failing = Watched(
        service.vod_api, service, lambda: vod.simulator.faults.set([Fault("PullEvents", "error")])
    )

    with pytest.raises(VodApiError):
        service.pulling(failing).run()

    assert (len(service.records()), left_in(vod)) == (16, 4)
    assert service.pulling().run()["confirmed"] == 4
    assert files_in(service) == files_of(events)


def test_confirmation_that_fails_makes_duplicates_and_nothing_else(service: Service, vod: Account) -> None:
    """The events come again when their handles are over, are known, and are confirmed then."""
    events = new_events(3)
    vod.emit(*events)
    vod.simulator.faults.set([Fault("ConfirmEvents", "error")])

    with pytest.raises(VodApiError):
        service.pulling().run()
    assert left_in(vod) == 3
    before = sorted(service.records(), key=lambda record: record["name"])

    vod.clock.moved_by += HANDLE_LIFE + 1
    assert service.pulling().run()["confirmed"] == 3
    assert left_in(vod) == 0
    assert sorted(service.records(), key=lambda record: record["name"]) == before


def nested(depth: int) -> dict[str, Any]:
    """Return an event nested so deep."""
    event: dict[str, Any] = {}
    for _ in range(depth):
        event = {"Deeper": event}
    return {"EventType": "NewFileUpload", **event}


def sealed(*parts: object) -> dict[str, Any]:
    """Return an event with a token that no version of ours would seal."""
    context = UploadContext(*cast("tuple[str, str, str]", parts))
    return uploaded(seal(context, keys=(CONTEXT_KEY,), stage=STAGE))


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(nested(70), id="nested too deep"),
        pytest.param(sealed(new_session().upload_id, None, ""), id="no user"),
    ],
)
def test_poison_is_parked_and_holds_up_nobody(service: Service, vod: Account, poison: dict[str, Any]) -> None:
    """An event that fails for itself is left in the queue four times, then parked and confirmed."""
    others = new_events(2)
    vod.emit(others[0], poison, others[1])

    first = service.pulling().run()
    assert (first["failed"], first["journaled"], first["confirmed"]) == (1, 2, 2)
    for _ in range(FAILURES_BEFORE_PARKING - 2):
        vod.clock.moved_by += HANDLE_LIFE + 1
        assert service.pulling().run() == NOTHING | {"pulled": 1, "failed": 1}
    vod.clock.moved_by += HANDLE_LIFE + 1
    assert service.pulling().run() == NOTHING | {"pulled": 1, "parked": 1, "confirmed": 1}

    assert left_in(vod) == 0
    assert files_in(service) == files_of(others)
    with redis.Redis.from_url(service.redis_url, decode_responses=True) as client:
        [index] = client.scan_iter("*:parked")
        record = client.hgetall(client.zrange(index, 0, 0)[0])
    assert json.loads(record["raw"]) == {**poison, "EventHandle": ""}
    assert record["failures"] == str(FAILURES_BEFORE_PARKING)


def test_run_does_not_begin_what_it_cannot_end(service: Service, vod: Account) -> None:
    """With less time than a pull and a confirmation may take, VOD is not asked."""
    vod.emit(*new_events(1))

    figures = service.pulling(seconds=PULL_SECONDS + CONFIRM_SECONDS).run()

    assert figures == NOTHING | {"emptied": 0}
    assert left_in(vod) == 1


def test_run_ends_in_time_and_tells_of_a_backlog(service: Service, vod: Account) -> None:
    """When the time is up the rest stays in the queue, and the figures do not say that it is empty."""
    vod.emit(*new_events(20))

    def take_five_seconds() -> None:
        vod.clock.moved_by += 5

    watched = Watched(service.vod_api, service, take_five_seconds)
    figures = service.pulling(watched, seconds=18).run()

    assert figures == NOTHING | {"pulled": 16, "journaled": 16, "confirmed": 16, "emptied": 0}
    assert left_in(vod) == 4


def test_event_without_a_handle_is_journaled_all_the_same(service: Service) -> None:
    """It cannot be confirmed; the others are."""
    events = new_events(3)
    legacy = {"version": "4.0", "eventType": "FileDeleted", "data": {"status": 0}}
    batch = (events[0], {**events[1], "EventHandle": "h-1"}, {**legacy, "EventHandle": "h-2"})
    # The real queue would not return such a batch.
    queue = Mock(pull_events=Mock(side_effect=[batch, ()]))

    assert service.pulling(queue).run() == NOTHING | {"pulled": 3, "journaled": 3, "confirmed": 2}
    queue.confirm_events.assert_called_once_with(["h-1", "h-2"], timeout_seconds=CONFIRM_SECONDS)
    assert len(service.records()) == 3
