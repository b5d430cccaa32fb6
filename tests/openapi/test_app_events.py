"""The app's events, built from all that VOD is known to send, against their schemas in the document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.openapi.webhooks import WEBHOOK_HEADERS
from shared.domain.app_event import (
    ENFORCEMENT,
    EXPIRY,
    MAX_BODY_BYTES,
    PULL,
    PUSH,
    RECONCILED,
    SPEC_VERSION,
    AppEvent,
    body_of,
    event_id_for,
    to_json,
)
from shared.domain.event_status import Verdict
from shared.http.response import Response
from shared.http.webhook import signed_headers
from shared.invocation_log import passed_on
from shared.runtime.invocation import answer_http
from shared.schema.models.app_event import EVENTS
from shared.vod.context_token import UploadContext
from shared.vod.notification import notification_from_pull, parse_notification
from shared.vod.notification_types import EventNotification
from tests.openapi.schemas import contents, document, faults
from tests.shared.domain.test_app_event import REJECTION, THIRD_OF_ITS_UPLOAD
from tests.shared.uploads import NOW, changed, uploaded

if TYPE_CHECKING:
    from shared.http.request import Request

SAMPLES = sorted((Path(__file__).parents[1] / "samples" / "vod").rglob("*.json"))
SAMPLES_OF_V3 = Path(__file__).parents[1] / "samples" / "vod" / "v3"
ALICE = UploadContext("01M7Q5CQG00000000000000001", "alice", "lesson 3")
NOTHING = EventNotification(event_type="", wire_format="unknown", raw={})
OF_OURS = (Verdict.ATTRIBUTED, Verdict.LATE, Verdict.REPLAYED)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


def notifications(path: Path) -> list[EventNotification]:
    """Read a sample, pushed or pulled."""
    body = json.loads(path.read_bytes())
    answer = body.get("Response", body)
    pulled = answer.get("EventSet") or answer.get("eventList")
    if pulled:
        return [notification_from_pull(item) for item in pulled]
    return [parse_notification(path.read_bytes())]


def told(
    notification: EventNotification,
    *,
    uploader: UploadContext | None = ALICE,
    verdict: Verdict = Verdict.ATTRIBUTED,
    origin: str = PUSH,
    declared: str = "",
) -> dict[str, Any]:
    """Build the app's event as it is sent, and parse it."""
    event = AppEvent(
        event_id=event_id_for("of a test"),
        notification=notification,
        uploader=uploader,
        verdict=verdict,
        verified=uploader is not None,
        sequence=1 if uploader else 0,
        received_at=NOW,
        origin=origin,
        declared=declared,
        rejection=REJECTION if origin == ENFORCEMENT else None,
    )
    sent: dict[str, Any] = json.loads(json.dumps(to_json(event)))
    return sent


def verdicts(notification: EventNotification) -> tuple[Verdict, ...]:
    """Return what an event of ours can be: only a file has a cover."""
    return OF_OURS if notification.file_upload is None else (*OF_OURS, Verdict.COVER_CHANGED)


def model_of(event_type: str) -> str:
    """Name the model of an event's type."""
    return EVENTS["vod.*" if event_type.startswith("vod.") else event_type].__name__


def violations(event: dict[str, Any]) -> list[str]:
    """Return how an event violates the schema of its type, and that of any type."""
    schemas = document()["components"]["schemas"]
    if event["type"] in schemas["AppEvent"]["discriminator"]["mapping"]:
        return faults(event, schemas[model_of(event["type"])]) + faults(event, schemas["AppEvent"])
    return faults(event, schemas["UnlistedVodEvent"])


def all_events() -> list[dict[str, Any]]:
    """Return every event that the samples can become."""
    read = [notification for path in SAMPLES for notification in notifications(path)]
    ours = [
        told(notification, verdict=verdict, origin=origin)
        for notification in read
        for verdict in verdicts(notification)
        for origin in (PUSH, PULL, RECONCILED)
    ]
    foreign = [told(each, uploader=None, verdict=Verdict.UNATTRIBUTED) for each in read]
    declared = [told(each, declared=f"{name}:0") for each in read for name, _ in each.digests]
    own = [told(NOTHING, origin=origin) for origin in (EXPIRY, ENFORCEMENT)]
    return [*ours, *foreign, *declared, *own]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_sample_becomes_an_event_as_documented(path: Path) -> None:
    """Every sample becomes an event that the schema of its type allows."""
    for notification in notifications(path):
        for verdict in verdicts(notification):
            assert violations(told(notification, verdict=verdict)) == []
        assert violations(told(notification, uploader=None, verdict=Verdict.UNATTRIBUTED)) == []


