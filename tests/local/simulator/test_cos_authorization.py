"""COS's request signature: published and computed answers, and every way to get it wrong."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Auth  # type: ignore[import-untyped]  # no stubs exist

from local.simulator.cos_authorization import cos_signature, verify_cos_authorization
from local.simulator.credentials import TemporaryCredential
from local.simulator.storage_errors import StorageError
from local.simulator.storage_request import StorageRequest

NOW = 1_557_990_000
CREDENTIAL = TemporaryCredential("AKIDtemporary", "temporary-key", "token/+=", "session", NOW + 900)
HOST = "b-1.cos.ap-seoul.myqcloud.com"
FIELDS = {
    "q-sign-algorithm": "sha1",
    "q-ak": CREDENTIAL.secret_id,
    "q-sign-time": f"{NOW};{NOW + 900}",
    "q-key-time": f"{NOW};{NOW + 900}",
    "q-header-list": "content-md5;x-cos-acl",
    "q-url-param-list": "partnumber;uploadid",
}
REQUEST = StorageRequest(
    method="PUT",
    path="/folder/한글 file.mp4",
    query=(("partNumber", "1"), ("uploadId", "a/b+c")),
    headers={"content-md5": "mQ/fVh==", "x-cos-acl": "private", "x-cos-security-token": "token/+="},
    hosts=(HOST,),
    bucket="b-1",
    region="ap-seoul",
    key="folder/한글 file.mp4",
)


def _signed(request: StorageRequest = REQUEST, /, **changes: str) -> StorageRequest:
    fields = {**FIELDS, **changes}
    fields.setdefault(
        "q-signature", cos_signature(request, fields, secret_key=CREDENTIAL.secret_key, host=HOST)
    )
    authorization = "&".join(f"{name}={value}" for name, value in fields.items())
    return replace(request, headers={**request.headers, "authorization": authorization})


def _code(request: StorageRequest, *, now: float = NOW, credential: TemporaryCredential = CREDENTIAL) -> str:
    keys = {credential.secret_id: credential}
    try:
        found = verify_cos_authorization(request, find_credential=keys.get, now=now)
    except StorageError as error:
        return error.code + (" expired" if "expired" in error.message else "")
    assert found == credential
    return "ok"


def test_signature_is_the_one_openssl_computes() -> None:
    """The known answer: three HMAC-SHA1 and SHA1 steps of doc 436/7778, done by openssl."""

    def openssl(message: str, *options: str) -> str:
        command = ["openssl", "dgst", "-sha1", *options]
        done = subprocess.run(command, input=message.encode(), capture_output=True, check=True)  # noqa: S603  # fixed words
        return done.stdout.decode().rpartition("= ")[2].strip()

    span = FIELDS["q-key-time"]
    http_string = (
        "put\n/folder/한글 file.mp4\npartnumber=1&uploadid=a%2Fb%2Bc\n"
        "content-md5=mQ%2FfVh%3D%3D&x-cos-acl=private\n"
    )
    sign_key = openssl(span, "-hmac", CREDENTIAL.secret_key)
    expected = openssl(f"sha1\n{span}\n{openssl(http_string)}\n", "-hmac", sign_key)

    assert expected == cos_signature(REQUEST, FIELDS, secret_key=CREDENTIAL.secret_key, host=HOST)


def test_signature_of_the_vendors_example() -> None:
    """The known answer of doc 436/7778: an upload with seven signed headers."""
    request = StorageRequest(
        method="PUT",
        path="/exampleobject(腾讯云)",
        query=(),
        headers={
            "date": "Thu, 16 May 2019 06:45:51 GMT",
            "content-type": "text/plain",
            "content-length": "13",
            "content-md5": "mQ/fVh815F3k6TAUm8m0eg==",
            "x-cos-acl": "private",
            "x-cos-grant-read": 'uin="100000000011"',
        },
        hosts=(),
        bucket="",
        region="",
        key="",
    )
    fields = {
        "q-sign-time": "1557989151;1557996351",
        "q-key-time": "1557989151;1557996351",
        "q-header-list": "content-length;content-md5;content-type;date;host;x-cos-acl;x-cos-grant-read",
        "q-url-param-list": "",
    }

    expected = "3b8851a11a569213c17ba8fa7dcf2abec6935172"
    assert expected == cos_signature(
        request,
        fields,
        secret_key="BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz",
        host="examplebucket-1250000000.cos.ap-beijing.myqcloud.com",
    )


def test_signature_of_the_vendors_sdk_verifies() -> None:
    """What COS's SDK for Python signs is accepted, with the host signed and without."""
    for sign_host in (True, False):
        config = CosConfig(
            Region="ap-seoul",
            SecretId=CREDENTIAL.secret_id,
            SecretKey=CREDENTIAL.secret_key,
            SignHost=sign_host,
        )
        prepared = requests.Request(
            "PUT",
            f"http://{HOST}:8000/x.mp4?partNumber=2",
            headers={"x-cos-security-token": CREDENTIAL.token, "Cache-Control": "no-cache"},
            auth=CosS3Auth(config, "/x.mp4", {"partNumber": "2"}),
        ).prepare()
        headers = {name.lower(): str(value) for name, value in prepared.headers.items()}
        request = replace(
            REQUEST,
            path="/x.mp4",
            query=(("partNumber", "2"),),
            headers=headers,
            hosts=(f"{HOST}:8000", HOST),
        )
        now = int(headers["authorization"].partition("q-sign-time=")[2][:10]) + 60

        assert _code(request, now=now, credential=replace(CREDENTIAL, expires_at=now + 1)) == "ok"


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"},
        {"path": "/folder/other.mp4"},
        {"query": (("partNumber", "2"), ("uploadId", "a/b+c"))},
        {"query": ()},
    ],
)
def test_every_signed_part_counts(changed: dict[str, object]) -> None:
    """Another method, key or parameter than the signed one is refused."""
    assert _code(replace(_signed(), **changed)) == "SignatureDoesNotMatch"  # type: ignore[arg-type]  # a table


