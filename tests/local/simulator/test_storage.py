"""The storage as used by COS's own SDK for Python, and by attackers."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from qcloud_cos import CosS3Auth, CosServiceError  # type: ignore[import-untyped]  # no stubs exist

from tests.local.simulator.account import HOST, Account, Applied
from tests.waiting import wait_until

if TYPE_CHECKING:
    from qcloud_cos import CosS3Client

MIB = 1024 * 1024


def _request(
    account: Account,
    applied: Applied,
    method: str,
    path: str,
    **options: Any,  # noqa: ANN401  # of requests
) -> tuple[int, str]:
    """Send a well-signed request that no SDK would send; return status and COS's error code."""
    certificate = applied.data["tempCertificate"]
    config = applied.cos_config(SignHost=False)
    key, _, query = path.partition("?")
    parameters = dict(part.partition("=")[::2] for part in query.split("&") if part)
    headers = {"x-cos-security-token": certificate["token"], **options.pop("headers", {})}
    answer = account.request(
        method,
        options.pop("host", applied.host),
        path,
        headers=headers,
        auth=CosS3Auth(config, key, parameters),
        **options,
    )
    code = ET.fromstring(answer.content).findtext("Code") if answer.status_code >= 400 else None  # noqa: S314  # the simulator's own
    return answer.status_code, code or ""


def _open(storage: CosS3Client, applied: Applied) -> str:
    return str(storage.create_multipart_upload(applied.bucket, applied.key)["UploadId"])


def _code(error: pytest.ExceptionInfo[CosServiceError]) -> str:
    return str(error.value.get_error_code())


def test_parts_in_any_order_become_the_object(account: Account) -> None:
    """Listed, sent in parallel, listed again and completed; the ETags are those of COS."""
    content = os.urandom(2 * MIB + 17)
    parts = [content[:MIB], content[MIB : 2 * MIB], content[2 * MIB :]]
    applied = account.apply(len(content))
    storage = account.storage(applied)
    before = storage.list_multipart_uploads(applied.bucket, Prefix=applied.key)
    upload_id = _open(storage, applied)
    etags = {
        number: storage.upload_part(applied.bucket, applied.key, parts[number - 1], number, upload_id)["ETag"]
        for number in (3, 1, 2)
    }
    opened = storage.list_multipart_uploads(applied.bucket, Prefix=applied.key)["Upload"]
    listed = storage.list_parts(applied.bucket, applied.key, upload_id)
    completed = storage.complete_multipart_upload(
        applied.bucket,
        applied.key,
        upload_id,
        {"Part": [{"PartNumber": number, "ETag": etags[number]} for number in (1, 2, 3)]},
    )
    head = storage.head_object(applied.bucket, applied.key)

    assert "Upload" not in before
    assert [(upload["Key"], upload["UploadId"]) for upload in opened] == [(applied.key, upload_id)]
    digests = [hashlib.md5(part, usedforsecurity=False) for part in parts]
    assert [(part["PartNumber"], part["ETag"], part["Size"]) for part in listed["Part"]] == [
        (str(number), f'"{digest.hexdigest()}"', str(len(part)))
        for number, digest, part in zip((1, 2, 3), digests, parts, strict=True)
    ]
    whole = hashlib.md5(b"".join(digest.digest() for digest in digests), usedforsecurity=False)
    assert completed["ETag"] == f'"{whole.hexdigest()}-3"'
    assert completed["Location"].endswith(f"{applied.host}/{applied.key}")
    assert head["Content-Length"] == str(len(content))
    reply = account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
    assert (
        account.request("GET", "x", reply["data"]["video"]["url"].removeprefix(account.url)).content
        == content
    )


def test_finished_parts_are_counted_so_that_a_resume_can_be_proved(account: Account) -> None:
    """Requests and bytes are counted per upload and per object."""
    applied = account.apply(2 * MIB)
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    storage.upload_part(applied.bucket, applied.key, b"a" * MIB, 1, upload_id)
    storage.upload_part(applied.bucket, applied.key, b"b" * MIB, 2, upload_id)
    counters = account.counters()

    assert counters["uploads"][applied.session_key] == {
        "ApplyUploadUGC": 1,
        "InitiateMultipartUpload": 1,
        "UploadPart": 2,
        "UploadPartBytes": 2 * MIB,
    }
    assert counters["objects"][applied.key]["UploadPart"] == 2


