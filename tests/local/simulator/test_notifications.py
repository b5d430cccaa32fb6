"""Events of the simulator: pushed until they are answered, queued until they are confirmed."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException  # type: ignore[import-untyped]  # no stubs exist

from tests.local.simulator.account import Account
from tests.shared.loopback_peer import HttpPeer, Received, Reply, refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENT = {"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": ["1"]}}


@pytest.fixture
def receiver() -> Iterator[HttpPeer]:
    """Run the app's callback address, which answers 200 at once."""
    with HttpPeer(lambda _request: Reply()) as peer:
        yield peer


@pytest.fixture
def pushing(tmp_path: Path, receiver: HttpPeer) -> Iterator[Account]:
    """Start an account that pushes to the receiver."""
    with Account(tmp_path, callback_url=f"{receiver.url}/hook?from=vod") as account:
        yield account


@pytest.fixture
def impatient(tmp_path: Path, receiver: HttpPeer) -> Iterator[Account]:
    """Start an account that pushes to the receiver and waits half a second only."""
    with Account(tmp_path, callback_url=receiver.url, push_timeout_seconds=0.5) as account:
        yield account


@pytest.fixture
def pulling(tmp_path: Path) -> Iterator[Account]:
    """Start an account whose events are pulled."""
    with Account(tmp_path, mode="PULL", sub_app_ids=(1500054321,)) as account:
        yield account


def _emit(account: Account, event: object = EVENT) -> None:
    answer = requests.post(f"{account.url}/local/simulator/emit", data=json.dumps(event), timeout=10)
    assert answer.status_code == 202


def _events(receiver: HttpPeer) -> list[dict[str, Any]]:
    return [json.loads(received.body) for received in receiver.received]


def _pushes_left(account: Account) -> int:
    return len(account.simulator._database.rows("SELECT push_id FROM pushes"))  # noqa: SLF001  # no call tells it


def _pull(account: Account, **parameters: object) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = account.api().call_json("PullEvents", parameters)["Response"]["EventSet"]
    return events


def _confirm(account: Account, events: list[dict[str, Any]]) -> str:
    handles = [event["EventHandle"] for event in events]
    try:
        account.api().call_json("ConfirmEvents", {"EventHandles": handles})
    except TencentCloudSDKException as error:
        return str(error.get_code())
    return "ok"


def test_upload_is_pushed_as_the_documentation_shows_it(pushing: Account, receiver: HttpPeer) -> None:
    """The body has the documented members and no others; nothing in it is null."""
    reply = pushing.upload(b"frames", source_context='{"u":"1"}', class_id=0)
    wait_until(lambda: bool(receiver.received))
    [event] = _events(receiver)
    upload = event["FileUploadEvent"]

    assert list(event) == ["EventType", "FileUploadEvent"]
    assert event["EventType"] == "NewFileUpload"
    assert list(upload) == [
        "FileId",
        "MediaBasicInfo",
        "ProcedureTaskId",
        "ReviewAudioVideoTaskId",
        "MetaData",
    ]
    assert upload["FileId"] == reply["data"]["fileId"]
    assert upload["ProcedureTaskId"] == ""
    assert upload["MetaData"]["Size"] == 6
    info = upload["MediaBasicInfo"]
    assert info["MediaUrl"] == reply["data"]["video"]["url"]
    assert info["SourceInfo"] == {"SourceType": "Upload", "SourceContext": '{"u":"1"}'}
    assert (info["Name"], info["Type"], info["Category"]) == ("clip", "mp4", "Video")
    assert (info["ClassId"], info["ClassName"], info["ExpireTime"]) == (0, "Other", "9999-12-31T23:59:59Z")
    assert receiver.received[0].path == "/hook?from=vod"
    assert receiver.received[0].headers["content-type"] == "application/json"


def test_null_members_are_left_out_of_a_push(pushing: Account, receiver: HttpPeer) -> None:
    """At every depth; empty ones stay."""
    _emit(pushing, {"EventType": "X", "A": None, "B": {"C": None, "D": [{"E": None}], "F": ""}})
    wait_until(lambda: bool(receiver.received))

    assert _events(receiver) == [{"EventType": "X", "B": {"D": [{}], "F": ""}}]


