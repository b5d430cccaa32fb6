"""AWS Signature Version 4: the published answer, and every way to get it wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from local.simulator.credentials import TemporaryCredential
from local.simulator.s3_authorization import s3_signature, verify_s3_authorization
from local.simulator.storage_errors import StorageError
from local.simulator.storage_request import StorageRequest

NOW = datetime(2013, 5, 24, tzinfo=timezone.utc).timestamp()
CREDENTIAL = TemporaryCredential("AKIDtemporary", "temporary-key", "token", "session", int(NOW) + 900)
HOST = "b-1.cos.ap-seoul.myqcloud.com"
SIGNED = ["host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]
REQUEST = StorageRequest(
    method="PUT",
    path="/folder/한글 file.mp4",
    query=(("partNumber", "1"), ("uploadId", "a/b+c")),
    headers={
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "x-amz-date": "20130524T000000Z",
        "x-amz-security-token": "token",
    },
    hosts=(HOST,),
    bucket="b-1",
    region="ap-seoul",
    key="folder/한글 file.mp4",
)


def _signed(
    request: StorageRequest = REQUEST, *, date: str = "20130524", signed: tuple[str, ...] = tuple(SIGNED)
) -> StorageRequest:
    signature = s3_signature(
        request, list(signed), secret_key=CREDENTIAL.secret_key, scope=(date, "ap-seoul"), host=HOST
    )
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={CREDENTIAL.secret_id}/{date}/ap-seoul/s3/aws4_request, "
        f"SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    return replace(request, headers={**request.headers, "authorization": authorization})


def _code(request: StorageRequest, *, now: float = NOW) -> str:
    try:
        verify_s3_authorization(request, find_credential={CREDENTIAL.secret_id: CREDENTIAL}.get, now=now)
    except StorageError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize(
    ("signature", "query"),
    [
        ("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", (("lifecycle", ""),)),
        (
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            (("max-keys", "2"), ("prefix", "J")),
        ),
    ],
)
def test_signature_of_the_published_examples(signature: str, query: tuple[tuple[str, str], ...]) -> None:
    """The known answers of Amazon's page on signature calculations in the Authorization header."""
    request = replace(
        REQUEST,
        method="GET",
        path="/",
        query=query,
        headers={
            "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "x-amz-date": "20130524T000000Z",
        },
    )

    assert signature == s3_signature(
        request,
        ["host", "x-amz-content-sha256", "x-amz-date"],
        secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        scope=("20130524", "us-east-1"),
        host="examplebucket.s3.amazonaws.com",
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"},
        {"path": "/folder/other.mp4"},
        {"query": (("partNumber", "2"), ("uploadId", "a/b+c"))},
        {"hosts": ("other.cos.ap-seoul.myqcloud.com",)},
    ],
)
def test_every_signed_part_counts(changed: dict[str, object]) -> None:
    """Another method, key, parameter or host than the signed one is refused."""
    assert _code(_signed()) == "ok"
    assert _code(replace(_signed(), **changed)) == "SignatureDoesNotMatch"  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize(
    ("code", "now"),
    [
        ("ok", NOW + 900),
        ("RequestTimeTooSkewed", NOW + 901),
        ("ok", NOW - 900),
        ("RequestTimeTooSkewed", NOW - 901),
    ],
)
def test_time_of_the_request_counts(code: str, now: float) -> None:
    """A request is good for fifteen minutes around its own time."""
    assert _code(_signed(), now=now) == code


def test_expired_credential_is_refused() -> None:
    """The words are those that make SDKs ask for another credential."""
    late = replace(REQUEST, headers={**REQUEST.headers, "x-amz-date": "20130524T001501Z"})

    assert _code(_signed(late), now=NOW + 901) == "AccessDenied"


@pytest.mark.parametrize(
    ("code", "header", "value"),
    [
        ("AuthorizationHeaderMalformed", "authorization", "AWS4-HMAC-SHA256 nonsense"),
        ("AccessDenied", "x-amz-security-token", "other"),
        ("AccessDenied", "x-amz-security-token", "tökén"),
        ("AccessDenied", "x-amz-date", "yesterday"),
        ("AccessDenied", "x-amz-date", ""),
        ("SignatureDoesNotMatch", "x-amz-content-sha256", "0" * 64),
    ],
)
def test_headers_are_checked(code: str, header: str, value: str) -> None:
    """Each fault has its code."""
    signed = _signed()

    assert _code(replace(signed, headers={**signed.headers, header: value})) == code


def test_host_has_to_be_signed_and_the_day_has_to_fit() -> None:
    """A signature that leaves out the host, or whose scope is of another day, is refused."""
    assert _code(_signed(signed=("x-amz-content-sha256", "x-amz-date"))) == "SignatureDoesNotMatch"
    assert _code(_signed(date="20130523")) == "SignatureDoesNotMatch"


def test_unknown_key_is_refused() -> None:
    """A SecretId that was never issued opens nothing."""
    signed = _signed()
    authorization = signed.headers["authorization"].replace(CREDENTIAL.secret_id, "AKIDother")

    assert (
        _code(replace(signed, headers={**signed.headers, "authorization": authorization}))
        == "InvalidAccessKeyId"
    )
