"""What each kind of fault does to the simulator's clients: callbacks, pulls, upload calls, storage."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # no stubs exist

from local.simulator.faults import Fault
from shared.config.settings import VodApiSettings, load_settings
from shared.errors import VodApiError
from shared.vod_api import VodApi
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.simulator.faults import Kind


@pytest.fixture(scope="module")
def callback() -> Iterator[HttpPeer]:
    """Run the app's callback address, which answers 200 at once."""
    with HttpPeer(lambda _request: Reply()) as peer:
        yield peer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, callback: HttpPeer) -> Iterator[Account]:
    """Start one account that pushes."""
    with Account(tmp_path_factory.mktemp("faulty"), callback_url=callback.url) as account:
        yield account


@pytest.fixture
def pushing(served: Account, callback: HttpPeer) -> Iterator[Account]:
    """Return the account, with nothing received yet, and reset its dial afterwards."""
    callback.received.clear()
    yield served
    served.simulator.faults.set([])


@pytest.fixture
def pulling(served: Account) -> Iterator[Account]:
    """Return the same account in pull mode, at the real time."""
    _configure(served, mode="PULL")
    yield served
    served.simulator.faults.set([])
    served.clock.moved_by = 0
    _configure(served, mode="PUSH")


def test_reordered_push_goes_behind_the_next(pushing: Account, callback: HttpPeer) -> None:
    """An event that is held back is sent as soon as a later one has gone."""
    _dial(pushing, Fault("Push", "reorder", seconds=30))
    for number in range(3):
        _emit(pushing, number)

    assert sorted(_numbers(callback, 3)) == [0, 1, 2]
    assert _numbers(callback, 3)[0] != 0


def test_reordered_push_that_nothing_follows_goes_all_the_same(pushing: Account, callback: HttpPeer) -> None:
    """No event waits for ever to be overtaken."""
    _dial(pushing, Fault("Push", "reorder", seconds=0.1))
    _emit(pushing, 1)

    assert _numbers(callback, 1) == [1]


def test_delayed_push_is_overtaken(pushing: Account, callback: HttpPeer) -> None:
    """The others do not wait for it."""
    _dial(pushing, Fault("Push", "delay", seconds=0.5))
    _emit(pushing, 1)
    _emit(pushing, 2)

    assert _numbers(callback, 2) == [2, 1]


def test_delayed_push_goes_as_soon_as_the_rules_are_replaced(pushing: Account, callback: HttpPeer) -> None:
    """A test holds an event for as long as it needs, and then releases it."""
    _dial(pushing, Fault("Push", "delay", seconds=3600))
    _emit(pushing, 1)
    _emit(pushing, 2)
    before = _numbers(callback, 1)
    _dial(pushing)

    assert (before, _numbers(callback, 2)) == ([2], [2, 1])


def test_slow_push_arrives_whole(pushing: Account, callback: HttpPeer) -> None:
    """Its body drips in, with the length announced, and nothing of it is missing."""
    _dial(pushing, Fault("Push", "slow", seconds=0.5))
    started = time.monotonic()
    _emit(pushing, 1)

    assert _numbers(callback, 1) == [1]
    assert time.monotonic() - started >= 0.5


@pytest.mark.parametrize(
    ("kind", "ingested_events"), [("error", 1), ("drop-reply", 2), ("duplicate", 2), ("drop", 0)]
)
def test_vod_sends_again_what_was_not_answered(
    pushing: Account,
    callback: HttpPeer,
    kind: Kind,
    ingested_events: int,
) -> None:
    """A lost send is repeated, a lost answer doubles the event, and one that is dropped never comes."""
    _dial(pushing, Fault("Push", kind))
    _emit(pushing, 1)
    wait_until(lambda: pushing.simulator.faults.present == ())
    _emit(pushing, 2)
    wait_until(
        lambda: _numbers(callback, 0).count(2) == 1 and _numbers(callback, 0).count(1) == ingested_events
    )

    assert len(callback.received) == ingested_events + 1


