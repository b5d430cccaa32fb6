from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import responses

from shared.errors import VodApiError
from shared.settings import VodApiSettings, load_settings
from shared.vod_api import VodApi
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Reply, refused_port, say_nothing

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

FILE_ID = "5576678020011223344"
TOKEN = "vuf1.W10.c2lnbmF0dXJl"
ADDRESS = "https://vod.tencentcloudapi.com/"
KEYS = {"VOD_SECRET_ID": "AKIDexample0000", "VOD_SECRET_KEY": "canary-secret-key"}


def api(**environment: str) -> VodApi:
    """Make the client."""
    return VodApi(load_settings(VodApiSettings, {**KEYS, **environment}))


def read_back(client: VodApi, *, timeout_seconds: float = 2.0) -> str | None:
    """Ask for the sourceContext of the file."""
    return client.source_context_of(FILE_ID, timeout_seconds=timeout_seconds)


def media(file_id: str, source_context: str) -> dict[str, object]:
    """Spell one item of MediaInfoSet."""
    source = {"SourceType": "Upload", "SourceContext": source_context}
    return {"FileId": file_id, "BasicInfo": {"Name": "harbour-walk", "SourceInfo": source}}


def answer(**members: object) -> dict[str, object]:
    """Spell an answer of the API."""
    return {"Response": {**members, "RequestId": "3f0a9f52"}}


@pytest.fixture
def vod() -> Iterator[responses.RequestsMock]:
    """The API as the `responses` library plays it: what the SDK sends is kept, nothing leaves."""
    with responses.RequestsMock() as mock:
        yield mock


def test_source_context_of_the_file_is_read_back(vod: responses.RequestsMock) -> None:
    """DescribeMediaInfos is asked for this file's basic information, signed with TC3."""
    vod.post(ADDRESS, json=answer(MediaInfoSet=[media(FILE_ID, TOKEN)], NotExistFileIdSet=[]))

    assert read_back(api()) == TOKEN

    request = vod.calls[0].request
    assert json.loads(request.body or "") == {"FileIds": [FILE_ID], "Filters": ["basicInfo"]}
    assert request.headers["X-TC-Action"] == "DescribeMediaInfos"
    assert request.headers["X-TC-Version"] == "2018-07-17"
    assert request.headers["Authorization"].startswith("TC3-HMAC-SHA256 Credential=AKIDexample0000/")
    assert "X-TC-Token" not in request.headers


def test_sub_application_is_named_when_there_is_one(vod: responses.RequestsMock) -> None:
    """An account with sub-applications must say which one, in every call."""
    vod.post(ADDRESS, json=answer(MediaInfoSet=[media(FILE_ID, TOKEN)]))

    read_back(api(VOD_SUB_APP_ID="1500000001"))

    assert json.loads(vod.calls[0].request.body or "")["SubAppId"] == 1500000001


def test_role_of_the_function_comes_before_the_long_term_keys(vod: responses.RequestsMock) -> None:
    """With an execution role its temporary credentials sign, and their token is sent."""
    role = {
        "TENCENTCLOUD_SECRETID": "AKIDrole",
        "TENCENTCLOUD_SECRETKEY": "role-key",
        "TENCENTCLOUD_SESSIONTOKEN": "role-token",
    }
    vod.post(ADDRESS, json=answer(MediaInfoSet=[]))

    read_back(api(**role))

    headers = vod.calls[0].request.headers
    assert headers["X-TC-Token"] == "role-token"
    assert "Credential=AKIDrole/" in headers["Authorization"]


@pytest.mark.parametrize(
    "members",
    [
        {"MediaInfoSet": [], "NotExistFileIdSet": [FILE_ID]},
        {"MediaInfoSet": None, "NotExistFileIdSet": None},
        {},
        {"MediaInfoSet": [media("5576678020099999999", TOKEN)]},
        {"MediaInfoSet": "none", "NotExistFileIdSet": 7},
        {"MediaInfoSet": [None, [], {"FileId": None}]},
    ],
    ids=["said so", "null", "missing", "another file", "wrong types", "wrong items"],
)
def test_file_that_is_not_there_has_no_source_context(
    vod: responses.RequestsMock, members: dict[str, object]
) -> None:
    """An answer that does not list this very file means that VOD has none."""
    vod.post(ADDRESS, json=answer(**members))

    assert read_back(api()) is None


