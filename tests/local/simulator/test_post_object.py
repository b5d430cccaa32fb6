"""POST Object, as a mini program of an old base library sends it: a form, forwarded by VOD's own host."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import requests
from qcloud_cos import CosS3Auth  # type: ignore[import-untyped]  # no stubs exist

from local.simulator.object_files import checksum_headers
from tests.local.simulator.account import policy_fields

if TYPE_CHECKING:
    from tests.local.simulator.account import Account, Applied

CONTENT = b"moving\r\n--pictures" * 9000
CRC64_OF_DIGITS = "11051210869376104954"
"""The check value of CRC-64/XZ, which is that of `123456789`."""


def _signed_fields(account: Account, applied: Applied) -> dict[str, str]:
    """Return the fields of cos-wx-sdk-v5: the request's own signature, of `POST /`."""
    certificate = applied.data["tempCertificate"]
    config = applied.cos_config(SignHost=False)
    request = requests.Request("POST", account.url + "/").prepare()
    del request.headers["Content-Length"]
    authorization = CosS3Auth(config, params={})(request).headers["Authorization"]
    return {
        "key": applied.key,
        "success_action_status": "200",
        "Signature": authorization,
        "x-cos-security-token": certificate["token"],
        "Content-Type": "video/mp4",
    }


def _post(account: Account, applied: Applied, fields: dict[str, str], content: bytes = CONTENT) -> Any:  # noqa: ANN401  # a response
    return account.request(
        "POST",
        "vod2.qcloud.com",
        "/",
        data=fields,
        files={"file": ("clip.mp4", content)},
        headers={"Vod-Forward-Cos": applied.host},
    )


def _code(answer: requests.Response) -> tuple[int, str | None]:
    return answer.status_code, ET.fromstring(answer.content).findtext("Code")  # noqa: S314  # the simulator's own


def test_mini_program_posts_a_form_to_its_own_host(account: Account) -> None:
    """The signature is a field; the host that Apply names forwards it like VOD's own."""
    account.configure(mini_program_accelerate_host="mini.vod.test")
    applied = account.apply(len(CONTENT))
    named = applied.data["MiniProgramAccelerateHost"]
    answer = account.request(
        "POST",
        named,
        "/",
        data=_signed_fields(account, applied),
        files={"file": ("clip.mp4", CONTENT)},
        headers={"Vod-Forward-Cos": applied.host},
    )
    account.configure(mini_program_accelerate_host="")
    reply = account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)

    assert (named, answer.status_code, reply["code"]) == ("mini.vod.test", 200, 0)
    assert answer.headers["ETag"] == f'"{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"'
    assert requests.get(reply["data"]["video"]["url"], timeout=10).content == CONTENT
    assert account.counters()["uploads"][applied.session_key]["PostObject"] == 1


def test_policy_authorizes_what_its_conditions_describe(account: Account) -> None:
    """Without a status that it asks for, the answer is 204; with 201 it is a document."""
    applied = account.apply()
    conditions: list[Any] = [
        {"bucket": applied.bucket},
        ["starts-with", "$key", f"/{applied.key[:5]}"],
        ["content-length-range", 1, 10_000_000],
        ["eq", "$Content-Type", "video/mp4"],
    ]
    fields = {**policy_fields(applied, *conditions), "Content-Type": "video/mp4"}
    empty = _post(account, applied, fields)
    document = _post(account, applied, {**fields, "success_action_status": "201"})

    assert (empty.status_code, empty.content) == (204, b"")
    assert document.status_code == 201
    root = ET.fromstring(document.content)  # noqa: S314  # the simulator's own
    assert [root.tag, *(child.tag for child in root)] == ["PostResponse", "Location", "Bucket", "Key", "ETag"]


@pytest.mark.parametrize(
    ("conditions", "changes", "expected"),
    [
        ([["starts-with", "$key", "/other"]], {}, (403, "AccessDenied")),
        ([["eq", "$key", "/other"]], {}, (403, "AccessDenied")),
        ([["content-length-range", 1, 2]], {}, (400, "EntityTooLarge")),
        ([["content-length-range", 10_000_000, 20_000_000]], {}, (400, "EntityTooSmall")),
        ([["content-length-range", "a"]], {}, (400, "InvalidPolicyDocument")),
        ([], {"policy": "?"}, (400, "InvalidPolicyDocument")),
        ([], {"policy": base64.b64encode(b"{}").decode()}, (400, "InvalidPolicyDocument")),
        ([], {"q-signature": "0"}, (403, "SignatureDoesNotMatch")),
        ([], {"q-ak": "AKIDother"}, (403, "InvalidAccessKeyId")),
        ([], {"x-cos-security-token": "other"}, (403, "AccessDenied")),
        ([], {"key": "/other"}, (403, "AccessDenied")),
        ([], {"success_action_redirect": "https://app.test/"}, (501, "NotImplemented")),
    ],
)
def test_form_that_its_policy_does_not_describe_is_refused(
    account: Account, conditions: list[object], changes: dict[str, str], expected: tuple[int, str]
) -> None:
    """Nothing is stored, whatever is wrong."""
    applied = account.apply()
    fields = {**policy_fields(applied, *conditions), **changes}

    assert _code(_post(account, applied, fields)) == expected
    assert account.simulator._state.objects.find(applied.key) is None  # noqa: SLF001  # what is stored