def test_other_calls_are_answered_while_large_parts_arrive(account: Account) -> None:
    """64 MB in parts of 8 MB, six at a time."""
    applied = account.apply(64 * MIB)
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    part = os.urandom(8 * MIB)
    with ThreadPoolExecutor(6) as threads:
        etags = list(
            threads.map(
                lambda number: storage.upload_part(applied.bucket, applied.key, part, number, upload_id)[
                    "ETag"
                ],
                range(1, 9),
            )
        )
        other = threads.submit(account.call, "PrepareUploadUGC", signature=account.signature()).result()
    storage.complete_multipart_upload(
        applied.bucket,
        applied.key,
        upload_id,
        {"Part": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]},
    )

    assert other["code"] == 0


def test_empty_file_is_a_put_object(account: Account) -> None:
    """A zero-byte file comes in one request, and its ETag is the MD5 of nothing."""
    applied = account.apply(0)
    answer = account.storage(applied).put_object(applied.bucket, b"", applied.key)

    assert answer["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"'


def test_part_sent_again_replaces_the_first(account: Account) -> None:
    """A retried part counts once, with its last content."""
    applied = account.apply(3)
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    storage.upload_part(applied.bucket, applied.key, b"old", 1, upload_id)
    etag = storage.upload_part(applied.bucket, applied.key, b"new", 1, upload_id)["ETag"]
    with pytest.raises(CosServiceError) as refused:
        storage.complete_multipart_upload(
            applied.bucket, applied.key, upload_id, {"Part": [{"PartNumber": 1, "ETag": '"0"'}]}
        )
    storage.complete_multipart_upload(
        applied.bucket, applied.key, upload_id, {"Part": [{"PartNumber": 1, "ETag": etag}]}
    )

    assert _code(refused) == "InvalidPart"
    assert storage.head_object(applied.bucket, applied.key)["Content-Length"] == "3"


@pytest.mark.parametrize(
    ("code", "numbers"),
    [("InvalidPartOrder", [2, 1]), ("InvalidPartOrder", [1, 1]), ("InvalidPart", [1, 3])],
)
def test_list_of_parts_is_checked(account: Account, code: str, numbers: list[int]) -> None:
    """Ascending, known, each once."""
    applied = account.apply()
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    etag = storage.upload_part(applied.bucket, applied.key, b"x", 1, upload_id)["ETag"]
    storage.upload_part(applied.bucket, applied.key, b"x", 2, upload_id)
    with pytest.raises(CosServiceError) as refused:
        storage.complete_multipart_upload(
            applied.bucket,
            applied.key,
            upload_id,
            {"Part": [{"PartNumber": number, "ETag": etag} for number in numbers]},
        )

    assert _code(refused) == code


def test_small_part_before_the_last_is_refused(account: Account) -> None:
    """All parts but the last have at least 1 MiB."""
    applied = account.apply()
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    etags = [
        storage.upload_part(applied.bucket, applied.key, b"x", number, upload_id)["ETag"] for number in (1, 2)
    ]
    with pytest.raises(CosServiceError) as refused:
        storage.complete_multipart_upload(
            applied.bucket,
            applied.key,
            upload_id,
            {"Part": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]},
        )

    assert _code(refused) == "EntityTooSmall"


def test_aborted_upload_is_gone(account: Account) -> None:
    """Its parts cannot be listed, added to or completed."""
    applied = account.apply()
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    storage.upload_part(applied.bucket, applied.key, b"x", 1, upload_id)
    storage.abort_multipart_upload(applied.bucket, applied.key, upload_id)
    with pytest.raises(CosServiceError) as refused:
        storage.upload_part(applied.bucket, applied.key, b"x", 1, upload_id)

    assert _code(refused) == "NoSuchUpload"
    assert "Upload" not in storage.list_multipart_uploads(applied.bucket)


def test_object_can_be_removed_before_commit_only(account: Account) -> None:
    """What was committed is not the uploader's any more."""
    applied = account.apply()
    storage = account.storage(applied)
    storage.put_object(applied.bucket, b"x", applied.key)
    storage.delete_object(applied.bucket, applied.key)
    with pytest.raises(CosServiceError) as missing:
        storage.head_object(applied.bucket, applied.key)
    storage.put_object(applied.bucket, b"y", applied.key)
    account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
    with pytest.raises(CosServiceError) as late:
        storage.put_object(applied.bucket, b"z", applied.key)

    assert missing.value.get_status_code() == 404
    assert _code(late) == "AccessDenied"


@pytest.mark.parametrize("number", ["0", "10001", "-1", "1.5", "٣", "", "99999999999999999999"])
def test_part_number_is_checked(account: Account, number: str) -> None:
    """Parts are numbered from 1 to 10000."""
    applied = account.apply()
    upload_id = _open(account.storage(applied), applied)
    path = f"/{applied.key}?partNumber={number}&uploadId={upload_id}"

    assert _request(account, applied, "PUT", path, data=b"x") == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<CompleteMultipartUpload/>",
        b"<Other><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></Other>",
        b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><CompleteMultipartUpload>&b;</CompleteMultipartUpload>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><CompleteMultipartUpload/>',
        b"<CompleteMultipartUpload>" * 100_000,
    ],
)
def test_malformed_list_of_parts_is_refused(account: Account, body: bytes) -> None:
    """No entity is ever read, and nothing but a list of parts is understood."""
    applied = account.apply()
    upload_id = _open(account.storage(applied), applied)

    assert _request(account, applied, "POST", f"/{applied.key}?uploadId={upload_id}", data=body) == (
        400,
        "MalformedXML",
    )


