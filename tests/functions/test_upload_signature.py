"""POST /signature: what an authorized caller gets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.domain.upload_id import is_upload_id
from shared.vod.context_token import UploadContext, unseal
from shared.vod.signature import decode, is_signed_with
from tests.functions.deployment import CONTEXT_KEY, SECRET_ID, SECRET_KEY

if TYPE_CHECKING:
    from tests.functions.conftest import Sign


def test_signature_is_what_the_policy_grants(sign: Sign) -> None:
    """Without any wish it is the default policy's first choices, for 600 seconds, and says whose it is."""
    before = int(time.time())
    answer = sign({"context": "수업 3 & a=b"}).json
    after = int(time.time())

    assert answer.keys() == {"signature", "uploadId", "expiresAt", "oneTime"}
    assert is_upload_id(answer["uploadId"])
    assert answer["oneTime"] is True
    decoded = decode(answer["signature"])
    assert is_signed_with(decoded, SECRET_KEY)
    assert " ".join(decoded.values) == (
        "secretId currentTimeStamp expireTime random classId sourceContext oneTimeValid sessionContext "
        "storageRegion"
    )
    assert decoded.values["secretId"] == SECRET_ID
    assert (decoded.values["classId"], decoded.values["storageRegion"]) == ("0", "ap-seoul")
    assert decoded.values["oneTimeValid"] == "1"
    assert before <= int(decoded.values["currentTimeStamp"]) <= after
    assert int(decoded.values["expireTime"]) == int(decoded.values["currentTimeStamp"]) + 600
    assert answer["expiresAt"] == int(decoded.values["expireTime"])
    token = decoded.values["sourceContext"]
    assert token == decoded.values["sessionContext"]
    assert len(token) <= 250
    context = UploadContext(answer["uploadId"], "alice", "수업 3 & a=b")
    assert unseal(token, keys=(CONTEXT_KEY,), stage="test") == context


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


def test_text_plain_is_the_bare_signature(sign: Sign) -> None:
    """An SDK's getSignature wants the signature and nothing around it; the upload's id is a header."""
    answer = sign({}, accept="text/plain, */*;q=0.1")

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert is_upload_id(answer.headers["upload-id"])
    assert is_signed_with(decode(answer.body), SECRET_KEY)
