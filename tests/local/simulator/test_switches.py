"""The switches: what each position of an undocumented question means to the client that meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from qcloud_cos import CosServiceError  # type: ignore[import-untyped]  # no stubs exist

from local.simulator import Switches
from local.simulator.switches import read_switch, read_switches
from local.simulator.wire_time import iso_time
from tests.local.simulator.account import Account, Applied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPEATED, EXPIRED = 10011, 10010


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Start one account whose events are pulled."""
    with Account(tmp_path_factory.mktemp("switches"), mode="PULL") as running:
        yield running


@pytest.fixture
def switched(served: Account) -> Iterator[Account]:
    """Return the account, and put its switches, its queue and its clock back afterwards."""
    yield served
    served.reset()


def _turn(account: Account, **positions: str) -> None:
    address = f"{account.url}/local/simulator/faults"
    requests.put(address, json={"switches": positions}, timeout=10).raise_for_status()


def _apply(account: Account, signature: str, **members: object) -> dict[str, Any]:
    announced = {"videoName": "a", "videoType": "mp4", "videoSize": 1}
    return account.call("ApplyUploadUGC", signature=signature, **{**announced, **members})


@pytest.mark.parametrize(("position", "code"), [("refuse", REPEATED), ("accept", 0)])
def test_mobile_applies_again_after_a_lost_reply(switched: Account, position: str, code: int) -> None:
    """It knows no session key yet, and sends the same one-time string about the same file."""
    _turn(switched, repeatedApply=position)
    signature = switched.signature(one_time_valid=True)
    first, second = _apply(switched, signature), _apply(switched, signature)

    assert (first["code"], second["code"]) == (0, code)
    if code == 0:
        assert second["data"]["vodSessionKey"] == first["data"]["vodSessionKey"]
        assert second["data"]["video"] == first["data"]["video"]


@pytest.mark.parametrize(("position", "code"), [("refuse", REPEATED), ("accept", 0)])
def test_mobile_applies_again_for_a_new_credential(switched: Account, position: str, code: int) -> None:
    """After RequestTimeTooSkewed it sends the same string with the session that this string opened."""
    _turn(switched, repeatedApply=position)
    signature = switched.signature(one_time_valid=True)
    key = _apply(switched, signature)["data"]["vodSessionKey"]

    assert _apply(switched, signature, vodSessionKey=key)["code"] == code


@pytest.mark.parametrize("changed", [{"videoSize": 2}, {"coverType": "png"}, {"vodSessionKey": "other"}])
def test_used_signature_opens_nothing_else(switched: Account, changed: dict[str, object]) -> None:
    """Even where its own session may repeat, a one-time string is good for no other file or session."""
    _turn(switched, repeatedApply="accept")
    signature = switched.signature(one_time_valid=True)
    _apply(switched, signature)
    other = _apply(switched, switched.signature())["data"]["vodSessionKey"]
    members = {**changed, "vodSessionKey": other} if "vodSessionKey" in changed else changed

    assert _apply(switched, signature, **members)["code"] == REPEATED


def test_committed_session_is_not_opened_again(switched: Account) -> None:
    """What the string opened is closed, so that the repeat is one."""
    _turn(switched, repeatedApply="accept")
    signature = switched.signature(one_time_valid=True)
    applied = Applied(_apply(switched, signature)["data"])
    switched.storage(applied).put_object(applied.bucket, b"x", applied.key)
    switched.call("CommitUploadUGC", signature=signature, vodSessionKey=applied.session_key)

    assert _apply(switched, signature)["code"] == REPEATED


@pytest.mark.parametrize(("position", "code"), [("check", EXPIRED), ("ignore", 0)])
def test_mobile_commits_with_the_string_it_began_with(switched: Account, position: str, code: int) -> None:
    """A transfer longer than the signature's life ends at Commit where VOD checks expiry there."""
    _turn(switched, commitExpiry=position)
    signature = switched.signature(one_time_valid=True, lives=60)
    applied = Applied(_apply(switched, signature)["data"])
    switched.storage(applied).put_object(applied.bucket, b"x", applied.key)
    switched.clock.moved_by = 120
    reply = switched.call("CommitUploadUGC", signature=signature, vodSessionKey=applied.session_key)

    assert reply["code"] == code
    assert _apply(switched, signature)["code"] == EXPIRED


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDenied", 403), ("RequestTimeTooSkewed", 403), ("ExpiredToken", 400)]
)
@pytest.mark.parametrize("means", ["clock", "fault"])
def test_expired_credential_has_the_chosen_code(
    switched: Account, code: str, status: int, means: str
) -> None:
    """Android applies again on RequestTimeTooSkewed alone; an injected expiry has the same code."""
    _turn(switched, expiredCredential=code)
    applied = switched.apply(1)
    if means == "clock":
        switched.clock.moved_by = 3600
    else:
        fault = {"action": "PutObject", "kind": "expire"}
        address = f"{switched.url}/local/simulator/faults"
        requests.put(address, json={"faults": [fault]}, timeout=10).raise_for_status()
    with pytest.raises(CosServiceError) as refused:
        switched.storage(applied).put_object(applied.bucket, b"x", applied.key)

    assert (refused.value.get_status_code(), refused.value.get_error_code()) == (status, code)
    assert refused.value.get_error_msg() == "Request has expired"