def test_oversized_list_of_parts_is_refused(account: Account) -> None:
    """The list of 10000 parts has its limit in bytes, too."""
    applied = account.apply()
    upload_id = _open(account.storage(applied), applied)
    path = f"/{applied.key}?uploadId={upload_id}"

    assert _request(account, applied, "POST", path, data=b" " * (5 * MIB)) == (400, "EntityTooLarge")


def test_announced_digest_is_compared(account: Account) -> None:
    """A body that changed on its way is refused, for a part as for the list."""
    applied = account.apply()
    upload_id = _open(account.storage(applied), applied)
    wrong = {"Content-MD5": base64.b64encode(bytes(16)).decode()}
    part = f"/{applied.key}?partNumber=1&uploadId={upload_id}"

    assert _request(account, applied, "PUT", part, data=b"x", headers=wrong) == (400, "BadDigest")
    assert _request(
        account, applied, "POST", f"/{applied.key}?uploadId={upload_id}", data=b"<a/>", headers=wrong
    ) == (400, "BadDigest")
    assert account.counters()["uploads"][applied.session_key].get("UploadPart") is None


def test_credential_opens_its_own_keys_only(account: Account) -> None:
    """Neither another session's object nor a path that climbs out of the bucket can be written."""
    other, applied = account.apply(), account.apply()

    assert other.bucket == applied.bucket
    for path in (
        f"/{other.key}",
        f"/{other.key}?uploads",
        "/../../../etc/passwd",
        f"/{applied.key}/../other.mp4",
        f"/{applied.key}%2f..%2fx",
        "//etc/passwd",
        "/%00",
    ):
        method = "POST" if path.endswith("uploads") else "PUT"
        status, code = _request(account, applied, method, path, data=b"x")
        assert (status, code) in {(403, "AccessDenied"), (403, "SignatureDoesNotMatch")}, path


def test_credential_opens_its_own_bucket_only(account: Account) -> None:
    """The same key in another region or bucket is refused."""
    applied = account.apply()
    for host in (
        f"{applied.bucket}.cos.ap-seoul.myqcloud.com",
        f"other-1.cos.{applied.data['storageRegionV5']}.myqcloud.com",
    ):
        assert _request(account, applied, "PUT", f"/{applied.key}", data=b"x", host=host) == (
            403,
            "AccessDenied",
        )