@pytest.mark.parametrize("status", [200, 404, 500, 302])
def test_any_answer_ends_the_sending(pushing: Account, receiver: HttpPeer, status: int) -> None:
    """VOD ignores status and body: even an error is not sent again, and no redirect is followed."""
    receiver.answer = lambda _request: Reply(status, b"whatever", {"Location": receiver.url})
    _emit(pushing)
    wait_until(lambda: _pushes_left(pushing) == 0)

    assert len(receiver.received) == 1


def test_timed_out_push_is_sent_twice_more(impatient: Account, receiver: HttpPeer) -> None:
    """Three sends in all, the same body each time."""
    receiver.answer = lambda _request: Reply(delay_seconds=3)
    _emit(impatient)
    wait_until(lambda: _pushes_left(impatient) == 0)

    assert _events(receiver) == [EVENT] * 3
    assert impatient.counters()["Push"] == 3


def test_push_that_is_answered_at_the_second_try_ends_there(impatient: Account, receiver: HttpPeer) -> None:
    """A slow first answer costs one repetition."""

    def answer(_request: Received) -> Reply:
        return Reply(delay_seconds=3 if len(receiver.received) == 1 else 0)

    receiver.answer = answer
    _emit(impatient)
    wait_until(lambda: _pushes_left(impatient) == 0)

    assert len(receiver.received) == 2


@pytest.mark.parametrize(("retry", "sends"), [(True, 3), (False, 1)])
def test_refused_connection_is_treated_as_configured(
    tmp_path: Path,
    retry: bool,  # noqa: FBT001  # a table
    sends: int,
) -> None:
    """It is not documented if VOD tries again after a refused connection; both can be configured."""
    with Account(
        tmp_path, callback_url=f"http://127.0.0.1:{refused_port()}/", retry_refused_pushes=retry
    ) as account:
        _emit(account)
        wait_until(lambda: _pushes_left(account) == 0)

        assert account.counters()["Push"] == sends


def test_each_send_is_signed_anew(tmp_path: Path, receiver: HttpPeer) -> None:
    """Sign is the MD5 of key and T at the top level; T is ten minutes after that send."""
    with Account(
        tmp_path, callback_url=receiver.url, sign_key="AbCd1234EfGh5678", push_timeout_seconds=0.5
    ) as account:

        def answer(_request: Received) -> Reply:
            account.clock.moved_by += 5
            return Reply(delay_seconds=3 if len(receiver.received) < 3 else 0)

        receiver.answer = answer
        sent_at = int(account.clock())
        _emit(account)
        wait_until(lambda: len(receiver.received) == 3)

    times = []
    for event in _events(receiver):
        sign = hashlib.md5(f"AbCd1234EfGh5678{event['T']}".encode(), usedforsecurity=False).hexdigest()
        assert event["Sign"] == sign
        times.append(event["T"])
    assert times == sorted(set(times))
    assert 600 <= times[0] - sent_at <= 602


def test_configuration_can_be_changed_while_it_runs(pushing: Account, receiver: HttpPeer) -> None:
    """Mode, key and life times change at once; what is not acceptable changes nothing."""
    address = f"{pushing.url}/local/simulator/config"
    changed = requests.put(address, json={"sign_key": "abc", "credential_seconds": 2}, timeout=10)
    refused = [
        requests.put(address, json=body, timeout=10).status_code
        for body in (
            {"mode": "POLL"},
            {"mode": "PULL", "colour": "red"},
            {"credential_seconds": 0},
            {"credential_seconds": True},
            {"callback_url": "ftp://x"},
            {"sign_key": "ü"},
            {"upload_complete_event": "yes"},
        )
    ]
    broken = requests.put(address, data=b"[", timeout=10).status_code
    _emit(pushing)
    wait_until(lambda: bool(receiver.received))
    certificate = pushing.apply().data

    assert changed.json()["sign_key"] == "abc"
    assert refused == [422] * 7
    assert broken == 400
    assert requests.get(address, timeout=10).json()["mode"] == "PUSH"
    assert "Sign" in _events(receiver)[0]
    assert certificate["tempCertificate"]["expiredTime"] - certificate["timestamp"] == 2


