"""What strangers can make us keep and do: budgets of pushed events, and whose attempts go first."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from local.operator.events_listing import document_of
from shared.domain.app_event import PULL, PUSH, RECONCILED
from shared.domain.event_status import IngestOutcome
from shared.domain.event_text import packed
from shared.store import event_fields
from shared.store import parked as parked_store
from tests.shared.service import client_of, parked, token_of
from tests.shared.uploads import TASK_ID, changed, legacy_change, new_session, uploaded

if TYPE_CHECKING:
    from tests.shared.flows.world import World

DAY = 86_400
OVER = IngestOutcome.OVER_BUDGET
LITTLE = {"FOREIGN_BYTES_PER_DAY": str(1024 * 1024), "PUSHED_EVENTS_PER_UPLOAD": "10"}


@pytest.fixture
def service(world: World) -> World:
    """Return a deployment with small budgets and the read-back on."""
    return world.with_settings(**LITTLE)


def stranger(number: int, *, size: int = 0) -> dict[str, object]:
    """Return an event without a seal, of so many bytes that cannot be compressed to less than half."""
    return {"EventType": "Strange", "Number": number, "Text": secrets.token_hex(size // 2)}


def pushed(service: World, *events: dict[str, Any], origin: str = PUSH) -> list[IngestOutcome]:
    """Ingest events; return what the journal did with each."""
    return [service.ingest(event, origin).journaled.outcome for event in events]


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_what_is_confirmed_goes_before_what_is_sealed_and_that_before_all_others(service: World) -> None:
    """A thousand forgeries that came first delay VOD's own event by no attempt."""
    session = service.begin(new_session())
    for number in range(1000):
        service.ingest(stranger(number), PUSH)
    held = service.ingest(uploaded(token_of(session)), PUSH)
    confirmed = service.ingest(uploaded("of the console", file_id="1"), PULL)
    service.clock.move(60)

    due = service.store.due_events(now=int(service.clock()), limit=10)
    service.run(seconds=10)

    assert [service.store.key_of(it.entry) for it in (confirmed, held)] == list(due[:2])
    assert len(due) == 2 + 16
    first, *others = (it["data"]["fileId"] for it in service.received)
    assert first == "1"
    assert set(others) == {None}, "the forgeries have their turn too"


def test_events_of_one_upload_have_a_budget(service: World) -> None:
    """Beyond it they are parked; another upload's are not, and the truth still comes by reconciliation."""
    token, other = (token_of(service.begin(new_session())) for _ in range(2))
    flows = [changed(token, status="PROCESSING", progress=number) for number in range(11)]

    assert pushed(service, *flows) == [IngestOutcome.HELD] * 10 + [OVER]
    (event,) = parked(service.redis_url)
    assert (event.record["problem"], event.record["whole"]) == (OVER.value, "1")
    assert document_of(event)["raw"] == flows[-1]
    later = pushed(service, flows[0], uploaded(other), uploaded(token))
    assert later == [IngestOutcome.DUPLICATE, IngestOutcome.HELD, OVER]
    assert pushed(service, uploaded(token), origin=RECONCILED) == [IngestOutcome.APPLIED]


def test_upload_whose_record_is_lost_has_a_budget_too(service: World) -> None:
    """What its events take is counted in its record; without one, under a key that makes none of it."""
    kept, lost = (service.begin(new_session()) for _ in range(2))
    with client_of(service.redis_url) as client:
        client.delete(*client.keys(f"*:upload:{lost.upload_id}"))
        for session in (kept, lost):
            flows = [changed(token_of(session), status="PROCESSING", progress=number) for number in range(11)]
            assert pushed(service, *flows) == [IngestOutcome.HELD] * 10 + [OVER]

        assert [key.rpartition(":")[2] for key in client.keys("*:budget:*")] == [lost.upload_id]
        assert client.keys(f"*:upload:{lost.upload_id}") == []