def test_signed_header_counts_and_an_unsigned_one_does_not() -> None:
    """Only what the list names is covered; an empty header that was lost on the way is no fault."""
    signed = _signed()
    empty = _signed(
        replace(REQUEST, headers={**REQUEST.headers, "cache-control": ""}),
        **{"q-header-list": "cache-control"},
    )
    without = {name: value for name, value in empty.headers.items() if name != "cache-control"}

    assert (
        _code(replace(signed, headers={**signed.headers, "x-cos-acl": "public"})) == "SignatureDoesNotMatch"
    )
    assert _code(replace(signed, headers={**signed.headers, "user-agent": "other"})) == "ok"
    assert _code(replace(empty, headers=without)) == "ok"


@pytest.mark.parametrize(
    ("code", "now", "changes"),
    [
        ("ok", NOW + 900, {}),
        ("AccessDenied expired", NOW + 901, {}),
        ("ok", NOW - 900, {}),
        ("RequestTimeTooSkewed", NOW - 901, {}),
        ("AccessDenied", NOW, {"q-key-time": "soon;later"}),
        ("AccessDenied expired", NOW, {"q-key-time": f"{NOW - 9};{NOW - 1}"}),
        ("InvalidAccessKeyId", NOW, {"q-ak": "AKIDother"}),
        ("SignatureDoesNotMatch", NOW, {"q-sign-algorithm": "md5"}),
        ("SignatureDoesNotMatch", NOW, {"q-signature": ""}),
        ("SignatureDoesNotMatch", NOW, {"q-signature": "é"}),
    ],
)
def test_times_and_fields_are_checked(code: str, now: int, changes: dict[str, str]) -> None:
    """Each fault has the code by which SDKs decide what to do next."""
    assert _code(_signed(**changes), now=now) == code


def test_credential_expires_even_when_the_signature_lives_longer() -> None:
    """A client cannot lengthen its credential by signing for longer."""
    longer = _signed(**{"q-sign-time": f"{NOW};{NOW + 9999}", "q-key-time": f"{NOW};{NOW + 9999}"})

    assert _code(longer, now=NOW + 901) == "AccessDenied expired"


@pytest.mark.parametrize("token", ["", "another", "tökén"])
def test_token_must_come_with_its_key(token: str) -> None:
    """A temporary key is worth nothing without its token."""
    signed = _signed()

    assert _code(replace(signed, headers={**signed.headers, "x-cos-security-token": token})) == "AccessDenied"