def test_every_type_that_vod_documents_is_listed() -> None:
    """A generated type names each, so that none of the samples is an unlisted one."""
    mapping = document()["components"]["schemas"]["AppEvent"]["discriminator"]["mapping"]

    assert {event["type"] for event in all_events()} - {"vod.Unknown"} <= mapping.keys()
    assert {name for name in mapping if not name.startswith("vod.")} == EVENTS.keys() - {"vod.*"}


def test_document_names_the_version_of_the_events() -> None:
    """One constant is in the document, in each event and in the header."""
    assert document()["info"]["x-event-specversion"] == told(NOTHING)["specversion"] == SPEC_VERSION
    assert signed_headers(b"", event_id="x", now=NOW, secrets=())["webhook-specversion"] == SPEC_VERSION


@pytest.mark.parametrize("size", [0, 400_000, 3_000_000])
def test_large_event_is_as_documented(size: int) -> None:
    """Without `raw` and then with short texts it is still an event of its type, and below the cap."""
    sample = uploaded()
    sample["FileUploadEvent"]["MediaBasicInfo"]["Name"] = "\u5f71" * (size // 3)
    body = body_of(
        THIRD_OF_ITS_UPLOAD._replace(
            event_id=event_id_for("of a test"),
            notification=parse_notification(json.dumps(sample).encode()),
        )
    )
    event = json.loads(body)

    assert len(body) <= MAX_BODY_BYTES
    assert (event["raw"] is None, "truncated" in event) == (size > 0, size > 1_000_000)
    assert violations(event) == []


@pytest.mark.parametrize("origin", [EXPIRY, ENFORCEMENT])
def test_event_of_our_own_is_as_documented(origin: str) -> None:
    """The end of an unused upload, and what was done with a file: nothing is VOD's."""
    assert violations(told(NOTHING, origin=origin)) == []


def test_comparison_of_digests_is_as_documented() -> None:
    """With either digest or both of them, equal or not."""
    [computed] = notifications(SAMPLES_OF_V3 / "DescribeFileAttributesComplete.json")
    equal = [f"{name}:{digest}" for name, digest in computed.digests]

    for declared in ("md5:0", *equal, " ".join(equal)):
        event = told(computed, declared=declared)
        assert violations(event) == []
        assert (event["data"]["outcome"] == "match") == (declared != "md5:0")


def test_every_type_and_member_of_the_document_really_occurs() -> None:
    """Nothing in the document is invented: the samples show all of it."""
    events = all_events()
    members = {(model_of(event["type"]), name) for event in events for name in event["data"]}
    documented = {
        (model.__name__, name)
        for model in EVENTS.values()
        for content in contents(document()["components"]["schemas"][model.__name__])
        for name in content["properties"]
    }

    assert members == documented


@given(st.data())
def test_hostile_values_change_no_shape(data: st.DataObject) -> None:
    """Any value anywhere in an event of VOD's leaves the app's event as documented."""
    body: dict[str, Any] = data.draw(
        st.sampled_from([uploaded("x"), changed("x"), changed(status="PROCESSING")])
    )
    member = next(value for value in body.values() if isinstance(value, dict))
    target = data.draw(st.sampled_from([member, *(v for v in member.values() if isinstance(v, dict))]))
    target[data.draw(st.sampled_from([*target, "MetaData"]))] = data.draw(VALUES)
    notification = parse_notification(json.dumps(body).encode())

    assert violations(told(notification)) == []
    assert violations(told(notification, uploader=None, verdict=Verdict.UNATTRIBUTED)) == []


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("specversion", "2.0"),
        ("id", "1"),
        ("type", "upload.done"),
        ("timestamp", 1),
        ("occurredAt", "today"),
        ("truncated", False),
        ("more", 1),
        ("data", {}),
        ("raw", "text"),
    ],
)
def test_schema_refuses_what_no_event_is(change: str, value: object) -> None:
    """The schemas refuse what is no event."""
    event = told(parse_notification(json.dumps(uploaded()).encode()))

    assert faults({**event, change: value}, document()["components"]["schemas"]["AppEvent"]) != []


@pytest.mark.parametrize("secrets", [(b"first",), (b"first", b"second")], ids=["one", "two"])
def test_headers_of_a_delivery_are_as_documented(secrets: tuple[bytes, ...]) -> None:
    """Every entry of the webhooks has those of the standard, of the version and of the trace."""
    sent = signed_headers(b"{}", event_id=event_id_for("x"), now=NOW, secrets=secrets)

    def deliver(_request: Request) -> Response:
        sent.update(passed_on())
        return Response(204)

    traced = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": "a=1"}
    answer_http(
        {"httpMethod": "POST", "headers": traced}, {"request_id": "r-1"}, methods=("POST",), respond=deliver
    )

    assert [fault for name, value in sent.items() for fault in faults(value, WEBHOOK_HEADERS[name])] == []
    for hook in document()["webhooks"].values():
        named = [parameter["$ref"].rpartition("/")[2] for parameter in hook["post"]["parameters"]]
        assert named == list(sent)