@pytest.mark.parametrize("winner", ["apply", "commit"])
def test_one_signature_decides_the_context(switched: Account, winner: str) -> None:
    """Web signs Apply and Commit apart; where the two differ, one of them is what the event shows."""
    _turn(switched, context=winner)
    applied = Applied(
        _apply(switched, switched.signature(source_context="of apply", class_id=1))["data"],
    )
    switched.storage(applied).put_object(applied.bucket, b"x", applied.key)
    closing = switched.signature(source_context="of commit", class_id=2)
    switched.call("CommitUploadUGC", signature=closing, vodSessionKey=applied.session_key)
    [event] = switched.api().call_json("PullEvents", {})["Response"]["EventSet"]
    info = event["FileUploadEvent"]["MediaBasicInfo"]

    assert info["SourceInfo"]["SourceContext"] == f"of {winner}"
    assert info["ClassId"] == {"apply": 1, "commit": 2}[winner]


@pytest.mark.parametrize("position", ["apply", "commit"])
def test_media_is_listed_by_the_time_of_either_call(switched: Account, position: str) -> None:
    """A search by creation time finds an upload at its Apply, or at its Commit ten minutes later."""
    _turn(switched, createTime=position)
    applied = switched.apply(1)
    switched.storage(applied).put_object(applied.bucket, b"x", applied.key)
    before = switched.clock() + 300
    switched.clock.moved_by = 600
    signature = switched.signature()
    reply = switched.call("CommitUploadUGC", signature=signature, vodSessionKey=applied.session_key)
    switched.clock.moved_by = 0
    search = {"FileIds": [reply["data"]["fileId"]], "CreateTime": {"Before": iso_time(before)}}
    found = switched.api().call_json("SearchMedia", search)["Response"]["MediaInfoSet"]

    assert len(found) == (position == "apply")


@pytest.mark.parametrize(("position", "events"), [("silent", 1), ("event", 2)])
def test_changed_cover_is_reported_or_not(switched: Account, position: str, events: int) -> None:
    """A page that changes a cover causes a second NewFileUpload, or nothing."""
    _turn(switched, coverChange=position)
    file_id = switched.upload()["data"]["fileId"]
    reply = switched.call(
        "ApplyUploadUGC", signature=switched.signature(), fileId=file_id, coverType="png", coverSize=1
    )
    applied = Applied({**reply["data"], "video": reply["data"]["cover"]})
    switched.storage(applied).put_object(applied.bucket, b"C", applied.key)
    switched.call("CommitUploadUGC", signature=switched.signature(), vodSessionKey=applied.session_key)
    pulled = switched.api().call_json("PullEvents", {})["Response"]["EventSet"]

    assert len(pulled) == events
    assert pulled[-1]["FileUploadEvent"]["MediaBasicInfo"]["CoverUrl"].endswith(".png") == (events == 2)


@pytest.mark.parametrize(
    ("position", "has_sha1", "context"),
    [("whole", True, "mine"), ("md5", False, "mine"), ("withoutContext", True, "")],
)
def test_digests_come_in_each_form(switched: Account, position: str, context: str, *, has_sha1: bool) -> None:
    """Both digests or MD5 alone, and with the SessionContext of the order or without: in task and event."""
    _turn(switched, fileAttributes=position)
    order = {"FileId": switched.upload()["data"]["fileId"], "SessionContext": "mine"}
    task_id = switched.api().call_json("DescribeFileAttributes", order)["Response"]["TaskId"]
    detail = switched.api().call_json("DescribeTaskDetail", {"TaskId": task_id})["Response"]
    events = switched.api().call_json("PullEvents", {})["Response"]["EventSet"]
    task = detail["DescribeFileAttributesTask"]

    assert ("Sha1" in task["Output"], task["SessionContext"]) == (has_sha1, context)
    assert (task["Status"], detail["Status"]) == ("SUCCESS", "FINISH")
    assert events[-1]["DescribeFileAttributesCompleteEvent"] == task


def test_switches_are_an_initial_setting_too(tmp_path: Path) -> None:
    """A simulator starts in the positions that it is given."""
    with Account(tmp_path, switches=Switches(repeated_apply="accept")) as account:
        signature = account.signature(one_time_valid=True)

        assert [_apply(account, signature)["code"] for _ in range(2)] == [0, 0]


def test_position_is_written_as_name_and_value() -> None:
    """The command line takes one switch at a time."""
    assert read_switch("commitExpiry=ignore") == {"commitExpiry": "ignore"}
    assert Switches().turned({"commitExpiry": "ignore"}).as_json() == {
        "repeatedApply": "refuse",
        "commitExpiry": "ignore",
        "expiredCredential": "AccessDenied",
        "context": "apply",
        "coverChange": "silent",
        "createTime": "commit",
        "fileAttributes": "whole",
    }


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "switches: an object of names and positions is expected."),
        ({"colour": "red"}, "switches: there is no 'colour'; there are repeatedApply, "),
        ({"context": "both"}, "switches: context is apply or commit, not 'both'."),
        ({"context": ["apply"]}, "switches: context is apply or commit, not \"['apply']\"."),
    ],
)
def test_wrong_switch_is_named(value: object, sentence: str) -> None:
    """The sentence names the switches or positions there are."""
    with pytest.raises(ValueError, match=r"^switches") as wrong:
        read_switches(value)

    assert str(wrong.value).startswith(sentence)
