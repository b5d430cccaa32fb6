"""Prepare, Apply and Commit, as the upload SDKs use them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from shared.vod.signature import sign_original
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account

if TYPE_CHECKING:
    from pathlib import Path

VOD = "vod2.qcloud.com"
APPLY = "/v3/index.php?Action=ApplyUploadUGC"


def test_prepare_names_the_regions_to_race(account: Account) -> None:
    """Web and Android get region and domain of every enabled region, and the application's number."""
    reply = account.call("PrepareUploadUGC", signature=account.signature())

    assert reply["code"] == 0
    assert reply["data"]["appId"] == 1500012345
    assert [entry["region"] for entry in reply["data"]["cosRegionList"]] == [
        "ap-singapore",
        "ap-seoul",
        "ap-chongqing",
    ]
    for entry in reply["data"]["cosRegionList"]:
        answer = account.request("HEAD", entry["domain"], "/", headers={"Origin": "https://app.test"})
        assert answer.status_code == 403
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_prepare_names_only_the_region_that_is_signed(account: Account) -> None:
    """A signature that fixes the region leaves nothing to race."""
    reply = account.call("PrepareUploadUGC", signature=account.signature(storage_region="ap-seoul"))

    assert [entry["region"] for entry in reply["data"]["cosRegionList"]] == ["ap-seoul"]


def test_apply_answers_all_that_any_sdk_reads(account: Account) -> None:
    """Both spellings of the region, ten-digit times, paths with a slash, and a complete credential."""
    applied = account.apply(10, coverName="face", coverType="PNG", coverSize=3, storageRegion="ap-seoul")

    assert applied.data["storageRegionV5"] == "ap-seoul"
    assert applied.data["StorageRegionV5"] == "ap-seoul"
    assert applied.data["storageRegion"] == "kr"
    assert applied.data["storageAppId"] == 10022853
    assert applied.data["video"]["storagePath"].startswith(f"/{applied.data['storageBucket']}/")
    assert applied.data["video"]["storagePath"].endswith(".mp4")
    assert applied.data["cover"]["storagePath"].endswith(".png")
    assert len(str(applied.data["timestamp"])) == 10
    certificate = applied.data["tempCertificate"]
    assert certificate["expiredTime"] == applied.data["timestamp"] + 1800
    assert all(certificate[name] for name in ("secretId", "secretKey", "token"))


def test_region_of_the_signature_wins_over_the_race(account: Account) -> None:
    """The app's server decides where an upload lies, not the client's race."""
    applied = account.apply(
        signature=account.signature(storage_region="ap-chongqing"), storageRegion="ap-seoul"
    )

    assert applied.data["storageRegionV5"] == "ap-chongqing"


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title, str.swapcase])
def test_body_keys_may_have_any_letter_case(account: Account, spelling: object) -> None:
    """The C++ SDK writes Signature and VideoName."""
    assert callable(spelling)
    members = {"signature": account.signature(), "videoName": "a", "videoType": "mp4", "videoSize": 1}
    reply = account.call("ApplyUploadUGC", **{spelling(name): value for name, value in members.items()})

    assert reply["code"] == 0


def _signed(account: Account, **changes: object) -> str:
    """Sign even what our own signing code refuses to."""
    now = int(account.clock())
    values: dict[str, object] = {
        "secretId": SECRET_ID,
        "currentTimeStamp": now,
        "expireTime": now + 600,
        "random": random.getrandbits(32),
    } | changes
    return sign_original("&".join(f"{name}={value}" for name, value in values.items()), secret_key=SECRET_KEY)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (10004, {"currentTimeStamp": "1793318400.5"}),
        (10004, {"expireTime": 1793318400000}),
        (10004, {"random": 2**32}),
        (10004, {"random": ""}),
        (10004, {"random": -1}),
        (10004, {"secretId": "AKIDsomebody"}),
        (10004, {"classId": "seven"}),
        (10001, {"vodSubAppId": 1500099999}),
        (10001, {"storageRegion": "eu-moscow"}),
        (10001, {"taskNotifyMode": "Sometimes"}),
        (10001, {"taskPriority": 11}),
        (10001, {"sourceContext": "x" * 251}),
        (10001, {"sessionContext": "x" * 1001}),
        (0, {"procedure": "", "classId": "", "oneTimeValid": "", "vodSubAppId": ""}),
        (0, {"vodSubAppId": 1500012345}),
        (0, {"vodSubAppId": 0, "somethingNewer": 1}),
        (0, {"sourceContext": "x" * 250}),
    ],
)
def test_signature_is_held_to_the_documented_limits(
    account: Account, code: int, changes: dict[str, object]
) -> None:
    """Each limit of the signature page has its refusal; an empty or unknown parameter is no fault."""
    reply = account.call(
        "ApplyUploadUGC", signature=_signed(account, **changes), videoName="a", videoType="mp4"
    )

    assert reply["code"] == code