def test_corrupt_push_is_no_json(pushing: Account, callback: HttpPeer) -> None:
    """Half a body arrives, under its own length."""
    _dial(pushing, Fault("Push", "corrupt"))
    _emit(pushing, 1)
    wait_until(lambda: len(callback.received) == 1)

    with pytest.raises(ValueError, match=r"Unterminated string|Expecting"):
        json.loads(callback.received[0].body)


def test_doubled_hand_out_comes_again_under_another_handle(pulling: Account) -> None:
    """The next pull hands the same events out again, and each handle can be confirmed."""
    _dial(pulling, Fault("PullEvents", "duplicate"))
    _emit(pulling, 1)
    first, second = _pull(pulling), _pull(pulling)
    handles = [event.pop("EventHandle") for event in (*first, *second)]
    pulling.api().call_json("ConfirmEvents", {"EventHandles": handles})

    assert first == second
    assert len(set(handles)) == 2
    assert _pull(pulling) == []


def test_hand_out_whose_reply_is_lost_comes_again_after_thirty_seconds(pulling: Account) -> None:
    """The events have been handed out, so nobody gets them before their handles have ended."""
    _dial(pulling, Fault("PullEvents", "drop-reply"))
    _emit(pulling, 1)
    with pytest.raises(VodApiError):
        _impatient(pulling).pull_events(timeout_seconds=0.5)
    at_once = _pull(pulling)
    pulling.clock.moved_by = 31
    later = _pull(pulling)
    pulling.api().call_json("ConfirmEvents", {"EventHandles": [later[0]["EventHandle"]]})

    assert at_once == []
    assert [event["Number"] for event in later] == [1]


def test_confirmation_whose_reply_is_lost_counts(pulling: Account) -> None:
    """The client does not know, and the event is gone all the same."""
    _emit(pulling, 1)
    [event] = _pull(pulling)
    _dial(pulling, Fault("ConfirmEvents", "drop-reply"))
    with pytest.raises(VodApiError):
        _impatient(pulling).confirm_events([event["EventHandle"]], timeout_seconds=0.5)
    pulling.clock.moved_by = 31

    assert _pull(pulling) == []


@pytest.mark.parametrize("action", ["PullEvents", "ConfirmEvents", "DescribeMediaInfos", "SearchMedia"])
def test_refused_api_call_has_the_code_of_the_rule(pushing: Account, action: str) -> None:
    """The official client reads it as one of the API's own errors."""
    _dial(pushing, Fault(action, "refuse", code="RequestLimitExceeded"))
    with pytest.raises(TencentCloudSDKException) as refusal:
        pushing.api().call_json(action, {})

    assert refusal.value.get_code() == "RequestLimitExceeded"


def test_failing_api_call_is_no_answer_of_the_api(pushing: Account) -> None:
    """An error of the front ends comes without the API's frame."""
    _dial(pushing, Fault("DescribeMediaInfos", "error", status=502))
    with pytest.raises(TencentCloudSDKException) as refusal:
        pushing.api().call_json("DescribeMediaInfos", {"FileIds": ["1"]})

    assert refusal.value.get_code() == "ServerNetworkError"


def test_slow_api_call_is_answered_in_the_end(pushing: Account) -> None:
    """It costs time and nothing else."""
    _dial(pushing, Fault("DescribeEventConfig", "slow", seconds=0.3))
    started = time.monotonic()
    answer = pushing.api().call_json("DescribeEventConfig", {})

    assert answer["Response"]["Mode"] == "PUSH"
    assert time.monotonic() - started >= 0.3


def test_refused_upload_call_has_status_200_and_the_code(pushing: Account) -> None:
    """Business errors of the upload calls are numbers."""
    _dial(pushing, Fault("ApplyUploadUGC", "refuse", code="10004"))
    answer = pushing.request("POST", "vod2.qcloud.com", "/v3/index.php?Action=ApplyUploadUGC", json={})

    assert (answer.status_code, answer.json()["code"]) == (200, 10004)


