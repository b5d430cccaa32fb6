"""The server SDKs `vod-python-sdk` and `vod-node-sdk`, unmodified: what the app hears of their uploads.

Neither has an option for another address: VOD's names are resolved to the stack's TLS port.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3.util.connection
from qcloud_cos import CosServiceError  # type: ignore[import-untyped]  # no stubs exist
from qcloud_vod.model import VodUploadRequest  # type: ignore[import-untyped]  # no stubs exist
from qcloud_vod.vod_upload_client import VodUploadClient  # type: ignore[import-untyped]  # no stubs exist
from urllib3.connection import HTTPSConnection

from local.simulator.wire_time import iso_time
from tests.clients.node_program import NodeProgram, needs_node
from tests.clients.stack_client import events_about, is_at, parts_sent, tls_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local.stack.stack import Stack

# The SDK hands its own members, such as MediaFilePath, to the API's request, which calls them useless.
pytestmark = pytest.mark.filterwarnings("ignore:.*fileds are useless:UserWarning")

MIB = 1024 * 1024
RESOLVE, CONNECT = urllib3.util.connection.create_connection, HTTPSConnection.connect


@pytest.fixture
def python_sdk(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[VodUploadClient]:
    """Return the SDK's client; HTTPS of this process goes to the stack and trusts its authority."""
    port = int(stack.tls_url.rpartition(":")[2])
    opened: list[HTTPSConnection] = []

    def to_stack(address: tuple[str, int], *options: Any, **named: Any) -> object:  # noqa: ANN401  # of urllib3
        return RESOLVE(("127.0.0.1", port) if address[1] == 443 else address, *options, **named)

    def remember(connection: HTTPSConnection) -> None:
        opened.append(connection)
        CONNECT(connection)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", to_stack)
    monkeypatch.setattr(HTTPSConnection, "connect", remember)
    monkeypatch.setattr("certifi.where", lambda: str(stack.ca_file))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stack.ca_file))
    yield VodUploadClient(stack.environment["VOD_SECRET_ID"], stack.environment["VOD_SECRET_KEY"])
    for connection in opened:
        connection.close()  # the SDK keeps those to the storage, and the end of the stack would wait


@pytest.fixture
def turn(stack: Stack) -> Iterator[Callable[..., None]]:
    """Return a function that sets switches and faults of the stack, and put them back afterwards."""

    def put(*faults: dict[str, object], **switches: str) -> None:
        body: dict[str, Any] = {"faults": list(faults), "switches": switches}
        requests.put(f"{stack.url}/local/faults", json=body, timeout=10).raise_for_status()

    yield put
    put(expiredCredential="AccessDenied", createTime="commit")


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[str, int], Path]:
    """Create a file of random bytes."""

    def make(name: str, size: int) -> Path:
        path = tmp_path / name
        path.write_bytes(os.urandom(size))
        return path

    return make


def _request(media: Path, **members: object) -> VodUploadRequest:
    request = VodUploadRequest()
    request.MediaFilePath = str(media)
    for name, value in members.items():
        setattr(request, name, value)
    return request


def _node_sdk(stack: Stack, *uploads: dict[str, str], hold: bool = False) -> NodeProgram:
    job = {
        "secretId": stack.environment["VOD_SECRET_ID"],
        "secretKey": stack.environment["VOD_SECRET_KEY"],
        "uploads": uploads,
        "hold": hold,
    }
    return NodeProgram("server_upload.cjs", job, preload="vod_names.cjs", **tls_names(stack))


def _heard(stack: Stack, file_id: str) -> dict[str, Any]:
    """Return the media of the one event about a file, which is a server upload's."""
    [event] = events_about(stack, id_=file_id)
    media: dict[str, Any] = event["raw"]["FileUploadEvent"]["MediaBasicInfo"]

    assert event["type"] == "vod.NewFileUpload"
    assert (event["data"]["verdict"], event["data"]["verified"]) == ("unattributed", True)
    assert media["SourceInfo"]["SourceType"] == "ServerUpload"
    return media


