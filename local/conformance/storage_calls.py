"""Requests to VOD's storage, signed in the ways that VOD's SDKs sign them: COS, S3 and a form's policy.

The signatures are computed by the simulator's own functions, which verify those of the vendors' SDKs.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from local.simulator.cos_authorization import cos_signature
from local.simulator.post_policy import post_signature
from local.simulator.s3_authorization import s3_signature
from local.simulator.storage_request import FORWARD_HEADER, StorageRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from local.conformance.http_calls import HttpCalls, Query, Reply

_SIGNED_SECONDS = 600
COS_NAMES = {"secret_id": "secretId", "secret_key": "secretKey", "token": "token", "ends": "expiredTime"}
API_NAMES = {"secret_id": "SecretId", "secret_key": "SecretKey", "token": "Token", "ends": "ExpiredTime"}


@dataclass(frozen=True)
class Credential:
    """A temporary storage credential; `expires_at` in Unix seconds."""

    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: int

    @classmethod
    def of(cls, certificate: Mapping[str, Any], names: Mapping[str, str] = COS_NAMES) -> Self:
        """Read the credential of an Apply's reply."""
        return cls(
            secret_id=str(certificate[names["secret_id"]]),
            secret_key=str(certificate[names["secret_key"]]),
            token=str(certificate[names["token"]]),
            expires_at=int(certificate[names["ends"]]),
        )


@dataclass(frozen=True)
class Bucket:
    """Where one upload session writes; keys without a leading slash."""

    name: str
    region: str
    credential: Credential

    @property
    def host(self) -> str:
        """The host that an SDK derives from bucket and region."""
        return f"{self.name}.cos.{self.region}.myqcloud.com"


@dataclass(frozen=True)
class Storage:
    """Sends requests with the credential of one session; `now` is in Unix seconds."""

    http: HttpCalls
    bucket: Bucket
    now: int

    def with_wrong(self, member: Literal["secret_id", "secret_key", "token"]) -> Storage:
        """Return the same storage with something else in one member of the credential."""
        wrong = {member: "AKIDofnobody"}
        credential = replace(self.bucket.credential, **wrong)  # type: ignore[arg-type]  # a text is what each is
        return replace(self, bucket=replace(self.bucket, credential=credential))

    def cos(  # noqa: PLR0913  # a request has these parts
        self,
        method: str,
        key: str = "",
        *,
        query: Query = (),
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        to_host: str = "",
    ) -> Reply:
        """Send one request with COS's own signature; `to_host` takes it with a header for the real host."""
        host = self.bucket.host
        credential = self.bucket.credential
        key_time = f"{self.now};{self.now + _SIGNED_SECONDS}"
        fields = {
            "q-sign-algorithm": "sha1",
            "q-ak": credential.secret_id,
            "q-sign-time": key_time,
            "q-key-time": key_time,
            "q-header-list": "host",
            "q-url-param-list": ";".join(sorted(name.lower() for name, _ in query)),
        }
        request = self._request(method, key, query, {})
        fields["q-signature"] = cos_signature(request, fields, secret_key=credential.secret_key, host=host)
        sent = {
            **(headers or {}),
            "Authorization": "&".join(f"{name}={value}" for name, value in fields.items()),
            "x-cos-security-token": credential.token,
            **({FORWARD_HEADER: host} if to_host else {}),
        }
        return self.http.send(method, to_host or host, f"/{key}", query=query, headers=sent, body=body)

    def s3(self, method: str, key: str, *, query: Query = (), body: bytes = b"") -> Reply:
        """Send one request with AWS Signature Version 4, as the Web SDK's S3 mode does."""
        credential, host = self.bucket.credential, self.bucket.host
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.now))
        scope = (stamp[:8], self.bucket.region)
        headers = {
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
            "x-amz-date": stamp,
            "x-amz-security-token": credential.token,
        }
        signed = sorted([*headers, "host"])
        signature = s3_signature(
            self._request(method, key, query, headers),
            signed,
            secret_key=credential.secret_key,
            scope=scope,
            host=host,
        )
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credential.secret_id}/{'/'.join(scope)}/s3/aws4_request,"
            f" SignedHeaders={';'.join(signed)}, Signature={signature}"
        )
        return self.http.send(method, host, f"/{key}", query=query, headers=headers, body=body)

    def form(self, key: str, content: bytes) -> Reply:
        """Send a file as a form with a policy (POST Object, doc 436/14690)."""
        credential = self.bucket.credential
        key_time = f"{self.now};{self.now + _SIGNED_SECONDS}"
        ends = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.now + _SIGNED_SECONDS))
        named = {"q-sign-algorithm": "sha1", "q-ak": credential.secret_id, "q-sign-time": key_time}
        conditions = [{name: value} for name, value in named.items()]
        policy = json.dumps({"expiration": ends, "conditions": conditions}).encode()
        fields = {
            "key": key,
            "success_action_status": "201",
            "policy": base64.b64encode(policy).decode(),
            "q-sign-algorithm": "sha1",
            "q-ak": credential.secret_id,
            "q-key-time": key_time,
            "q-signature": post_signature(policy, key_time=key_time, secret_key=credential.secret_key),
            "x-cos-security-token": credential.token,
        }
        body, content_type = _multipart(fields, content)
        return self.http.send(
            "POST", self.bucket.host, "/", headers={"Content-Type": content_type}, body=body
        )

    def _request(self, method: str, key: str, query: Query, headers: Mapping[str, str]) -> StorageRequest:
        return StorageRequest(
            method=method,
            path=f"/{key}",
            query=tuple((name, value or "") for name, value in query),
            headers=headers,
            hosts=(self.bucket.host,),
            bucket=self.bucket.name,
            region=self.bucket.region,
            key=key,
        )


def completion(etags: list[str]) -> bytes:
    """Return the body of CompleteMultipartUpload for parts 1, 2 and so on."""
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in enumerate(etags, 1)
    )
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


def word_of(reply: Reply) -> str:
    """Return status and COS code of a storage reply in one text: `200`, `403 AccessDenied`."""
    code = reply.xml().get("Code", "")
    return f"{reply.status} {code}".strip()


def _multipart(fields: Mapping[str, str], content: bytes) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="clip.mp4"\r\n'
    parts += [head.encode(), b"Content-Type: video/mp4\r\n\r\n", content, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
