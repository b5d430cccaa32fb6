"""POST /signature: what an authorized caller gets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.domain.upload_id import is_upload_id
from shared.vod.context_token import UploadContext, unseal
from shared.vod.signature import decode, is_signed_with
from tests.functions.deployment import (
    CONTEXT_KEY,
    JWT_SECRET,
    OLD_JWT_SECRET,
    SECRET_ID,
    SECRET_KEY,
    user_token,
)

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, Sign

VARIES = ("currentTimeStamp", "expireTime", "random")


def constant_part(signature: str) -> dict[str, str]:
    """Return the parameters that all signatures of one upload share."""
    values = decode(signature).values
    return {name: values[name] for name in values if name not in VARIES}


def test_signature_is_what_the_policy_grants(sign: Sign) -> None:
    """A request without any wish gets the default policy's first choices, signed for 600 seconds."""
    before = int(time.time())
    answer = sign({}).json
    after = int(time.time())

    assert answer.keys() == {"signature", "uploadId", "expiresAt", "oneTime"}
    assert is_upload_id(answer["uploadId"])
    assert answer["oneTime"] is True
    decoded = decode(answer["signature"])
    assert is_signed_with(decoded, SECRET_KEY)
    assert list(decoded.values) == [
        "secretId",
        "currentTimeStamp",
        "expireTime",
        "random",
        "classId",
        "sourceContext",
        "oneTimeValid",
        "sessionContext",
        "storageRegion",
    ]
    assert decoded.values["secretId"] == SECRET_ID
    assert (decoded.values["classId"], decoded.values["storageRegion"]) == ("0", "ap-seoul")
    assert decoded.values["oneTimeValid"] == "1"
    assert before <= int(decoded.values["currentTimeStamp"]) <= after
    assert int(decoded.values["expireTime"]) == int(decoded.values["currentTimeStamp"]) + 600
    assert answer["expiresAt"] == int(decoded.values["expireTime"])


def test_body_may_be_left_out(sign: Sign) -> None:
    """All members are optional, so an empty body is as good as an empty object."""
    assert sign("").status == 200
    assert sign(" \r\n").status == 200


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"storageRegion": "ap-singapore"}, {"storageRegion": "ap-singapore"}),
        ({"classId": 7011}, {"classId": "7011"}),
        (
            {"policy": "course"},
            {"procedure": "LongVideoPreset", "taskPriority": "5", "taskNotifyMode": "Change"},
        ),
        ({"policy": "course", "procedure": "Short"}, {"procedure": "Short"}),
        ({"policy": "reusable"}, {"oneTimeValid": "0", "vodSubAppId": "1500099999"}),
        ({"policy": None, "classId": None, "context": None, "uploadId": None}, {"classId": "0"}),
    ],
)
def test_choice_that_the_policy_offers_is_signed(
    sign: Sign, wish: dict[str, object], expected: dict[str, str]
) -> None:
    """What is on the policy's list can be chosen, and null means: not chosen."""
    answer = sign(wish)

    assert answer.status == 200
    assert expected.items() <= decode(answer.json["signature"]).values.items()


def test_sub_application_of_the_deployment_is_signed(sign: Sign, deploy: Deploy) -> None:
    """VOD_SUB_APP_ID counts for every policy that names none of its own."""
    deploy(VOD_SUB_APP_ID="1500012345")

    assert decode(sign({}).json["signature"]).values["vodSubAppId"] == "1500012345"
    assert decode(sign({"policy": "reusable"}).json["signature"]).values["vodSubAppId"] == "1500099999"


def test_both_contexts_carry_the_sealed_identity(sign: Sign) -> None:
    """One token stands in sourceContext and in sessionContext, and says whose upload it is."""
    answer = sign({"context": "수업 3 & a=b"}, user="alice").json
    values = decode(answer["signature"]).values

    assert values["sourceContext"] == values["sessionContext"]
    assert len(values["sourceContext"]) <= 250
    assert unseal(values["sourceContext"], keys=(CONTEXT_KEY,), stage="test") == UploadContext(
        answer["uploadId"], "alice", "수업 3 & a=b"
    )


def test_signatures_of_one_upload_agree_on_all_but_time_and_random(sign: Sign) -> None:
    """An SDK asks up to nine times for one upload: same context, procedure, class and region each time."""
    wish = {"policy": "course", "procedure": "Short", "context": "lesson 3", "fileName": "a.mp4"}
    first = sign(wish).json
    others = [sign({"uploadId": first["uploadId"]}).json for _ in range(8)]

    assert {answer["uploadId"] for answer in others} == {first["uploadId"]}
    for answer in others:
        assert constant_part(answer["signature"]) == constant_part(first["signature"])
        assert answer["oneTime"] is first["oneTime"]
    randoms = [decode(answer["signature"]).values["random"] for answer in (first, *others)]
    assert len(set(randoms)) == 9


@pytest.mark.parametrize(
    "accept",
    [
        "text/plain",
        "TEXT/PLAIN; charset=utf-8",
        "text/plain, */*;q=0.1",
        "text/*",
        "application/json;q=0.5, text/plain",
    ],
)
def test_text_plain_is_the_bare_signature(sign: Sign, accept: str) -> None:
    """An SDK's getSignature wants the signature and nothing around it; the upload's id is a header."""
    answer = sign({}, accept=accept)

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert is_upload_id(answer.headers["upload-id"])
    assert is_signed_with(decode(answer.body), SECRET_KEY)


@pytest.mark.parametrize("secret", [JWT_SECRET, OLD_JWT_SECRET])
def test_tokens_of_both_secrets_are_accepted_during_rotation(sign: Sign, secret: str) -> None:
    """A user whose token is of the older secret need not log in again."""
    assert sign({}, authorization=f"bearer {user_token(secret=secret)}").status == 200