def test_upload_event_can_be_off(tmp_path: Path, receiver: HttpPeer) -> None:
    """The switch is off by default at VOD; the task flow reports all the same."""
    with Account(tmp_path, callback_url=receiver.url, upload_complete_event=False) as account:
        account.upload(procedure="LongVideoPreset")
        wait_until(lambda: bool(receiver.received))

    assert [event["EventType"] for event in _events(receiver)] == ["ProcedureStateChanged"]


def test_pulled_event_carries_a_handle_and_stays_until_confirmed(pulling: Account) -> None:
    """Pulled again only after its handle has died; gone once confirmed."""
    pulling.upload(source_context="who")
    first = _pull(pulling)
    meanwhile = _pull(pulling)
    pulling.clock.moved_by = 30
    second = _pull(pulling)
    confirmed = _confirm(pulling, second)
    pulling.clock.moved_by = 61

    assert [event["EventType"] for event in first] == ["NewFileUpload"]
    assert meanwhile == []
    assert first[0].pop("EventHandle") != second[0].pop("EventHandle")
    assert first == second
    assert confirmed == "ok"
    assert _pull(pulling) == []


def test_late_confirmation_is_an_error(pulling: Account) -> None:
    """Thirty seconds after the pull the handle is worth nothing, and the event comes again."""
    _emit(pulling)
    events = _pull(pulling)
    pulling.clock.moved_by = 30

    assert _confirm(pulling, events) == "InvalidParameterValue"
    assert _confirm(pulling, _pull(pulling)) == "ok"


def test_one_bad_handle_confirms_nothing(pulling: Account) -> None:
    """The strict reading: all handles of a call, or none."""
    _emit(pulling)
    events = _pull(pulling)

    assert _confirm(pulling, [*events, {"EventHandle": "unknown"}]) == "InvalidParameterValue"
    assert _confirm(pulling, events * 2) == "ok"
    assert _confirm(pulling, events) == "InvalidParameterValue"


def test_sixteen_events_come_at_once(pulling: Account) -> None:
    """The oldest first, the rest with the next call."""
    for number in range(20):
        _emit(pulling, {"EventType": "X", "Number": number})
    numbers = [[event["Number"] for event in _pull(pulling)] for _ in range(3)]

    assert numbers == [list(range(16)), list(range(16, 20)), []]


def test_empty_pull_waits_and_ends_early_when_something_comes(tmp_path: Path) -> None:
    """A long poll is held while nothing is queued."""
    with Account(tmp_path, mode="PULL", pull_wait_seconds=1) as account:
        nothing = _pull(account)
    with (
        Account(tmp_path, mode="PULL", pull_wait_seconds=3600) as account,
        ThreadPoolExecutor(1) as client,
    ):
        pull = client.submit(_pull, account)
        wait_until(lambda: account.counters().get("PullEvents"), "the pull")
        _emit(account)
        something = pull.result()

    assert nothing == []
    assert len(something) == 1


def test_unpulled_events_are_kept_four_days(pulling: Account) -> None:
    """After that they are gone."""
    _emit(pulling)
    pulling.clock.moved_by = 4 * 86_400 - 60
    pulling_clock = pulling.clock.moved_by
    queue = pulling.simulator._database.rows("SELECT * FROM pull_queue")  # noqa: SLF001  # no SDK can sign for that day
    assert len(queue) == 1
    pulling.clock.moved_by = 0
    pulling.simulator._database.change("UPDATE pull_queue SET raised_at = raised_at - ?", pulling_clock + 61)  # noqa: SLF001  # as above

    assert _pull(pulling) == []