def test_commit_whose_reply_is_lost_has_made_the_file(pushing: Account, callback: HttpPeer) -> None:
    """The client sees no end, and the event comes."""
    _dial(pushing, Fault("CommitUploadUGC", "drop-reply"))
    applied = pushing.apply(15)
    pushing.storage(applied).put_object(applied.bucket, b"moving pictures", applied.key)
    commit = {"signature": pushing.signature(), "vodSessionKey": applied.session_key}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{pushing.url}/v3/index.php?Action=CommitUploadUGC",
            headers={"Host": "vod2.qcloud.com"},
            json=commit,
            timeout=0.5,
        )
    wait_until(lambda: len(callback.received) == 1)

    assert json.loads(callback.received[0].body)["EventType"] == "NewFileUpload"


@pytest.mark.parametrize(
    ("action", "method", "query"),
    [
        ("PutObject", "PUT", ""),
        ("UploadPart", "PUT", "?uploadId=1&partNumber=1"),
        ("InitiateMultipartUpload", "POST", "?uploads"),
        ("CompleteMultipartUpload", "POST", "?uploadId=1"),
        ("AbortMultipartUpload", "DELETE", "?uploadId=1"),
        ("DeleteObject", "DELETE", ""),
        ("HeadObject", "HEAD", ""),
        ("ListParts", "GET", "?uploadId=1"),
        ("ListMultipartUploads", "GET", "?uploads"),
        ("PostObject", "POST", ""),
        ("HeadBucket", "HEAD", ""),
    ],
)
def test_every_storage_call_can_be_struck(pushing: Account, action: str, method: str, query: str) -> None:
    """Each is known by its own name, and only that one is struck."""
    host, path = "vod-1500012345.cos.ap-seoul.myqcloud.com", f"/clip.mp4{query}"
    if action in ("ListMultipartUploads", "PostObject", "HeadBucket"):
        path = f"/{query}"
    _dial(pushing, Fault(action, "error", status=507))
    struck, next_one = (pushing.request(method, host, path) for _ in range(2))

    assert (struck.status_code, next_one.status_code) == (507, 400 if action == "PostObject" else 403)


def test_credential_expires_in_the_middle_of_an_upload(pushing: Account) -> None:
    """After a part that was taken, the next is refused in COS's words for an expired credential."""
    applied = pushing.apply(15)
    storage = pushing.storage(applied)
    upload_id = storage.create_multipart_upload(applied.bucket, applied.key)["UploadId"]
    storage.upload_part(applied.bucket, applied.key, b"x" * 1024, 1, upload_id)
    _dial(pushing, Fault("UploadPart", "expire"))
    refused = pushing.request(
        "PUT", applied.host, f"/{applied.key}?uploadId={upload_id}&partNumber=2", data=b"y"
    )

    assert (refused.status_code, "Request has expired" in refused.text) == (403, True)


def _dial(account: Account, *faults: Fault) -> None:
    account.simulator.faults.set(faults)


def _emit(account: Account, number: int) -> None:
    requests.post(
        f"{account.url}/local/simulator/emit", json={"EventType": "X", "Number": number}, timeout=10
    ).raise_for_status()


def _numbers(callback: HttpPeer, least: int) -> list[int]:
    wait_until(lambda: len(callback.received) >= least)
    return [json.loads(received.body)["Number"] for received in callback.received]


def _pull(account: Account) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = account.api().call_json("PullEvents", {})["Response"]["EventSet"]
    return events


def _impatient(account: Account) -> VodApi:
    """Return a client with a time-out of its own."""
    keys = {"VOD_SECRET_ID": SECRET_ID, "VOD_SECRET_KEY": SECRET_KEY, "VOD_API_URL": account.url}
    return VodApi(load_settings(VodApiSettings, keys))


def _configure(account: Account, **changes: str) -> None:
    requests.put(f"{account.url}/local/simulator/config", json=changes, timeout=10).raise_for_status()