@pytest.mark.parametrize(("lives", "leave_out"), [(-5, ""), (600, "q-ak"), (600, "q-sign-time")])
def test_policy_that_is_over_or_incomplete_is_refused(account: Account, lives: int, leave_out: str) -> None:
    """It ends, and it names the signature's own members."""
    applied = account.apply()
    fields = policy_fields(applied, lives=lives, leave_out=leave_out)

    assert _code(_post(account, applied, fields)) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{}", "InvalidArgument"),
        ("multipart/form-data; boundary=b", b"", "MalformedPOSTRequest"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", "MalformedPOSTRequest"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + bytes(70_000), "MalformedPOSTRequest"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--b--\r\n',
            "MalformedPOSTRequest",
        ),
    ],
)
def test_body_that_is_no_form_is_refused(account: Account, content_type: str, body: bytes, code: str) -> None:
    """A form has fields and then a file."""
    applied = account.apply()
    answer = account.request("POST", applied.host, "/", data=body, headers={"Content-Type": content_type})

    assert _code(answer) == (400, code)


def test_form_that_ends_within_its_file_leaves_nothing(account: Account) -> None:
    """The object is the whole file or none."""
    applied = account.apply()
    whole = requests.Request(
        "POST", account.url, data=_signed_fields(account, applied), files={"file": ("a", CONTENT)}
    ).prepare()
    assert isinstance(whole.body, bytes)
    headers = {"Content-Type": str(whole.headers["Content-Type"])}
    answer = account.request("POST", applied.host, "/", data=whole.body[:-4000], headers=headers)

    assert _code(answer) == (400, "MalformedPOSTRequest")
    assert account.simulator._state.objects.find(applied.key) is None  # noqa: SLF001  # what is stored


def test_checksum_is_crc64_of_the_object(account: Account) -> None:
    """Android compares `x-cos-hash-crc64ecma` with its own, for parts and for the joined object."""
    applied = account.apply()
    storage = account.storage(applied)
    simple = storage.put_object(applied.bucket, b"123456789", applied.key)
    upload_id = storage.create_multipart_upload(applied.bucket, applied.key)["UploadId"]
    parts = [b"1" * 1024 * 1024, b"23"]
    sent = [
        storage.upload_part(applied.bucket, applied.key, part, number, upload_id)
        for number, part in enumerate(parts, 1)
    ]
    listed = [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(sent, 1)]
    joined = storage.complete_multipart_upload(applied.bucket, applied.key, upload_id, {"Part": listed})
    head = storage.head_object(applied.bucket, applied.key)
    again = storage.put_object(applied.bucket, b"".join(parts), applied.key)

    assert simple["x-cos-hash-crc64ecma"] == CRC64_OF_DIGITS
    assert len({part["x-cos-hash-crc64ecma"] for part in sent}) == 2
    assert joined["x-cos-hash-crc64ecma"] == head["x-cos-hash-crc64ecma"] == again["x-cos-hash-crc64ecma"]
    assert checksum_headers("a file of an earlier version") == {}


def test_custom_upload_domain_takes_the_storage_traffic(account: Account) -> None:
    """It names no bucket; without one the member is absent, for which iOS tests alone."""
    plain = account.apply(3)
    account.configure(storage_upload_domain="upload.app.test")
    applied = account.apply(3)
    fields = {**policy_fields(applied), "success_action_status": "200"}
    answer = account.request(
        "POST", "upload.app.test", "/", data=fields, files={"file": ("clip.mp4", b"abc")}
    )
    account.configure(storage_upload_domain="")
    gone = account.request("POST", "upload.app.test", "/", data=fields, files={"file": ("clip.mp4", b"abc")})
    reply = account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)

    assert "storageUploadDomain" not in plain.data
    assert "MiniProgramAccelerateHost" not in plain.data
    assert applied.data["storageUploadDomain"] == "upload.app.test"
    assert (answer.status_code, gone.status_code, reply["code"]) == (200, 404, 0)