@pytest.mark.parametrize(("size", "parts"), [(1000, 0), (2 * MIB + 1, 3)])
def test_python_sdk_uploads_media_and_cover(
    stack: Stack, python_sdk: VodUploadClient, make_file: Callable[[str, int], Path], size: int, parts: int
) -> None:
    """A small file is one PutObject, a larger one comes in parts of 1 MiB; both arrive with their cover."""
    media, cover = make_file("lesson.mp4", size), make_file("cover.png", 500)
    request = _request(media, CoverFilePath=str(cover), SourceContext="import", StorageRegion="ap-seoul")
    done = python_sdk.upload("ap-guangzhou", request)
    heard = _heard(stack, done.FileId)

    assert (heard["Name"], heard["Type"], heard["StorageRegion"]) == ("lesson", "mp4", "ap-seoul")
    assert heard["SourceInfo"]["SourceContext"] == "import"
    assert is_at(done.MediaUrl, media)
    assert is_at(done.CoverUrl, cover)
    assert parts_sent(stack, done.MediaUrl) == parts


@needs_node
def test_node_sdk_uploads_media_and_cover(stack: Stack, make_file: Callable[[str, int], Path]) -> None:
    """Whatever the size, the file comes in parts of 1 MiB; the calls are forms, signed with HmacSHA256."""
    small, large, cover = (
        make_file("small.mp4", 1000),
        make_file("large.mp4", 2 * MIB + 1),
        make_file("cover.png", 500),
    )
    with_cover = {"MediaFilePath": str(large), "CoverFilePath": str(cover), "SourceContext": "import"}
    with _node_sdk(stack, {"MediaFilePath": str(small)}, with_cover) as program:
        of_small, of_large = program.outcome()["results"]

    assert _heard(stack, of_small["fileId"])["Name"] == "small"
    assert _heard(stack, of_large["fileId"])["SourceInfo"]["SourceContext"] == "import"
    assert is_at(of_small["mediaUrl"], small)
    assert is_at(of_large["mediaUrl"], large)
    assert is_at(of_large["coverUrl"], cover)
    assert [parts_sent(stack, done["mediaUrl"]) for done in (of_small, of_large)] == [1, 3]


@pytest.mark.parametrize("code", ["AccessDenied", "RequestTimeTooSkewed", "ExpiredToken"])
def test_expired_credential_ends_a_server_upload(
    python_sdk: VodUploadClient,
    make_file: Callable[[str, int], Path],
    turn: Callable[..., None],
    code: str,
) -> None:
    """The SDK applies once; the error is that of the storage."""
    turn({"action": "PutObject", "kind": "expire", "times": 99}, expiredCredential=code)
    with pytest.raises(CosServiceError) as refused:
        python_sdk.upload("ap-guangzhou", _request(make_file("late.mp4", 1000)))

    assert refused.value.get_error_code() == code


@needs_node
def test_expired_credential_ends_a_server_upload_of_node(
    stack: Stack, make_file: Callable[[str, int], Path], turn: Callable[..., None]
) -> None:
    """The same, for a part."""
    upload = {"MediaFilePath": str(make_file("late.mp4", 1000))}
    fault: dict[str, object] = {"action": "UploadPart", "kind": "expire", "times": 99}
    turn(fault, expiredCredential="AccessDenied")
    with _node_sdk(stack, upload, upload, hold=True) as program:
        program.wait_until_held()
        turn(fault, expiredCredential="RequestTimeTooSkewed")
        program.go_on()
        results = program.outcome()["results"]

    assert results == [{"error": "AccessDenied"}, {"error": "RequestTimeTooSkewed"}]


@pytest.mark.parametrize("position", ["apply", "commit"])
def test_server_upload_is_created_at_either_call(
    stack: Stack,
    python_sdk: VodUploadClient,
    make_file: Callable[[str, int], Path],
    turn: Callable[..., None],
    position: str,
) -> None:
    """The CreateTime is that of ApplyUpload, or of CommitUpload, which here is called in another second."""
    turn(createTime=position)
    between: list[int] = []

    def wait_for_the_next_second(*_: object) -> None:
        if not between:
            between.append(int(time.time()) + 1)
            time.sleep(between[0] - time.time())

    media = make_file("timed.mp4", MIB + 1)  # a part's progress is reported, a small file's is not
    done = python_sdk.upload("ap-guangzhou", _request(media), wait_for_the_next_second)
    created = _heard(stack, done.FileId)["CreateTime"]

    assert (created >= iso_time(between[0])) == (position == "commit")