def test_applications_pull_their_own_events(pulling: Account) -> None:
    """An upload belongs to its application; an emitted event to whoever pulls first."""
    pulling.upload(vod_sub_app_id=1500054321)

    assert _pull(pulling) == []
    assert [event["EventType"] for event in _pull(pulling, SubAppId=1500054321)] == ["NewFileUpload"]
    _emit(pulling)
    assert len(_pull(pulling)) == 1


def test_empty_queue_can_look_in_all_three_ways(pulling: Account) -> None:
    """Which one VOD uses is not documented: an empty list, null, or an error."""
    address = f"{pulling.url}/local/simulator/config"
    shapes: list[object] = []
    for shape in ("empty", "null", "error"):
        requests.put(address, json={"empty_event_set": shape}, timeout=10)
        try:
            shapes.append(_pull(pulling))
        except TencentCloudSDKException as error:
            shapes.append(error.get_code())

    assert shapes == [[], None, "ResourceNotFound"]


def test_faults_hit_pushes_and_requests_on_purpose(pushing: Account, receiver: HttpPeer) -> None:
    """Duplicate, drop, delay and corrupt for pushes; errors and expiry for requests; each used up."""
    faults: Any = [
        {"action": "Push", "kind": "duplicate"},
        {"action": "Push", "kind": "drop"},
        {"action": "Push", "kind": "slow", "seconds": 1},
        {"action": "Push", "kind": "corrupt"},
        {"action": "ApplyUploadUGC", "kind": "error", "status": 502},
        {"action": "PutObject", "kind": "expire"},
    ]
    address = f"{pushing.url}/local/simulator/faults"
    accepted = requests.put(address, json={"faults": faults}, timeout=10).json()["faults"]
    pushing.simulator.faults.strike("Unknown")
    for number, seen in enumerate((2, 2, 2, 3, 4)):
        _emit(pushing, {"EventType": "X", "Number": number})
        wait_until(lambda seen=seen: len(receiver.received) == seen)  # type: ignore[misc]  # a default binds it
    wait_until(lambda: len(receiver.received) == 5)
    bodies = [received.body.decode() for received in receiver.received]
    broken = pushing.request("POST", "vod2.qcloud.com", "/v3/index.php?Action=ApplyUploadUGC", json={})
    applied = pushing.apply()
    expired = pushing.request("PUT", applied.host, f"/{applied.key}", data=b"x")

    assert len(accepted) == 6
    assert [body for body in bodies if body.endswith("}")] == [
        json.dumps({"EventType": "X", "Number": number}) for number in (0, 0, 4, 2)
    ]
    assert len(bodies[2]) < 20
    assert broken.status_code == 502
    assert expired.status_code == 403
    assert "Request has expired" in expired.text
    assert requests.get(address, timeout=10).json()["faults"] == []


@pytest.mark.parametrize(
    "faults",
    [
        None,
        {},
        [None],
        [{}],
        [{"action": "Push", "kind": "explode"}],
        [{"action": "Push", "kind": "slow", "seconds": 601}],
        [{"action": "Push", "kind": "drop", "times": 0}],
        [{"action": "Push", "kind": "error", "status": 200}],
        [{"action": "Push", "kind": "drop", "colour": 1}],
    ],
)
def test_unknown_faults_are_refused(account: Account, faults: object) -> None:
    """A rule that would do nothing is not taken."""
    answer = requests.put(
        f"{account.url}/local/simulator/faults", data=json.dumps({"faults": faults}), timeout=10
    )

    assert answer.status_code == 422


def test_dropped_request_is_never_answered(account: Account) -> None:
    """The client runs into its own time-out, and the next call is answered again."""
    fault = {"action": "PrepareUploadUGC", "kind": "drop"}
    requests.put(f"{account.url}/local/simulator/faults", json={"faults": [fault]}, timeout=10)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{account.url}/v3/index.php?Action=PrepareUploadUGC",
            headers={"Host": "vod2.qcloud.com"},
            timeout=0.2,
        )

    assert account.call("PrepareUploadUGC", signature=account.signature())["code"] == 0
