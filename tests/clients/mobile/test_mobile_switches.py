"""What VOD's documents leave open, in both positions, as a phone meets it under the demo's policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.vod.signature import SignatureParameters, sign
from tests.clients.mobile.platforms import PublishError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.mobile.conftest import Phone

DEFAULT_LIFE = 600
"""Seconds that a signature of the default policy is valid."""


@pytest.mark.parametrize("policy", ["default", "mobile"])
def test_lost_reply_to_apply_costs_a_one_time_signature_where_repeats_are_refused(
    phone: Phone, three_parts: Path, policy: str
) -> None:
    """Nothing is sent by then: the app gets another signature of the same upload, and publishes again."""
    phone.turn(repeatedApply="refuse")
    issued = phone.sign({"policy": policy}).json
    phone.network.lose_reply("ApplyUploadUGC")
    with pytest.raises(PublishError, match=r"10011.*repeat signature") as lost:
        phone.client.publish(issued["signature"], three_parts)
    renewed = phone.sign({"uploadId": issued["uploadId"]}).json
    published = phone.client.publish(renewed["signature"], three_parts)

    assert lost.value.code == phone.client.platform.refused_apply
    assert phone.network.names.count("ApplyUploadUGC") == 3
    assert phone.network.names.count("UploadPart") == 3
    phone.expect_one_event(issued["uploadId"], published.video_id)


@pytest.mark.parametrize("policy", ["default", "mobile"])
def test_lost_reply_to_apply_is_survived_where_repeats_are_answered(
    phone: Phone, three_parts: Path, policy: str
) -> None:
    """The same string comes again, and opens the same session."""
    phone.turn(repeatedApply="accept")
    issued = phone.sign({"policy": policy}).json
    phone.network.lose_reply("ApplyUploadUGC", "ApplyUploadUGC", "ApplyUploadUGC")
    published = phone.client.publish(issued["signature"], three_parts)

    applies = phone.network.called("ApplyUploadUGC")
    assert [asked.host for asked in applies] == ["vod2.qcloud.com"] * 2 + ["vod2.dnsv1.com"] * 2
    phone.expect_one_event(issued["uploadId"], published.video_id)


@pytest.mark.parametrize("position", ["refuse", "accept"])
def test_reusable_signature_survives_a_lost_reply_to_apply(phone: Phone, small: Path, position: str) -> None:
    """A repeat of it is none; the first Apply's session stays behind without a file."""
    phone.turn(repeatedApply=position)
    phone.network.lose_reply("ApplyUploadUGC")

    assert phone.client.publish(phone.sign({"policy": "reusable"}).json["signature"], small).video_id


@pytest.mark.parametrize("action", ["ApplyUploadUGC", "CommitUploadUGC"])
def test_call_without_any_answer_ends_after_four_tries(phone: Phone, small: Path, action: str) -> None:
    """Two at each host, with the code of the step."""
    phone.turn(repeatedApply="accept")
    phone.network.lose_reply(*[action] * 4)
    with pytest.raises(PublishError) as lost:
        phone.client.publish(phone.sign({"policy": "mobile"}).json["signature"], small)

    assert lost.value.code == {"ApplyUploadUGC": 1001, "CommitUploadUGC": 1005}[action]
    assert phone.network.names.count(action) == 4


def test_lost_reply_to_commit_is_survived(phone: Phone, small: Path) -> None:
    """The same string commits its session again, and the app hears of one file."""
    issued = phone.sign({"policy": "mobile"}).json
    phone.network.lose_reply("CommitUploadUGC", "CommitUploadUGC")
    published = phone.client.publish(issued["signature"], small)

    assert phone.vod.counters()["CommitUploadUGC"] >= 3
    phone.expect_one_event(issued["uploadId"], published.video_id)


@pytest.mark.parametrize("position", ["check", "ignore"])
def test_upload_of_three_lives_of_the_default_policy_succeeds_under_the_mobile_one(
    phone: Phone, three_parts: Path, position: str
) -> None:
    """Ten minutes a part: whether Commit checks expiry or not, the signature is valid then."""
    phone.turn(commitExpiry=position)
    phone.vod.configure(credential_seconds=7200)
    issued = phone.sign({"policy": "mobile"}).json
    phone.let_time_pass(DEFAULT_LIFE, before="UploadPart")
    published = phone.client.publish(issued["signature"], three_parts)

    assert phone.vod.clock.moved_by == 3 * DEFAULT_LIFE
    phone.expect_one_event(issued["uploadId"], published.video_id)
    assert phone.read_status(issued["uploadId"]).json["fileId"] == published.video_id


def test_upload_of_three_lives_of_the_default_policy_is_lost_under_it(
    phone: Phone, three_parts: Path
) -> None:
    """Every byte is sent when Commit refuses the signature that Apply has taken, and nothing goes on."""
    phone.vod.configure(credential_seconds=7200)
    phone.let_time_pass(DEFAULT_LIFE, before="UploadPart")
    with pytest.raises(PublishError, match="10010") as lost:
        phone.client.publish(phone.sign({}).json["signature"], three_parts)

    assert lost.value.code == 1006
    assert phone.network.names[-2:] == ["CompleteMultipartUpload", "CommitUploadUGC"]
    assert phone.client.records == {}


