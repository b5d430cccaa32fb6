"""Upload as an SDK of VOD does: signature, apply, storage, commit.

`local.upload.upload_command` shows the outcome.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from local.upload.order import UploadError, sha256_of
from local.upload.storage_transfer import StorageError, StorageTarget, StorageTransfer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.upload.order import UploadOrder

CONTROL_HOST = "vod2.qcloud.com"
_TIMEOUT_SECONDS = 30
_EVENT_SECONDS = 60
_POLL_SECONDS = 0.2
_CHUNK_BYTES = 1024 * 1024
_UPLOAD_EVENTS = ("upload.completed", "upload.replayed")


class StackUnreachableError(UploadError):
    """Nothing answers at the stack's address."""


@dataclass(frozen=True)
class IssuedUpload:
    """An upload, and a signature of it that has not been used."""

    upload_id: str
    signature: str = field(repr=False)


@dataclass(frozen=True)
class StoredUpload:
    """A finished upload, as CommitUploadUGC returned it."""

    upload_id: str
    file_id: str
    media_url: str


class UploadClient:
    """Client of one stack; its `url` is plain HTTP."""

    def __init__(self, url: str) -> None:
        """Set the stack's address, with or without a slash at the end."""
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # Proxies of the environment must not see, or swallow, what is meant for this machine.
        self._session.trust_env = False

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def check(self) -> None:
        """Check that the local stack answers.

        Raises:
            StackUnreachableError: nothing listens.
            UploadError: something else answers.

        """
        info = self._request("GET", "/local/info", allow_any=True)
        if not info.ok or "policyDetails" not in info.text:
            raise UploadError(f"At {self.url} answers something else than the local stack: give its --url.")

    def upload(self, order: UploadOrder, report: Callable[[object, int], None]) -> StoredUpload:
        """Run the whole chain once; `report` is called with (part, bytes sent).

        Raises:
            UploadError: a step was refused, or the stack went away.

        """
        return self.send(order, self.begin(order), report)

    def begin(self, order: UploadOrder) -> IssuedUpload:
        """Begin an upload, and send nothing yet.

        Raises:
            UploadError: the service issued no signature.

        """
        return self._issued(order.user, order.signature_request())

    def renew(self, user: str, upload_id: str) -> IssuedUpload:
        """Get another signature of an upload.

        Raises:
            UploadError: the service issued none.

        """
        return self._issued(user, {"uploadId": upload_id})

    def send(
        self, order: UploadOrder, issued: IssuedUpload, report: Callable[[object, int], None]
    ) -> StoredUpload:
        """Apply, store and commit the files of an order under a signature; Commit takes a further one.

        Raises:
            UploadError: a step was refused, or the stack went away.

        """
        applied = self._control("ApplyUploadUGC", {"signature": issued.signature, **order.apply_request()})
        files = [("video", order.file), *([("cover", order.cover)] if order.cover else [])]
        transfer = StorageTransfer(_target(applied), url=self.url, session=self._session)
        try:
            for kind, file in files:
                transfer.send(file, str(applied[kind]["storagePath"]), report)
        except StorageError as error:
            raise UploadError(f"The storage did not take the file, {error}: upload it again.") from error
        renewed = self.renew(order.user, issued.upload_id)
        committed = self._control(
            "CommitUploadUGC", {"signature": renewed.signature, "vodSessionKey": applied["vodSessionKey"]}
        )
        return StoredUpload(
            upload_id=issued.upload_id,
            file_id=str(committed["fileId"]),
            media_url=str(committed["video"]["url"]),
        )

    def received(self, upload_id: str) -> list[dict[str, Any]]:
        """Return what the app's back end has received of an upload, as GET /local/events does."""
        events: list[dict[str, Any]] = self._request(
            "GET", "/local/events", params={"uploadId": upload_id}
        ).json()
        return events

    def wait_for_event(self, upload_id: str) -> Mapping[str, object]:
        """Wait until the app's back end has the event of this upload, and return its body.

        Raises:
            UploadError: it has not come within a minute.

        """
        deadline = time.monotonic() + _EVENT_SECONDS
        while time.monotonic() < deadline:
            for event in self.received(upload_id):
                if event["body"].get("type") in _UPLOAD_EVENTS:
                    body: dict[str, object] = event["body"]
                    return body
            time.sleep(_POLL_SECONDS)
        raise UploadError(
            f"The file is stored, but its event has not reached the app within {_EVENT_SECONDS} s: "
            "see functions.log in the stack's folder."
        )

    def media_sha256(self, media_url: str) -> str:
        """Download a stored file and return its SHA-256 in hex.

        Raises:
            UploadError: the download failed.

        """
        try:
            with self._session.get(media_url, stream=True, timeout=_TIMEOUT_SECONDS) as answer:
                answer.raise_for_status()
                return sha256_of(answer.iter_content(_CHUNK_BYTES))
        except requests.RequestException as error:
            raise UploadError(f"The stored file cannot be read back from {media_url}.") from error

    def _issued(self, user: str, wanted: Mapping[str, object]) -> IssuedUpload:
        token = self._request("GET", "/local/token", params={"user": user}).text
        issued = self._sign(token, wanted)
        return IssuedUpload(str(issued["uploadId"]), issued["signature"])

    def _sign(self, token: str, wanted: Mapping[str, object]) -> dict[str, Any]:
        answer = self._request(
            "POST", "/signature", json=wanted, headers={"Authorization": f"Bearer {token}"}
        )
        issued: dict[str, Any] = answer.json()
        return issued

    def _control(self, action: str, body: Mapping[str, object]) -> dict[str, Any]:
        answer = self._request(
            "POST", "/v3/index.php", params={"Action": action}, json=body, headers={"Host": CONTROL_HOST}
        ).json()
        if answer["code"] != 0:
            raise UploadError(f"VOD refused {action}: {answer['message']} ({answer['code']}).")
        content: dict[str, Any] = answer["data"]
        return content

    def _request(
        self,
        method: str,
        path: str,
        *,
        allow_any: bool = False,
        **parts: Any,  # noqa: ANN401  # the arguments of requests
    ) -> requests.Response:
        try:
            answer = self._session.request(method, self.url + path, timeout=_TIMEOUT_SECONDS, **parts)
        # requests lets through what urllib3 says of a host name with an empty label.
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise StackUnreachableError(
                f"The local stack at {self.url} does not answer: start it with `python -m local serve`."
            ) from error
        if not answer.ok and not allow_any:
            raise UploadError(_refusal(answer))
        return answer


def _target(applied: Mapping[str, Any]) -> StorageTarget:
    certificate = applied["tempCertificate"]
    return StorageTarget(
        bucket=f"{applied['storageBucket']}-{applied['storageAppId']}",
        region=str(applied["storageRegionV5"]),
        secret_id=certificate["secretId"],
        secret_key=certificate["secretKey"],
        token=certificate["token"],
    )


def _refusal(answer: requests.Response) -> str:
    """Return the content of a problem document as one sentence."""
    try:
        document = answer.json()
        faults = " ".join(f"{fault['pointer']}: {fault['detail']}" for fault in document.get("errors", ()))
        detail = str(document["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"The local stack answered with status {answer.status_code}: see its log."
    return f"{detail} {faults}".strip()
