"""One log line for every invocation, with the fields that docs/operations.md lists (F66, F67)."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import pytest
import redis

from functions import (
    event_delivery,
    event_notification,
    reliable_notification,
    upload_signature,
    upload_status,
)
from local.repository import REPOSITORY
from shared.runtime.log import PART_CHARACTERS
from shared.vod.signature import decode
from tests.functions.deployment import CALLBACK_TOKEN, user_token
from tests.functions.scf import REQUEST_ID, event_of
from tests.functions.vod import begin_upload
from tests.keys import rsa_key
from tests.shared.loopback_peer import HOST, Reply, refused_port
from tests.shared.uploads import uploaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functions.conftest import Deploy
    from tests.local.simulator.account import Account
    from tests.shared.loopback_peer import HttpPeer

    Handler = Callable[[object, object], dict[str, object]]
    Lines = list[dict[str, Any]]

OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
CONTEXT = {"request_id": REQUEST_ID, "time_limit_in_ms": 20_000}
NOT_AN_INVOCATIONS_OWN = {"event.unjournaled", "endpoint.unhealthy", "endpoint.disabled"}


@pytest.fixture
def invoke(logged: Callable[[], Lines]) -> Callable[..., Lines]:
    """Call a handler and read what it logged."""

    def invoke(
        handler: Handler, method: str = "", path: str = "", *, body: object = "", **headers: str
    ) -> Lines:
        sent = {"authorization": f"Bearer {user_token()}", "content-type": "application/json", **headers}
        text = body if isinstance(body, str) else json.dumps(body)
        event = event_of(method, path, headers=sent, body=text) if method else {}
        logged()
        handler(event, CONTEXT)
        return logged()

    return invoke


def documented(heading: str) -> set[str]:
    """Return the names in the first column of a table of the page."""
    table = OPERATIONS.partition(f"| {heading} |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", " ".join(cells)))


def calls_in(line: dict[str, Any]) -> dict[str, int]:
    """Return the number of calls of an invocation, by the called service."""
    return {name[6:]: count for name, count in line.items() if name.startswith("calls_")}


def push(vod: Account, invoke: Callable[..., Lines]) -> Lines:
    """Announce an uploaded file by the callback."""
    token = decode(begin_upload(seconds_ago=60).signature).values["sourceContext"]
    file_id = str(vod.upload(source_context=token)["data"]["fileId"])
    return invoke(
        event_notification.main_handler, "POST", f"/{CALLBACK_TOKEN}", body=uploaded(token, file_id=file_id)
    )


@pytest.mark.usefixtures("services")
def test_signature_is_one_line_and_one_call_of_the_store(invoke: Callable[..., Lines]) -> None:
    """Request, upload, policy and what was waited for; a renewal that is refused names its upload too."""
    [issued] = invoke(upload_signature.main_handler, "POST", "/signature", body={})
    upload_id = issued["uploadId"]
    [renewed] = invoke(upload_signature.main_handler, "POST", "/signature", body={"uploadId": upload_id})
    [refused] = invoke(
        upload_signature.main_handler,
        "POST",
        "/signature",
        body={"uploadId": upload_id},
        authorization=f"Bearer {user_token('bob')}",
    )

    for line in (issued, renewed):
        assert calls_in(line) == {"store": 1}
        assert 0 < line["durations_store"] <= line["durations_total"] < 5000
        assert (line["status"], line["policy"]) == (200, "default")
    assert (issued["requestId"], issued["event"], renewed["event"]) == (
        REQUEST_ID,
        "signature.issued",
        "signature.renewed",
    )
    assert (refused["event"], refused["status"], refused["code"]) == ("request.refused", 404, "not-found")
    assert refused["uploadId"] == renewed["uploadId"] == upload_id


@pytest.mark.usefixtures("services")
def test_every_answer_about_an_upload_is_a_line(invoke: Callable[..., Lines]) -> None:
    """Also those that only read, and a preflight."""
    path = f"/uploads/{begin_upload(seconds_ago=1).upload_id}"
    lines = [
        line
        for method in ("OPTIONS", "GET", "DELETE", "DELETE", "PUT")
        for line in invoke(upload_status.main_handler, method, path)
    ]

    assert [(line["event"], line["status"], calls_in(line)) for line in lines] == [
        ("request.answered", 204, {}),
        ("upload.read", 200, {"store": 1}),
        ("upload.cancelled", 204, {"store": 1}),
        ("upload.cancelled", 204, {"store": 1}),
        ("request.refused", 405, {}),
    ]


@pytest.mark.usefixtures("services")
def test_push_is_one_line_with_all_it_waited_for(invoke: Callable[..., Lines], vod: Account) -> None:
    """Event, upload and outcome; and how long store, VOD and the app took."""
    [line] = push(vod, invoke)

    assert (line["event"], line["outcome"], line["status"]) == ("event.journaled", "delivered", 200)
    assert line["eventId"].startswith("evt_")
    assert len(line["uploadId"]) == 26
    assert calls_in(line) == {"store": 3, "vodApi": 2, "webhook": 1}
    waited = [line[f"durations_{callee}"] for callee in calls_in(line)]
    assert sum(waited) <= line["durations_total"] + 0.2  # each is rounded
    assert min(waited) > 0


def every_kind_of_line(
    invoke: Callable[..., Lines], vod: Account, app: HttpPeer, deploy: Deploy, services: dict[str, str]
) -> Lines:
    """Run through everything that can happen; each invocation must log exactly one line of its own."""
    lines: Lines = []

    def keep(written: Lines) -> Lines:
        own = [line for line in written if line["event"] not in NOT_AN_INVOCATIONS_OWN]
        assert len(own) == 1
        assert "durations_total" in own[0]
        lines.extend(written)
        return written

    [issued] = keep(invoke(upload_signature.main_handler, "POST", "/signature", body={}))
    keep(invoke(upload_signature.main_handler, "POST", "/signature", body={"uploadId": issued["uploadId"]}))
    for method in ("OPTIONS", "GET", "DELETE"):
        keep(invoke(upload_status.main_handler, method, f"/uploads/{issued['uploadId']}"))
    keep(push(vod, invoke))
    keep(invoke(reliable_notification.main_handler))
    app.answer = lambda _request: Reply(410)
    keep(push(vod, invoke))
    keep(invoke(event_delivery.main_handler))
    with redis.Redis.from_url(services["REDIS_URL"], decode_responses=True) as client:
        for marks in client.keys("*:endpoint:*"):
            client.hdel(marks, "disabled_at")
            client.hset(marks, "failing_since", int(time.time()) + 1 - 6 * 86_400)
            client.hdel(marks, "delivered_at")
    keep(invoke(event_delivery.main_handler))
    keep(invoke(upload_signature.main_handler, "POST", "/signature", body={}, authorization=""))
    keep(invoke(event_notification.main_handler, "POST", "/not-a-token", body={}))
    keep(invoke(event_notification.main_handler, "POST", f"/{CALLBACK_TOKEN}", body="no event"))
    with redis.Redis.from_url(services["REDIS_URL"], decode_responses=True) as client:
        (used,) = client.keys("*:parked-bytes")
        client.hset(used, mapping={"bytes": 2**40, "first_parts": 2**40})
    keep(invoke(event_notification.main_handler, "POST", f"/{CALLBACK_TOKEN}", body="no room"))
    deploy(**{**services, "REDIS_URL": f"redis://{HOST}:{refused_port()}/0", "CALLBACK_HOLD_SECONDS": "0"})
    keep(
        invoke(event_notification.main_handler, "POST", f"/{CALLBACK_TOKEN}", body=uploaded("", file_id="1"))
    )
    long = uploaded("", file_id="1" * PART_CHARACTERS)
    keep(invoke(event_notification.main_handler, "POST", f"/{CALLBACK_TOKEN}", body=long))
    keep(invoke(event_delivery.main_handler))
    address = urlsplit(services["REDIS_URL"]).netloc.rpartition("@")[2]
    deploy(**{**services, "REDIS_URL": f"redis://:not-its-password@{address}/0"})
    keep(invoke(event_delivery.main_handler))
    key_set = {"JWT_SECRETS": "", "JWT_JWKS_URL": f"http://{HOST}:{refused_port()}/keys"}
    deploy(**{**services, **key_set})
    token = jwt.encode({"sub": "alice"}, rsa_key(), algorithm="RS256", headers={"kid": "a-key"})
    keep(
        invoke(upload_signature.main_handler, "POST", "/signature", body={}, authorization=f"Bearer {token}")
    )
    deploy(**{**services, "REDIS_URL": "redis://127.0.0.1/0?nosuchoption=1"})
    keep(invoke(upload_signature.main_handler, "POST", "/signature", body={}))
    return lines


def test_operations_page_lists_every_field_and_no_other(
    invoke: Callable[..., Lines],
    vod: Account,
    app: HttpPeer,
    deploy: Deploy,
    services: dict[str, str],
) -> None:
    """The page lists exactly the fields that are logged."""
    lines = every_kind_of_line(invoke, vod, app, deploy, services)
    written = {name for line in lines for name in line}
    figures = {name for name in written if name.startswith("figures_")}
    told = documented("Figure")
    endings = {name for name in figures if name.startswith("figures_deliveries_")}

    assert {line["event"] for line in lines} == documented("`event`")
    assert written - figures == documented("Field") - {"figures_…"}
    assert figures - endings <= told
    assert {"figures_deliveries_…", "figures_deliveries_leftForNextRound"} <= told
    assert {name for name in told if name.startswith(("figures_backlog", "figures_endpoint"))} <= figures
    assert [line for line in lines if any(isinstance(value, (dict, list)) for value in line.values())] == []