def test_times_of_a_signature_count_by_the_servers_clock(account: Account) -> None:
    """Expired is 10010; too far in the future and longer than 90 days are 10004; a little skew passes."""
    now = int(account.clock())
    codes = {
        "expired": account.signature(issued_ago=700, lives=600),
        "future": account.signature(issued_ago=-400),
        "skewed": account.signature(issued_ago=-200),
        "90 days": _signed(account, currentTimeStamp=now, expireTime=now + 7_776_000),
        "longer": _signed(account, currentTimeStamp=now, expireTime=now + 7_776_001),
        "backwards": _signed(account, currentTimeStamp=now, expireTime=now),
    }

    assert {
        name: account.call("PrepareUploadUGC", signature=value)["code"] for name, value in codes.items()
    } == {
        "expired": 10010,
        "future": 10004,
        "skewed": 0,
        "90 days": 0,
        "longer": 10004,
        "backwards": 10004,
    }


def test_signature_of_another_key_is_invalid(account: Account) -> None:
    """The message is the one the SDK's own tests show."""
    forged = base64.b64encode(b"x" * 20 + base64.b64decode(account.signature())[20:]).decode()

    assert account.call("ApplyUploadUGC", signature=forged, videoType="mp4") == {
        "code": 10004,
        "message": "ugc upload | invalid signature",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"signature": 5}',
        b'{"signature": "%%%"}',
        b'{"signature": {"a": 1}}',
        b"[" * 100_000,
        b'{"signature": "' + b"A" * 70_000 + b'"}',
    ],
)
def test_unreadable_body_is_a_business_error(account: Account, body: bytes) -> None:
    """Whatever arrives, the status stays 200 and the code is 10001, so that SDKs show it to the user."""
    answer = account.request("POST", VOD, APPLY, data=body)

    assert answer.status_code == 200
    assert answer.json() == {"code": 10001, "message": "ugc upload | invalid request"}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"videoType": "../../etc/passwd"},
        {"videoType": "mp4/../x"},
        {"videoType": 4},
        {"videoType": "mp4", "videoName": "a/b"},
        {"videoType": "mp4", "videoName": "x" * 256},
        {"videoType": "mp4", "videoSize": -1},
        {"videoType": "mp4", "videoSize": 1.5},
        {"videoType": "mp4", "videoSize": True},
        {"videoType": "mp4", "storageRegion": "na-nowhere"},
        {"fileId": "5000000000000000000", "coverType": "png"},
        {"vodSessionKey": "unknown"},
        {"vodSessionKey": ["x"]},
    ],
)
def test_apply_refuses_what_no_sdk_sends(account: Account, members: dict[str, object]) -> None:
    """Names never become paths, sizes are whole bytes, and sessions have to exist."""
    reply = account.call("ApplyUploadUGC", signature=account.signature(), **members)

    assert reply["code"] == 10001


