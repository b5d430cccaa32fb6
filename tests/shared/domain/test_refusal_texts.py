"""The exact texts that callers and operators read when something is refused."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from local.operator.signature_inspection import explain
from shared.domain.policy import grant_for, refuse_change
from shared.domain.rate_limits import UploadLimits, refusal, refuse_size
from shared.errors import FieldError, ServiceError
from shared.schema.signature_request import read_signature_request
from shared.vod.context_token import UploadContext, seal
from shared.vod.signature import MAX_SIGNATURE_CHARACTERS, SignatureParameters, decode, sign_original
from tests.shared.policies import read_policy

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = "".join(hashlib.sha256(digit.encode()).hexdigest() for digit in "0123")[:146]
KEY = "canary-of-the-context-key-newest-one"
POLICIES = {
    "default": read_policy({}),
    "strict": read_policy({"fileTypes": ["mp4", "mov"], "maxFileSize": 1000, "classIds": [1, 2]}),
}


def granted(**members: object) -> object:
    """Request something from a policy."""
    return grant_for(read_signature_request(members), POLICIES, vod_sub_app_id=None)


def changed(**members: object) -> None:
    """Renew an upload with other members than it began with."""
    grant = grant_for(read_signature_request({"context": "a"}), POLICIES, vod_sub_app_id=None)
    refuse_change(read_signature_request(members), grant)


def signed(**parameters: object) -> object:
    """Build the parameters of a signature, with one of them out of range."""
    usual = {"secret_id": "id", "current_time_stamp": 1, "expire_time": 2, "random": 3}
    return SignatureParameters(**{**usual, **parameters})  # type: ignore[arg-type]  # some are wrong on purpose


def raised(error: ServiceError) -> None:
    """Raise the error."""
    raise error


LIMIT_OF_AN_UPLOAD = "Too many upload signatures were asked for."
LIMIT_OF_OPEN_ONES = "Too many uploads are under way: finish or cancel one."
POLICY_SAYS_NO = "The policy 'strict' does not allow this."
IN_STRICT = {"policy": "strict", "fileName": "a.mp4", "fileSize": 1}
FILE_NAME_RULE = 'Must have 1 to 255 bytes, no dot in front and none of \\ / : * ? " < > |.'
REFUSALS: list[tuple[Callable[[], object], str, tuple[FieldError, ...]]] = [
    (
        lambda: read_signature_request({"classId": "x"}),
        "The request has members that cannot be accepted.",
        (FieldError("/classId", "Input should be a valid integer."),),
    ),
    (
        lambda: read_signature_request({"a~b/c\n\ud800" + "d" * 70: 1}),
        "The request has members that cannot be accepted.",
        (FieldError("/a~0b~1c\ufffd\ufffd" + "d" * 57, "There is no such member."),),
    ),
    (
        lambda: granted(policy="none"),
        "There is no such policy for this user.",
        (FieldError("/policy", "Unknown."),),
    ),
    (
        lambda: granted(context="a\nb"),
        "The policy 'default' does not allow this.",
        (FieldError("/context", "Control characters and lone surrogates are not allowed."),),
    ),
    (
        lambda: granted(fileName="a/b", fileSize=0),
        "The policy 'default' does not allow this.",
        (FieldError("/fileName", FILE_NAME_RULE), FieldError("/fileSize", "Must be at least 1 byte.")),
    ),
    (
        lambda: granted(procedure="other"),
        "The policy 'default' does not allow this.",
        (FieldError("/procedure", "Not on the policy's list: nothing may be chosen."),),
    ),
    (
        lambda: granted(policy="strict", classId=3),
        POLICY_SAYS_NO,
        (
            FieldError("/classId", "Not on the policy's list: 1, 2."),
            FieldError("/fileSize", "This policy limits the size: say how many bytes."),
            FieldError("/fileType", "This policy limits the type: say which of mp4, mov."),
        ),
    ),
    (
        lambda: granted(**{**IN_STRICT, "fileSize": 1001}),
        POLICY_SAYS_NO,
        (FieldError("/fileSize", "Must be at most 1000 bytes."),),
    ),
    (
        lambda: granted(**{**IN_STRICT, "fileName": "a.avi", "fileType": "wmv"}),
        POLICY_SAYS_NO,
        (
            FieldError("/fileType", "The type must be one of mp4, mov."),
            FieldError("/fileName", "The type must be one of mp4, mov."),
        ),
    ),
    (
        lambda: granted(**{**IN_STRICT, "fileName": "a.php.mp4"}),
        POLICY_SAYS_NO,
        (FieldError("/fileName", "Must not have a program's extension before its own."),),
    ),
    (
        lambda: changed(context="b", classId=7),
        "All signatures of one upload carry the same parameters.",
        (
            FieldError("/context", "Differs from what this upload began with."),
            FieldError("/classId", "Differs from what this upload began with."),
        ),
    ),
    (
        lambda: seal(UploadContext("01M81A6PGJ0HVA99K5G7FWHBZ5", "alice", LONG), keys=(KEY,), stage="t"),
        "User id and context together do not fit into an upload signature.",
        (FieldError("/context", "Too long, beside the user id: 2 characters over the limit."),),
    ),
    (
        lambda: refuse_size(2, UploadLimits(1, bytes_per_day=1)),
        "This file is too large.",
        (FieldError("/fileSize", "Must be at most 1 bytes, a day's allowance."),),
    ),
    (lambda: raised(refusal("upload", UploadLimits(7), wait_ms=1)), LIMIT_OF_AN_UPLOAD, ()),
    (lambda: raised(refusal("open", UploadLimits(7, open_uploads=1), wait_ms=0)), LIMIT_OF_OPEN_ONES, ()),
    (
        lambda: signed(random=-1),
        "The upload signature cannot have these parameters.",
        (FieldError("/random", "must be a whole number from 0 to 4294967295"),),
    ),
    (
        lambda: signed(task_notify_mode="finish", procedure="P"),
        "The upload signature cannot have these parameters.",
        (FieldError("/taskNotifyMode", 'must be "Finish", "Change" or "None"'),),
    ),
    (
        lambda: decode("A" * (MAX_SIGNATURE_CHARACTERS + 1)),
        "A signature has at most 8192 characters.",
        (),
    ),
    (
        lambda: decode("no-base64"),
        "A signature is standard Base64 (A-Z a-z 0-9 + / with = at the end).",
        (),
    ),
    (
        lambda: decode("QUJD"),
        "A signature holds a digest of 20 bytes and a text; this one is too short.",
        (),
    ),
    (lambda: sign_original("a=b", secret_key=""), "The SecretKey is empty, or is not text.", ()),
    (lambda: sign_original("a=b", secret_key="\ud800"), "The SecretKey is empty, or is not text.", ()),
    (lambda: sign_original("\ud800", secret_key="k"), "The text to sign contains lone surrogates.", ()),
    (
        lambda: explain("QUJD", now=1),
        "A signature holds a digest of 20 bytes and a text; this one is too short.",
        (),
    ),
]


@pytest.mark.parametrize(("ask", "detail", "field_errors"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusal_says_what_is_wrong(
    ask: Callable[[], object], detail: str, field_errors: tuple[FieldError, ...]
) -> None:
    """Detail and field errors are what a client shows, and what an operator looks for."""
    with pytest.raises(ServiceError) as caught:
        ask()

    assert (caught.value.detail, caught.value.field_errors) == (detail, field_errors)