@pytest.mark.parametrize("path", ["/{key}", "/{key}?uploadId=1"])
def test_unsigned_request_is_refused_as_cos_does(account: Account, path: str) -> None:
    """The error document has the five members SDKs read, and browsers may read it."""
    applied = account.apply()
    answer = account.request(
        "PUT", applied.host, path.format(key=applied.key), headers={"Origin": "https://app.test"}, data=b"x"
    )
    document = ET.fromstring(answer.content)  # noqa: S314  # the simulator's own

    assert answer.status_code == 403
    assert [element.tag for element in document] == ["Code", "Message", "Resource", "RequestId", "TraceId"]
    assert document.findtext("RequestId") == answer.headers["x-cos-request-id"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_object_cannot_be_read_with_upload_credentials(account: Account) -> None:
    """They only write, so the simulator has no GET; reading goes through the media's address after Commit."""
    applied = account.apply()
    account.storage(applied).put_object(applied.bucket, b"x", applied.key)

    assert _request(account, applied, "GET", f"/{applied.key}") == (501, "NotImplemented")
    assert account.request("GET", "x", f"/local/media/{applied.key}").status_code == 404


def test_refusal_before_the_body_reaches_the_client(account: Account) -> None:
    """A large part with an expired credential gets its 403 and not a broken connection."""
    applied = account.apply()
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    account.clock.moved_by = 1801
    with pytest.raises(CosServiceError) as refused:
        storage.upload_part(applied.bucket, applied.key, bytes(8 * MIB), 1, upload_id)

    assert _code(refused) == "AccessDenied"
    assert refused.value.get_error_msg() == "Request has expired"


def test_part_that_breaks_off_leaves_nothing(account: Account) -> None:
    """A closed connection within a part stores neither part nor file."""
    applied = account.apply()
    storage = account.storage(applied)
    upload_id = _open(storage, applied)
    folder = account.settings.folder / "files"
    before = len(list(folder.iterdir()))
    authorization = storage.get_auth(
        "PUT", applied.bucket, applied.key, Params={"partNumber": "1", "uploadId": upload_id}, SignHost=False
    )
    head = (
        f"PUT /{applied.key}?partNumber=1&uploadId={upload_id} HTTP/1.1\r\nHost: {applied.host}\r\n"
        f"Authorization: {authorization}\r\nContent-Length: 5000000\r\n"
        f"x-cos-security-token: {applied.data['tempCertificate']['token']}\r\n\r\n"
    )
    with socket.create_connection((HOST, account.port)) as connection:
        connection.sendall(head.encode() + bytes(2 * MIB))
        wait_until(lambda: len(list(folder.iterdir())) > before)
    wait_until(lambda: len(list(folder.iterdir())) == before)

    assert "Part" not in storage.list_parts(applied.bucket, applied.key, upload_id)


def test_mini_program_reaches_the_storage_through_the_control_host(account: Account) -> None:
    """WeChat sends every COS request to vod2.qcloud.com, with the storage host in a header."""
    applied = account.apply(3)
    forwarded = {"Vod-Forward-Cos": applied.host}
    status, _ = _request(
        account, applied, "PUT", f"/{applied.key}", data=b"abc", host="vod2.qcloud.com", headers=forwarded
    )
    reply = account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
    foreign, code = _request(
        account,
        applied,
        "PUT",
        f"/{applied.key}",
        data=b"abc",
        host="vod2.qcloud.com",
        headers={"Vod-Forward-Cos": "evil.test"},
    )

    assert (status, reply["code"]) == (200, 0)
    assert (foreign, code) == (400, "InvalidURI")


def test_second_domain_of_the_storage_works_too(account: Account) -> None:
    """After a network error the COS SDK switches to tencentcos.cn."""
    applied = account.apply(3)
    host = applied.host.replace("myqcloud.com", "tencentcos.cn")

    assert _request(account, applied, "PUT", f"/{applied.key}", data=b"abc", host=host) == (200, "")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("PUT", "/{key}", {"x-cos-copy-source": "other/object"}),
        ("PUT", "/{key}", {"x-amz-copy-source": "other/object"}),
        ("PUT", "/{key}?acl", {}),
        ("GET", "/{key}?uploads", {}),
        ("PUT", "/", {}),
        ("GET", "/?policy", {}),
        ("PATCH", "/{key}", {}),
    ],
)
def test_operation_that_is_not_there_is_501_and_one_log_line(
    account: Account, caplog: pytest.LogCaptureFixture, method: str, path: str, headers: dict[str, str]
) -> None:
    """What the simulator does not have is no question of rights, signed or not."""
    applied = account.apply()
    caplog.clear()
    wanted = path.format(key=applied.key)
    signed = _request(account, applied, method, wanted, headers=headers)
    unsigned = account.request(method, applied.host, wanted, headers=headers)

    assert signed == (501, "NotImplemented")
    assert unsigned.status_code == 501
    assert ["NotImplemented The simulator does not have" in line for line in caplog.messages] == [True, True]


def test_bucket_answers_its_credential(account: Account) -> None:
    """A signed HEAD of the bucket is allowed, a plain OPTIONS always is."""
    applied = account.apply()

    assert _request(account, applied, "HEAD", "/") == (200, "")
    assert account.request("OPTIONS", applied.host, "/").status_code == 200


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        ("XAmzContentSHA256Mismatch", {"x-amz-content-sha256": "0" * 64}),
        ("BadDigest", {"x-amz-checksum-crc32": "AAAAAA=="}),
        ("IncompleteBody", {"Content-Encoding": "aws-chunked"}),
    ],
)
def test_body_must_be_what_it_announced(account: Account, code: str, headers: dict[str, str]) -> None:
    """Every checksum an S3 client sends is compared, whatever the request was signed with."""
    applied = account.apply()

    assert _request(account, applied, "PUT", f"/{applied.key}", data=b"abc", headers=headers) == (400, code)


def test_chunked_body_must_have_its_decoded_length(account: Account) -> None:
    """The length without the chunk framing is announced in a header of its own."""
    applied = account.apply(3)
    announced = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": "4"}
    body = b"3\r\nabc\r\n0\r\n\r\n"
    refused = _request(account, applied, "PUT", f"/{applied.key}", data=body, headers=announced)
    announced["x-amz-decoded-content-length"] = "3"
    accepted = _request(account, applied, "PUT", f"/{applied.key}", data=body, headers=announced)

    assert refused == (400, "IncompleteBody")
    assert accepted == (200, "")
    assert account.storage(applied).head_object(applied.bucket, applied.key)["Content-Length"] == "3"