def test_upload_of_three_lives_passes_where_commit_checks_nothing(phone: Phone, three_parts: Path) -> None:
    """The other answer of VOD's would forgive the default policy's short life."""
    phone.turn(commitExpiry="ignore")
    phone.vod.configure(credential_seconds=7200)
    phone.let_time_pass(DEFAULT_LIFE, before="UploadPart")

    assert phone.client.publish(phone.sign({}).json["signature"], three_parts).video_id


def test_signature_that_has_expired_before_apply_has_a_code_of_its_own(phone: Phone, small: Path) -> None:
    """The app asked too early: 1020, and a fresh signature helps."""
    signature = phone.sign({}).json["signature"]
    phone.let_time_pass(DEFAULT_LIFE + 1, before="ApplyUploadUGC")
    with pytest.raises(PublishError, match="10010") as expired:
        phone.client.publish(signature, small)

    assert expired.value.code == 1020


@pytest.mark.parametrize(
    ("code", "repeats", "outcome"),
    [
        ("RequestTimeTooSkewed", "accept", "published"),
        ("RequestTimeTooSkewed", "refuse", "10011"),
        ("AccessDenied", "accept", "1003"),
        ("AccessDenied", "refuse", "1003"),
        ("ExpiredToken", "accept", "1003"),
    ],
)
def test_credential_that_expires_on_the_way(
    phone: Phone, three_parts: Path, code: str, repeats: str, outcome: str
) -> None:
    """Only one of COS's codes makes the SDK apply again, with the string that it has, on its session."""
    phone.turn(expiredCredential=code, repeatedApply=repeats)
    issued = phone.sign({"policy": "mobile"}).json
    phone.let_time_pass(phone.vod.settings.credential_seconds + 1, before="UploadPart", at=2)
    ended = phone.outcome(issued["signature"], three_parts)
    applies = phone.network.called("ApplyUploadUGC")

    if outcome == "published":
        assert ended == "published"
        assert phone.network.names.count("UploadPart") == 4
        assert phone.network.names.count("InitiateMultipartUpload") == 1
    else:
        assert outcome in ended
        assert phone.client.records == {}
    assert [("vodSessionKey" in asked.members) for asked in applies] == [False, True][: len(applies)]
    assert len(applies) == (2 if code == "RequestTimeTooSkewed" else 1)


@pytest.mark.parametrize("position", ["apply", "commit"])
def test_context_is_the_same_whichever_signature_counts(phone: Phone, small: Path, position: str) -> None:
    """A phone sends one string to Apply and Commit, and after a pause one of the same upload."""
    phone.turn(context=position)
    issued = phone.sign({"policy": "mobile", "context": "lesson 3"}).json
    published = phone.client.publish(issued["signature"], small)
    told = phone.expect_one_event(issued["uploadId"], published.video_id)

    assert told["context"] == "lesson 3"


@pytest.mark.parametrize("change", ["bytes", "day"])
def test_record_of_a_pause_is_for_that_file_and_for_a_day(
    phone: Phone, three_parts: Path, change: str
) -> None:
    """With other bytes under the same name, or a day later, the SDK opens a new session."""
    issued = phone.sign({"policy": "mobile"}).json
    with pytest.raises(PublishError):
        phone.client.publish(issued["signature"], three_parts, pause_after=1)
    if change == "bytes":
        three_parts.write_bytes(three_parts.read_bytes()[::-1])
    else:
        phone.vod.clock.moved_by = 86_401
    ended = phone.outcome(phone.sign({"uploadId": issued["uploadId"]}).json["signature"], three_parts)

    assert "vodSessionKey" not in phone.network.called("ApplyUploadUGC")[-1].members
    # By then the signature that was signed at the real time has expired as well.
    assert ended.partition(":")[0] == {"bytes": "published", "day": "1020"}[change]


def test_storage_of_a_custom_domain_is_asked_there(phone: Phone, three_parts: Path) -> None:
    """Both SDKs send the storage traffic to `storageUploadDomain`; without one the member is absent."""
    phone.vod.configure(storage_upload_domain="upload.example.com")

    assert phone.client.publish(phone.sign({"policy": "mobile"}).json["signature"], three_parts).video_id
    assert {asked.host for asked in phone.network.called("UploadPart")} == {"upload.example.com"}


def test_refusal_has_the_words_of_the_sdk(phone: Phone, small: Path) -> None:
    """What the app's listener gets when VOD refuses Apply; docs/clients.md says what to do."""
    forged = sign(SignatureParameters("AKIDsomebody00000", 1, 2, 3), secret_key="unknown")
    told = {
        "android": "1001: 10004|ugc upload | invalid signature",
        "ios": "1002: ugc code:10004, ugc desc:ugc upload | invalid signature",
    }

    assert phone.outcome(forged, small) == told[phone.client.platform.name]