def test_bytes_of_one_upload_have_a_budget(world: World) -> None:
    """Of six events of 400 KB that compress to half, four fit into 1 MiB."""
    token = token_of(world.begin(new_session()))
    events = [uploaded(token, file_id=str(number)) for number in range(6)]
    large = [{**event, "Text": secrets.token_hex(200_000)} for event in events]

    assert pushed(world, *large) == [IngestOutcome.HELD] * 4 + [OVER] * 2


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_store_grows_by_no_more_than_the_budgets(service: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four hundred forgeries of 40 KB, broken seals among them, take what the day and first parts may."""
    monkeypatch.setattr(parked_store, "FIRST_PARTS_BYTES", 100_000)
    seal = token_of(service.begin(new_session()))
    with client_of(service.redis_url) as client:
        service.ingest(stranger(-1, size=40_000), PUSH)
        before = client.info("memory")["used_memory"]

        forgeries = [stranger(number, size=40_000) for number in range(400)]
        for number in range(0, 400, 2):
            forgeries[number] |= uploaded(seal[:-3] + "AAA", file_id=str(number))
        outcomes = pushed(service, *forgeries)

        grown = client.info("memory")["used_memory"] - before
    assert outcomes.count(OVER) > 300
    assert len(parked(service.redis_url)) == 100_000 // (parked_store.PARKED_HEAD + event_fields.RECORD_BYTES)
    assert grown < 1024 * 1024 + 100_000 + 200_000, "the script's and the connection's own, at most"
    assert pushed(service, uploaded("of the console", file_id="1"), origin=PULL) == ["recorded"]
    assert pushed(service, uploaded(seal)) == [IngestOutcome.HELD]
    service.clock.move(DAY)
    assert pushed(service, stranger(1, size=40_000)) == [IngestOutcome.RECORDED]


def test_number_of_strangers_events_has_a_budget(world: World) -> None:
    """However small they are: each is delivered, and may be asked about."""
    service = world.with_settings(FOREIGN_EVENTS_PER_DAY="160")

    assert pushed(service, *map(stranger, range(500))).count(IngestOutcome.RECORDED) <= 160


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_unknown_task_flows_have_a_budget(service: World) -> None:
    """A legacy event of a task flow leaves a mark under its task id, out of the budget of the day."""
    pushed(service, *[legacy_change(task_id=f"{TASK_ID}{number}") for number in range(1500)])

    with client_of(service.redis_url) as client:
        assert 100 < len(client.keys("*:task:*")) <= 1024


def test_record_of_a_release_that_did_not_compress_is_delivered(service: World) -> None:
    """Such a record has the text in it; both forms are read."""
    event = uploaded("of the console")
    at = service.store.key_of(service.ingest(event, PULL).entry)
    with client_of(service.redis_url) as client:
        client.delete(at.body)
        client.hset(at.key, "raw", json.dumps(event))

    assert service.run() == {"delivered": 1}
    assert service.received[0]["raw"] == event


@pytest.mark.parametrize("kind", ["upload", "procedure", "event"])
@pytest.mark.parametrize("version", ["", ".v2"])
def test_name_of_an_event_is_kept_short(kind: str, version: str) -> None:
    """In less than 64 bytes, from which the name is read back; any other name is kept as it is."""
    name = f"{kind}-{secrets.token_hex(32)}.{secrets.token_hex(8)}{version}"
    kept = event_fields.short_name(name)

    assert len(kept) <= 64
    assert event_fields.long_name(kept) == name
    assert event_fields.long_name(name) == name
    assert event_fields.short_name("expiry-01KAPVZ9M80000000000000000") == "expiry-01KAPVZ9M80000000000000000"


@pytest.mark.parametrize("version", ["", ".v2"])
@pytest.mark.parametrize(
    "digests",
    [
        "pAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJw",
        "procedure-009C61O)~M2nh-c3=Iws5D^j+6crX17#SKH9337X.AR!_nBqb&%",
    ],
)
def test_short_names_are_read_in_both_forms(digests: str, version: str) -> None:
    """The digests of the name are the bytes of 0 to 39, in Base64 and as a release before wrote them."""
    digits = bytes(range(40)).hex()

    assert event_fields.long_name(f"{digests}{version}") == f"procedure-{digits[:64]}.{digits[64:]}{version}"


def test_events_take_a_kilobyte_beside_their_text(world: World) -> None:
    """The memory of the store grows by no more for each event that is journaled."""
    service = world.with_settings(PUSHED_EVENTS_PER_UPLOAD="100000")
    token = token_of(service.begin(new_session()))
    service.ingest(uploaded(token), PUSH)
    with client_of(service.redis_url) as client:
        before = client.info("memory")["used_memory"]
        events = [uploaded(token, file_id=str(number)) for number in range(500)]
        ingested = [service.ingest(event, PUSH) for event in events]
        grown = client.info("memory")["used_memory"] - before

    text = sum(len(packed(it.event.notification)) for it in ingested)
    assert grown < text + len(events) * event_fields.RECORD_BYTES