@pytest.mark.parametrize(
    "path",
    ["/v3/index.php", "/v3/index.php?Action=DeleteEverything", "/v3/other.php?Action=ApplyUploadUGC", "/d"],
)
def test_call_that_is_not_there_is_501_and_one_log_line(
    account: Account, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """Neither an unknown Action nor another path is taken for a call with wrong members."""
    answer = account.request("POST", VOD, path, json={})

    assert answer.status_code == 501
    assert [line for line in caplog.messages if line.startswith("the simulator does not have /")] != []
    assert len(caplog.messages) == 1


def test_call_without_a_signature_is_a_business_error(account: Account) -> None:
    """A Prepare without a signature is 10001."""
    assert account.call("PrepareUploadUGC")["code"] == 10001


def test_commit_answers_with_file_id_addresses_and_their_proof(account: Account) -> None:
    """The FileId has 19 digits, and verify_content proves it to whoever has the verify key."""
    reply = account.upload(b"frames")

    data = reply["data"]
    assert len(data["fileId"]) == 19
    assert data["fileId"].isdigit()
    assert requests.get(data["video"]["url"], timeout=10).content == b"frames"
    proof = base64.b64decode(data["video"]["verify_content"])
    assert proof[:20] == hmac.new(b"local-verify-key", proof[20:], hashlib.sha1).digest()
    assert proof.endswith(f"&FileId={data['fileId']}".encode())
    assert "cover" not in data


def test_commit_repeated_gets_the_same_file_and_raises_nothing_twice(account: Account) -> None:
    """A Commit whose answer was lost may be sent again, by Web with a fresh signature."""
    before = account.counters().get("EventDropped", 0)
    applied = account.apply(3)
    account.storage(applied).put_object(applied.bucket, b"abc", applied.key)
    first, second = (
        account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
        for _ in range(2)
    )

    assert first["data"]["fileId"] == second["data"]["fileId"]
    assert account.counters()["EventDropped"] == before + 1


@pytest.mark.parametrize("content", [None, b"", b"ab", b"abcd"])
def test_commit_wants_the_object_complete_and_of_the_announced_size(
    account: Account, content: bytes | None
) -> None:
    """Nothing stored, or another size than Apply announced, is refused; storing it right then helps."""
    applied = account.apply(3)
    storage = account.storage(applied)
    if content is not None:
        storage.put_object(applied.bucket, content, applied.key)
    session = {"vodSessionKey": applied.session_key}
    refused = account.call("CommitUploadUGC", signature=account.signature(), **session)
    storage.put_object(applied.bucket, b"abc", applied.key)
    accepted = account.call("CommitUploadUGC", signature=account.signature(), **session)

    assert (refused["code"], accepted["code"]) == (10001, 0)


def test_cover_arrives_with_the_media_and_can_be_changed(account: Account) -> None:
    """Both must be stored before Commit; later an Apply with the fileId takes a new cover alone."""
    applied = account.apply(3, coverName="c", coverType="png", coverSize=2)
    storage = account.storage(applied)
    cover_key = applied.data["cover"]["storagePath"][1:]
    storage.put_object(applied.bucket, b"abc", applied.key)
    session = {"vodSessionKey": applied.session_key}
    early = account.call("CommitUploadUGC", signature=account.signature(), **session)
    storage.put_object(applied.bucket, b"C1", cover_key)
    committed = account.call("CommitUploadUGC", signature=account.signature(), **session)["data"]
    change = account.call(
        "ApplyUploadUGC",
        signature=account.signature(),
        fileId=committed["fileId"],
        coverName="d",
        coverType="jpg",
        coverSize=3,
    )["data"]
    certified = {**change, "video": change["cover"]}
    again = type(applied)(certified)
    account.storage(again).put_object(again.bucket, b"C22", again.key)
    changed = account.call(
        "CommitUploadUGC", signature=account.signature(), vodSessionKey=change["vodSessionKey"]
    )["data"]

    assert early["code"] == 10001
    assert requests.get(committed["cover"]["url"], timeout=10).content == b"C1"
    assert changed["fileId"] == committed["fileId"]
    assert requests.get(changed["cover"]["url"], timeout=10).content == b"C22"
    assert "video" not in change


def test_other_application_can_not_use_a_session_or_a_file(account: Account) -> None:
    """A signature of another sub-application neither resumes, commits nor changes a cover."""
    applied = account.apply(3)
    account.storage(applied).put_object(applied.bucket, b"abc", applied.key)
    foreign = {"vod_sub_app_id": 1500054321}
    session = {"vodSessionKey": applied.session_key}
    resumed = account.call("ApplyUploadUGC", signature=account.signature(**foreign), **session)
    committed = account.call("CommitUploadUGC", signature=account.signature(**foreign), **session)
    file_id = account.call("CommitUploadUGC", signature=account.signature(), **session)["data"]["fileId"]
    cover = account.call(
        "ApplyUploadUGC", signature=account.signature(**foreign), fileId=file_id, coverType="png"
    )

    assert [resumed["code"], committed["code"], cover["code"]] == [10001, 10001, 10001]


def test_session_resumes_with_the_same_paths_and_a_fresh_credential(account: Account) -> None:
    """Bucket, region and keys of the first Apply stay in use, whatever the resuming call says."""
    first = account.apply(9, coverName="c", coverType="png", coverSize=1, storageRegion="ap-seoul")
    account.clock.moved_by = 86_300
    reply = account.call(
        "ApplyUploadUGC",
        signature=account.signature(storage_region="ap-chongqing"),
        vodSessionKey=first.session_key,
        uploadFromWeb=True,
        coverName="other",
        coverType="jpg",
    )

    same = ("video", "cover", "storageBucket", "storageRegionV5", "vodSessionKey")
    assert {name: first.data[name] for name in same} == {name: reply["data"][name] for name in same}
    assert reply["data"]["tempCertificate"]["secretId"] != first.data["tempCertificate"]["secretId"]
    assert reply["data"]["tempCertificate"]["expiredTime"] == reply["data"]["timestamp"] + 1800


def test_session_ends_after_one_day(account: Account) -> None:
    """Neither Apply nor Commit takes it any more; the SDK then starts over by itself."""
    applied = account.apply(3)
    account.storage(applied).put_object(applied.bucket, b"abc", applied.key)
    account.clock.moved_by = 86_400
    session = {"vodSessionKey": applied.session_key}

    assert account.call("ApplyUploadUGC", signature=account.signature(), **session)["code"] == 10001
    assert account.call("CommitUploadUGC", signature=account.signature(), **session)["code"] == 10001


def test_committed_session_is_not_opened_again(account: Account) -> None:
    """After Commit the session hands out no credentials."""
    applied = account.apply(0)
    account.storage(applied).put_object(applied.bucket, b"", applied.key)
    session = {"vodSessionKey": applied.session_key}
    account.call("CommitUploadUGC", signature=account.signature(), **session)

    assert account.call("ApplyUploadUGC", signature=account.signature(), **session)["code"] == 10001


def test_browser_may_call_from_any_page(account: Account) -> None:
    """A JSON body makes browsers ask first; every host says yes, and shows the headers the SDK reads."""
    asked = {
        "Origin": "https://app.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,vod-forward-cos,x-cos-security-token",
    }
    for host in (VOD, "vod2.dnsv1.com", "vodreport.qcloud.com", "b-1.cos.ap-seoul.myqcloud.com"):
        preflight = account.request("OPTIONS", host, "/v3/index.php?Action=x", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert "vod-forward-cos" in preflight.headers["Access-Control-Allow-Headers"].lower()
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    answer = account.request("POST", VOD, APPLY, headers={"Origin": "https://app.test"}, json={})
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {"ETag", "Date", "x-cos-request-id"} <= set(exposed.split(", "))


def test_local_controls_are_closed_to_other_pages(account: Account) -> None:
    """Any page may talk to VOD's hosts; the developer's own switches have no such permission."""
    answer = requests.get(
        f"{account.url}/local/simulator/config", headers={"Origin": "https://evil.test"}, timeout=10
    )

    assert "Access-Control-Allow-Origin" not in answer.headers


def test_statistics_are_taken_and_forgotten(account: Account) -> None:
    """The SDK's reports never fail."""
    answer = account.request("POST", "vodreport.qcloud.com", "/ugcupload_new", data=b"\x00 anything")

    assert answer.status_code == 200


def test_expire_time_of_the_web_sdk_is_kept(tmp_path: Path) -> None:
    """The option `expireTime` of the Web SDK ends up in the media's ExpireTime."""
    with Account(tmp_path, mode="PULL") as account:
        applied = account.apply(1, ExpireTime="2027-01-01T00:00:00Z")
        account.storage(applied).put_object(applied.bucket, b"x", applied.key)
        account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
        found = account.api().call_json("SearchMedia", {})["Response"]["MediaInfoSet"]

    assert [media["BasicInfo"]["ExpireTime"] for media in found] == ["2027-01-01T00:00:00Z"]


def test_simultaneous_commits_publish_once(account: Account) -> None:
    """Of many Commits at the same time one publishes, and all get the same file."""
    before = account.counters().get("EventDropped", 0)
    applied = account.apply(3)
    account.storage(applied).put_object(applied.bucket, b"abc", applied.key)

    def commit(signature: str) -> str:
        reply = account.call("CommitUploadUGC", signature=signature, vodSessionKey=applied.session_key)
        return str(reply["data"]["fileId"])

    with ThreadPoolExecutor(6) as threads:
        file_ids = set(threads.map(commit, [account.signature() for _ in range(6)]))

    assert len(file_ids) == 1
    assert account.counters()["EventDropped"] == before + 1
    assert account.simulator.counters["EventDropped"] == before + 1