@pytest.mark.parametrize(
    "item",
    [
        {"FileId": FILE_ID, "BasicInfo": None},
        {"FileId": FILE_ID, "BasicInfo": {"SourceInfo": None}},
        {"FileId": FILE_ID, "BasicInfo": {"SourceInfo": {"SourceContext": None}}},
        {"FileId": FILE_ID},
    ],
)
def test_file_without_source_information_has_an_empty_context(
    vod: responses.RequestsMock, item: dict[str, object]
) -> None:
    """A file that was made without a sourceContext is there, and belongs to no upload of ours."""
    vod.post(ADDRESS, json=answer(MediaInfoSet=[item]))

    assert read_back(api()) == ""


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/plain"]
)
def test_refusal_is_an_error_with_the_vendors_code(vod: responses.RequestsMock, content_type: str) -> None:
    """A business error (HTTP 200) is told by its code, whatever its content type; its words stay out."""
    error = {"Code": "RequestLimitExceeded", "Message": "canary-message"}
    vod.post(ADDRESS, json=answer(Error=error), content_type=content_type)

    with pytest.raises(VodApiError) as failure:
        read_back(api())

    assert failure.value.vod_code == "RequestLimitExceeded"
    assert failure.value.detail == "DescribeMediaInfos failed: RequestLimitExceeded."


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        pytest.param(200, "<html>gateway</html>", "text/html", id="a page"),
        pytest.param(200, "<html>gateway</html>", "application/json", id="a page called JSON"),
        pytest.param(200, "", "application/json", id="nothing"),
        pytest.param(200, "[]", "application/json", id="a list"),
        pytest.param(200, "null", "text/html", id="null"),
        pytest.param(200, "{}", "application/json", id="no Response"),
        pytest.param(200, '{"Response":{}}', "text/html", id="an empty Response"),
        pytest.param(200, '{"Response":[]}', "text/html", id="a Response that is a list"),
        pytest.param(200, '{"Response":{"Error":null}}', "application/json", id="an Error that is null"),
        pytest.param(200, '{"Response":{"Error":{}}}', "application/json", id="an Error without a code"),
        pytest.param(200, '{"Response":{"Error":{}}}', "text/html", id="the same as a page"),
        pytest.param(200, "\ufeff{", "application/json", id="a byte-order mark"),
        pytest.param(500, "upstream failed", "text/plain", id="status 500"),
        pytest.param(302, "", "text/plain", id="a redirect to nowhere"),
    ],
)
def test_what_is_no_answer_of_the_api_is_an_error(
    vod: responses.RequestsMock, status: int, body: str, content_type: str
) -> None:
    """Something in between may answer for VOD: that is never taken for `there is no such file`."""
    vod.post(ADDRESS, body=body, status=status, content_type=content_type)

    with pytest.raises(VodApiError) as failure:
        read_back(api())

    assert failure.value.status == 503


def test_api_that_is_down_is_an_error_without_its_address() -> None:
    """Nobody listening: the error names the call and no address, key or token."""
    port = refused_port()

    with pytest.raises(VodApiError) as failure:
        read_back(api(VOD_API_URL=f"http://{HOST}:{port}"))

    assert str(port) not in failure.value.detail
    assert KEYS["VOD_SECRET_KEY"] not in failure.value.detail


def begin_and_stop(connection: socket.socket) -> None:
    """Promise a body and send its first byte."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
    say_nothing(connection)


@pytest.mark.parametrize("speak", [say_nothing, begin_and_stop])
def test_api_that_is_slow_is_an_error_in_time(speak: Callable[[socket.socket], None]) -> None:
    """The caller's time-out holds, before the answer and in the middle of it."""
    with RawPeer(speak) as peer:
        client = api(VOD_API_URL=f"http://{HOST}:{peer.port}")
        started = time.monotonic()
        with pytest.raises(VodApiError):
            read_back(client, timeout_seconds=0.3)

    assert time.monotonic() - started < 1.0


def test_each_call_has_its_own_time_out() -> None:
    """A call with little time left does not shorten the next one, nor the other way round."""
    body = json.dumps(answer(MediaInfoSet=[media(FILE_ID, TOKEN)])).encode()
    reply = Reply(200, body, {"Content-Type": "application/json"}, delay_seconds=0.3)

    with HttpPeer(lambda _request: reply) as peer:
        client = api(VOD_API_URL=peer.url)
        with pytest.raises(VodApiError):
            read_back(client, timeout_seconds=0.1)
        assert read_back(client, timeout_seconds=2.0) == TOKEN
        with pytest.raises(VodApiError):
            read_back(client, timeout_seconds=0.1)
