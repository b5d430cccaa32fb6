"""Proof of the bytes from the request to the app: VOD computes digests of what it has really stored."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import redis
import requests

from functions import event_delivery, reliable_notification
from tests.functions.vod import push, token_in

if TYPE_CHECKING:
    from tests.functions.conftest import Sign
    from tests.local.simulator.account import Account
    from tests.shared.loopback_peer import HttpPeer

CONTEXT = {"request_id": "integrity", "time_limit_in_ms": 55_000}
FILE = b"as the user chose it"
DIGESTS = {name: hashlib.new(name, FILE, usedforsecurity=False).hexdigest() for name in ("md5", "sha1")}


def timer() -> dict[str, Any]:
    """Run the timer that delivers and proves."""
    figures: dict[str, Any] = event_delivery.main_handler({}, CONTEXT)
    return figures


def bring(vod: Account, way: str) -> None:
    """Bring VOD's events as the reliable callback does, or as the normal one."""
    if way == "pull":
        reliable_notification.main_handler({}, CONTEXT)
        return
    for event in vod.api().call_json("PullEvents", {})["Response"]["EventSet"] or ():
        handle = event.pop("EventHandle")
        assert push(event).status == 200
        vod.api().call_json("ConfirmEvents", {"EventHandles": [handle]})


def told(app: HttpPeer) -> list[dict[str, Any]]:
    """Return what the app was told of digests."""
    events = [json.loads(request.body) for request in app.received]
    return [event for event in events if event["type"] == "upload.integrity"]


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("way", ["push", "pull"])
@pytest.mark.parametrize("stored", [FILE, b"changed on the way"])
def test_app_hears_whether_the_stored_bytes_are_those_declared(
    sign: Sign, vod: Account, app: HttpPeer, way: str, stored: bytes
) -> None:
    """Once, and after the event of the file, whichever way VOD's events come."""
    token = token_in(sign({name: digest.upper() for name, digest in DIGESTS.items()}).json["signature"])
    file_id = str(vod.upload(stored, source_context=token)["data"]["fileId"])
    bring(vod, way)
    assert told(app) == []

    assert timer()["proofs"]["begun"] == 1
    for _ in range(2):
        bring(vod, way)
        timer()

    [event] = told(app)
    outcome = "match" if stored == FILE else "mismatch"
    assert (event["data"]["outcome"], event["data"]["fileId"]) == (outcome, file_id)
    assert {each["algorithm"]: each["declared"] for each in event["data"]["digests"]} == DIGESTS
    actual = {hashlib.new(name, stored, usedforsecurity=False).hexdigest() for name in DIGESTS}
    assert {each["actual"] for each in event["data"]["digests"]} == actual
    assert (event["data"]["verified"], event["data"]["uploader"]) == (True, "alice")


@pytest.mark.parametrize("position", ["whole", "withoutContext"])
def test_result_is_found_where_its_event_is_missed(
    services: dict[str, str], sign: Sign, vod: Account, app: HttpPeer, position: str
) -> None:
    """The event is not there yet, or VOD leaves out the task's context: the next look reads the task."""
    switches = {"switches": {"fileAttributes": position}}
    requests.put(f"{vod.url}/local/simulator/faults", json=switches, timeout=10).raise_for_status()
    token = token_in(sign({"md5": DIGESTS["md5"]}).json["signature"])
    vod.upload(FILE, source_context=token)
    bring(vod, "pull")
    timer()
    if position == "withoutContext":
        bring(vod, "pull")
    assert told(app) == []

    with redis.Redis.from_url(services["REDIS_URL"]) as client:
        [index] = client.keys("*:proofs")
        client.zadd(index, dict.fromkeys(client.zrange(index, 0, -1), 0))
    assert timer()["proofs"]["reconciled"] == 1
    timer()

    [event] = told(app)
    assert (event["data"]["outcome"], event["data"]["reconciled"]) == ("match", True)


def test_digests_are_repeated_or_left_out_by_a_renewal(sign: Sign) -> None:
    """Another digest would be that of another file."""
    upload_id = sign(DIGESTS).json["uploadId"]

    for repeated in ({}, {"md5": DIGESTS["md5"].upper()}, DIGESTS):
        assert sign({"uploadId": upload_id, **repeated}).status == 200
    for name, digest in DIGESTS.items():
        refused = sign({"uploadId": upload_id, name: "0" * len(digest)})
        assert (refused.status, refused.pointers) == (422, [f"/{name}"])
