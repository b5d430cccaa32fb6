"""A cover is changed in the running stack, by the file's owner and by somebody else: what the app hears."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client  # type: ignore[import-untyped]  # no stubs exist

from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.stack.stack import Stack


class Client(UploadClient):
    """Changes covers as the Web SDK does: `upload({fileId, coverFile})`, with a signature for each call."""

    def change_cover(self, file_id: str, user: str, *signature_requests: dict[str, object]) -> str:
        """Send a cover under the signatures for Apply and Commit; return its address."""
        signatures = [self.sign(user, wanted)["signature"] for wanted in signature_requests]
        applied = self._control(
            "ApplyUploadUGC",
            {"signature": signatures[0], "fileId": file_id, "coverName": "c", "coverType": "png"},
        )
        certificate, address = applied["tempCertificate"], self.url.removeprefix("http://").partition(":")
        config = CosConfig(
            Region=applied["storageRegionV5"],
            SecretId=certificate["secretId"],
            SecretKey=certificate["secretKey"],
            Token=certificate["token"],
            Scheme="http",
            IP=address[0],
            Port=int(address[2]),
        )
        bucket = f"{applied['storageBucket']}-{applied['storageAppId']}"
        CosS3Client(config).put_object(bucket, b"a cover", applied["cover"]["storagePath"][1:])
        committed = self._control(
            "CommitUploadUGC", {"signature": signatures[1], "vodSessionKey": applied["vodSessionKey"]}
        )
        return str(committed["cover"]["url"])

    def sign(self, user: str, wanted: dict[str, object]) -> dict[str, Any]:
        """Ask for a signature as a user."""
        return self._sign(self._token(user), wanted)

    def status(self, user: str, upload_id: str) -> dict[str, Any]:
        """Ask how an upload stands."""
        headers = {"Authorization": f"Bearer {self._token(user)}"}
        answer: dict[str, Any] = self._request("GET", f"/uploads/{upload_id}", headers=headers).json()
        return answer

    def events(self, file_id: str) -> list[dict[str, Any]]:
        """Return what the app has heard of a file."""
        heard = self._request("GET", "/local/events").json()
        return [it["body"] for it in heard if it["body"]["data"]["fileId"] == file_id]

    def _token(self, user: str) -> str:
        return self._request("GET", "/local/token", params={"user": user}).text


@pytest.fixture(params=["PUSH", "PULL"])
def client(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Return a client of the stack with this kind of callback, and put its VOD back afterwards."""
    _configure(stack, request.param)
    with closing(Client(stack.url)) as client:
        yield client
    _configure(stack, "PUSH")
    stack.simulator.switches.turn({"coverChange": "silent"})


@pytest.mark.parametrize("position", ["silent", "event"])
def test_app_hears_of_a_changed_cover_where_vod_tells(
    client: Client, stack: Stack, small_media: Path, position: str
) -> None:
    """Under the owner's upload, whoever changed it; where VOD is silent, the app hears nothing."""
    stack.simulator.switches.turn({"coverChange": position})
    order = UploadOrder(file=small_media, user="alice", context=f"cover {position}")
    stored = client.upload(order, lambda *_: None)
    client.wait_for_event(stored.upload_id)
    own: dict[str, object] = {"uploadId": stored.upload_id, "cover": True}

    file_id = str(client.sign("alice", own)["fileId"])
    covers = [client.change_cover(file_id, "alice", own, own)]
    if position == "event":
        wait_until(lambda: len(client.events(file_id)) == 2, "the app to hear of the owner's cover")
    covers.append(client.change_cover(file_id, "mallory", {}, {}))
    last = client.upload(order, lambda *_: None)
    client.wait_for_event(last.upload_id)
    if position == "event":
        wait_until(lambda: len(client.events(file_id)) == 3, "the app to hear of the other's cover")

    first, *changes = [(it["type"], it["data"]) for it in client.events(file_id)]
    status = client.status("alice", stored.upload_id)
    assert (first[0], first[1]["coverUrl"], status["state"]) == ("upload.completed", None, "uploaded")
    expected = covers if position == "event" else []
    assert [(kind, it["coverUrl"], it["verified"]) for kind, it in changes] == [
        ("upload.cover_changed", url, True) for url in expected
    ]
    assert {(it["uploader"], it["uploadId"]) for _, it in changes} <= {("alice", stored.upload_id)}
    assert status["coverUrl"] == (expected[-1] if expected else None)


def _configure(stack: Stack, mode: str) -> None:
    address = f"{stack.url}/local/simulator/config"
    requests.put(address, json={"mode": mode}, timeout=10).raise_for_status()
