"""One log line for every invocation, with the fields that docs/operations.md lists (F66, F67)."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple
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
from shared.runtime import bootstrap
from shared.runtime.log import PART_CHARACTERS
from shared.vod.signature import decode
from tests.functions.deployment import CALLBACK_TOKEN, CONTEXT_KEY, WEBHOOK_SECRET, WITH_TINY, user_token
from tests.functions.scf import CLIENT_ADDRESS, REQUEST_ID, event_of
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
HEALTH_TOKEN = "a token of who watches the deployment"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOT_AN_INVOCATIONS_OWN = {
    *("event.unjournaled", "endpoint.paused", "endpoint.disabled", "endpoint.removed", "shards.notStarted"),
    "limit.enforced",
}


class Invoker(NamedTuple):
    """Calls handlers, and reads what each invocation logged."""

    logged: Callable[[], Lines]

    def __call__(
        self, handler: Handler, method: str = "", path: str = "", *, body: object = "", **headers: str
    ) -> Lines:
        """Invoke a handler with a request, or as the timer does."""
        sent = {"authorization": f"Bearer {user_token()}", "content-type": "application/json", **headers}
        text = body if isinstance(body, str) else json.dumps(body)
        event = event_of(method, path, headers=sent, body=text) if method else {}
        self.logged()
        handler(event, CONTEXT)
        return self.logged()

    def sign(self, user: str | None = None, **body: object) -> Lines:
        """Ask for a signature; `user` is the Authorization header of another than alice."""
        headers = {} if user is None else {"authorization": user}
        return self(upload_signature.main_handler, "POST", "/signature", body=body, **headers)

    def notify(self, body: object, token: str = CALLBACK_TOKEN) -> Lines:
        """Post a callback."""
        return self(event_notification.main_handler, "POST", f"/{token}", body=body)

    def twice(self, timer: Handler) -> list[Lines]:
        """Invoke a timer two times: what the first run does, the second one tells."""
        return [self(timer) for _ in range(2)]

    def push(self, vod: Account, policy: str = "default", **headers: str) -> Lines:
        """Announce an uploaded file by the callback."""
        issued = begin_upload(seconds_ago=60, policy=policy, fileSize=1)
        token = decode(issued.signature).values["sourceContext"]
        body = uploaded(token, file_id=str(vod.upload(source_context=token)["data"]["fileId"]))
        path = f"/{CALLBACK_TOKEN}"
        return self(event_notification.main_handler, "POST", path, body=body, **headers)


@pytest.fixture
def invoke(logged: Callable[[], Lines]) -> Invoker:
    """Call handlers and read what they logged."""
    return Invoker(logged)


def documented(heading: str) -> set[str]:
    """Return the names in the first column of a table of the page."""
    table = OPERATIONS.partition(f"| {heading} |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", " ".join(cells)))


def calls_in(line: dict[str, Any]) -> dict[str, int]:
    """Return the number of calls of an invocation, by the called service."""
    return {name[6:]: count for name, count in line.items() if name.startswith("calls_")}


@pytest.mark.usefixtures("services")
def test_signature_is_one_line_and_one_call_of_the_store(invoke: Invoker) -> None:
    """Request, upload, policy and what was waited for; a renewal that is refused names its upload too."""
    [issued] = invoke.sign()
    upload_id = issued["uploadId"]
    [renewed] = invoke.sign(uploadId=upload_id)
    [refused] = invoke.sign(f"Bearer {user_token('bob')}", uploadId=upload_id)
    secret_id = bootstrap.upload_signature().settings.vod_secret_id

    for line, event in ((issued, "signature.issued"), (renewed, "signature.renewed")):
        assert calls_in(line) == {"store": 1}
        assert 0 < line["durations_store"] <= line["durations_total"] < 5000
        assert (line["event"], line["status"], line["policy"]) == (event, 200, "default")
        assert (line["requestId"], line["uploadId"]) == (REQUEST_ID, upload_id)
        assert line["user"] == "alice"
        assert line["keyId"] == hashlib.sha256(secret_id.encode()).hexdigest()[:16]
        network = f"{CLIENT_ADDRESS}/32".encode()
        assert line["network"] == hmac.digest(CONTEXT_KEY.encode(), network, "sha256").hex()[:16]
    assert (refused["event"], refused["status"], refused["code"]) == ("request.refused", 404, "not-found")
    assert refused["uploadId"] == upload_id


@pytest.mark.usefixtures("services")
def test_push_is_one_line_with_all_it_waited_for(invoke: Invoker, vod: Account) -> None:
    """Event, upload and outcome; and how long store, VOD and the app took."""
    [line] = invoke.push(vod)

    assert (line["event"], line["outcome"], line["status"]) == ("event.journaled", "delivered", 200)
    assert line["eventId"].startswith("evt_")
    assert len(line["uploadId"]) == 26
    assert calls_in(line) == {"store": 5, "vodApi": 1, "webhook": 1}
    waited = [line[f"durations_{callee}"] for callee in calls_in(line)]
    assert sum(waited) <= line["durations_total"] + 0.2  # each is rounded
    assert min(waited) > 0


@pytest.mark.usefixtures("services")
def test_app_gets_the_request_id_of_the_log_and_the_trace(
    invoke: Invoker, vod: Account, app: HttpPeer
) -> None:
    """An attempt can be found in the log; a request that begins no trace passes none on."""
    [line] = invoke.push(vod, traceparent=TRACEPARENT, tracestate="a=1")
    invoke.push(vod, traceparent="00-x")
    traced, untraced = (request.headers for request in app.received)

    assert line["traceId"] == TRACEPARENT[3:35]
    assert traced["x-request-id"] == untraced["x-request-id"] == line["requestId"]
    assert (traced["traceparent"], traced["tracestate"]) == (TRACEPARENT, "a=1")
    assert "traceparent" not in untraced


@pytest.fixture
def every_kind_of_line(
    invoke: Invoker, vod: Account, app: HttpPeer, deploy: Deploy, services: dict[str, str]
) -> Lines:
    """Run through everything that can happen; each invocation must log exactly one line of its own."""
    lines: Lines = []

    def keep(written: Lines) -> Lines:
        own = [line for line in written if line["event"] not in NOT_AN_INVOCATIONS_OWN]
        assert len(own) == 1
        assert "durations_total" in own[0]
        lines.extend(written)
        return written

    [issued] = keep(invoke.sign())
    keep(invoke.sign(uploadId=issued["uploadId"]))
    for method in ("OPTIONS", "GET", "DELETE"):
        keep(invoke(upload_status.main_handler, method, f"/uploads/{issued['uploadId']}"))
    keep(invoke(upload_status.main_handler, "GET", "/uploads"))
    keep(invoke.push(vod, traceparent=TRACEPARENT))
    deploy(**{**services, "UPLOAD_POLICIES": WITH_TINY})
    for line in (invoke.push(vod, "tiny"), *invoke.twice(event_delivery.main_handler)):
        keep(line)
    keep(invoke(reliable_notification.main_handler))
    deploy(**{**services, "PULL_SHARDS": "2", "INVOKE_API_URL": f"http://{HOST}:{refused_port()}"})
    keep(invoke(reliable_notification.main_handler))
    deploy(**services, HEALTH_TOKEN=HEALTH_TOKEN)
    keep(invoke(upload_status.main_handler, "GET", "/health", authorization=f"Bearer {HEALTH_TOKEN}"))
    app.answer = lambda _request: Reply(410)
    keep(invoke.push(vod))
    keep(invoke(event_delivery.main_handler))
    with redis.Redis.from_url(services["REDIS_URL"], decode_responses=True) as client:
        for marks in client.keys("*:endpoint:*"):
            client.hdel(marks, "disabled_at", "delivered_at")
            client.hset(marks, "failing_since", int(time.time()) + 1 - 6 * 86_400)
        keep(invoke(event_delivery.main_handler))
        keep(invoke.sign(""))
        keep(invoke.notify({}, token="not-a-token"))
        keep(invoke.notify("no event"))
        (used,) = client.keys("*:parked-bytes")
        client.hset(used, mapping={"bytes": 2**40, "first_parts": 2**40})
        client.sadd("vuf:{test.0}:endpoints", "crm")
        client.zadd("vuf:{test.0}:due:crm", {"vuf:{test.0}:event:0@crm": 0})
    keep(invoke.notify("no room"))
    single = {"APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": ""}
    entry = {"name": "billing", "url": app.url, "secrets": WEBHOOK_SECRET}
    deploy(**{**services, **single}, APP_WEBHOOKS=json.dumps([entry]))
    keep(invoke(event_delivery.main_handler))
    deploy(**{**services, "REDIS_URL": f"redis://{HOST}:{refused_port()}/0", "CALLBACK_HOLD_SECONDS": "0"})
    for file_id in ("1", "1" * PART_CHARACTERS):
        keep(invoke.notify(uploaded("", file_id=file_id)))
    keep(invoke(event_delivery.main_handler))
    address = urlsplit(services["REDIS_URL"]).netloc.rpartition("@")[2]
    deploy(**{**services, "REDIS_URL": f"redis://:not-its-password@{address}/0"})
    keep(invoke(event_delivery.main_handler))
    key_set = {"JWT_SECRETS": "", "JWT_JWKS_URL": f"http://{HOST}:{refused_port()}/keys"}
    deploy(**{**services, **key_set})
    token = jwt.encode({"sub": "alice"}, rsa_key(), algorithm="RS256", headers={"kid": "a-key"})
    keep(invoke.sign(f"Bearer {token}"))
    deploy(**{**services, "REDIS_URL": "redis://127.0.0.1/0?nosuchoption=1"})
    keep(invoke.sign())
    return lines


def test_operations_page_lists_every_field_and_no_other(every_kind_of_line: Lines) -> None:
    """The page lists exactly the fields that are logged."""
    lines = every_kind_of_line
    written = {name for line in lines for name in line}
    figures = {name for name in written if name.startswith("figures_")}
    told = documented("Figure")
    counted = ("figures_deliveries_", "figures_endpoints_")
    endings = {name for name in figures if name.startswith(counted)}

    assert {line["event"] for line in lines} == documented("`event`")
    assert written - figures == documented("Field") - {"figures_…"}
    assert figures - endings <= told
    assert {"figures_deliveries_…", "figures_endpoints_…", "figures_deliveries_leftForNextRound"} <= told
    assert {name for name in told if name.startswith(("figures_backlog", "figures_endpoint_"))} <= figures
    assert [line for line in lines if any(isinstance(value, (dict, list)) for value in line.values())] == []
