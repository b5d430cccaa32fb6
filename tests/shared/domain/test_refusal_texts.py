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
from shared.vod.signature import (
    MAX_SIGNATURE_CHARACTERS,
    SignatureParameters,
    build_original,
    decode,
    sign_original,
)
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


def raised(error: ServiceError) -> None:
    """Raise the error."""
    raise error


IN_STRICT = {"policy": "strict", "fileName": "a.mp4", "fileSize": 1}
FILE_NAME_RULE = "Must have 1 to 255 UTF-16 units, no dot in front, no \\, / or control character."
TYPE_RULE = "The type must be one of mp4, mov."
DIFFERS = "Differs from what this upload began with."
REFUSALS: dict[str, list[tuple[Callable[[], object], dict[str, str]]]] = {
    "The request has members that cannot be accepted.": [
        (lambda: read_signature_request({"classId": "x"}), {"/classId": "Input should be a valid integer."}),
        (
            lambda: read_signature_request({"a~b/c\n\ud800" + "d" * 70: 1}),
            {"/a~0b~1c\ufffd\ufffd" + "d" * 57: "There is no such member."},
        ),
    ],
    "There is no such policy for this user.": [(lambda: granted(policy="none"), {"/policy": "Unknown."})],
    "The policy 'default' does not allow this.": [
        (
            lambda: granted(context="a\nb"),
            {"/context": "Control characters and lone surrogates are not allowed."},
        ),
        (
            lambda: granted(fileType="a\nb"),
            {"/fileType": "Control characters and lone surrogates are not allowed."},
        ),
        (
            lambda: granted(fileName="a/b", fileSize=0),
            {"/fileName": FILE_NAME_RULE, "/fileSize": "Must be at least 1 byte."},
        ),
        (
            lambda: granted(procedure="other"),
            {"/procedure": "Not on the policy's list: nothing may be chosen."},
        ),
    ],
    "The policy 'strict' does not allow this.": [
        (
            lambda: granted(policy="strict", classId=3),
            {
                "/classId": "Not on the policy's list: 1, 2.",
                "/fileSize": "Required: this policy limits the size.",
                "/fileType": "Required: this policy limits the type to mp4, mov.",
            },
        ),
        (lambda: granted(**{**IN_STRICT, "fileSize": 1001}), {"/fileSize": "Must be at most 1000 bytes."}),
        (
            lambda: granted(**{**IN_STRICT, "fileName": "a.avi", "fileType": "wmv"}),
            {"/fileType": TYPE_RULE, "/fileName": TYPE_RULE},
        ),
    ],
    "All signatures of one upload carry the same parameters.": [
        (lambda: changed(context="b", classId=7), {"/context": DIFFERS, "/classId": DIFFERS})
    ],
    "User id and context together do not fit into an upload signature.": [
        (
            lambda: seal(UploadContext("01M81A6PGJ0HVA99K5G7FWHBZ5", "alice", LONG), keys=(KEY,), stage="t"),
            {"/context": "Too long, beside the user id: 2 characters over the limit."},
        )
    ],
    "This file is too large.": [
        (
            lambda: refuse_size(2, UploadLimits(1, bytes_per_day=1)),
            {"/fileSize": "Must be at most 1 bytes, a day's allowance."},
        )
    ],
    "Too many upload signatures were asked for.": [
        (lambda: raised(refusal("upload", UploadLimits(7), wait_ms=1)), {})
    ],
    "Too many uploads are under way: finish one.": [
        (lambda: raised(refusal("open", UploadLimits(7, open_uploads=1), wait_ms=0)), {})
    ],
    "The upload signature cannot have these parameters.": [
        (
            lambda: build_original(
                SignatureParameters("id", 1, 2, 3, procedure="P", task_notify_mode="finish")
            ),
            {"/taskNotifyMode": 'must be "Finish", "Change" or "None"'},
        )
    ],
    "A signature has at most 8192 characters.": [(lambda: decode("A" * (MAX_SIGNATURE_CHARACTERS + 1)), {})],
    "A signature is standard Base64 (A-Z a-z 0-9 + / with = at the end).": [
        (lambda: decode("no-base64"), {})
    ],
    "A signature holds a digest of 20 bytes and a text; this one is too short.": [
        (lambda: decode("QUJD"), {}),
        (lambda: explain("QUJD", now=1), {}),
    ],
    "The SecretKey is empty, or is not text.": [
        (lambda: sign_original("a=b", secret_key=""), {}),
        (lambda: sign_original("a=b", secret_key="\ud800"), {}),
    ],
    "The text to sign contains lone surrogates.": [(lambda: sign_original("\ud800", secret_key="k"), {})],
}
"""Detail -> what is refused with it, and the pointer and text of each error in their order."""


@pytest.mark.parametrize(
    ("detail", "ask", "errors"),
    [(detail, ask, errors) for detail, refusals in REFUSALS.items() for ask, errors in refusals],
)
def test_refusal_says_what_is_wrong(detail: str, ask: Callable[[], object], errors: dict[str, str]) -> None:
    """Detail and field errors are what a client shows, and what an operator looks for."""
    with pytest.raises(ServiceError) as caught:
        ask()

    assert caught.value.detail == detail
    assert caught.value.field_errors == tuple(FieldError(*error) for error in errors.items())
