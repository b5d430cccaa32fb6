from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import responses

from shared.config.settings import VodApiSettings, load_settings
from shared.errors import VodApiError
from shared.vod.lenient_json import as_object, as_text
from shared.vod_api import MOST_LEFT_BEHIND, VodApi
from tests.shared.loopback_peer import HOST, HttpPeer, RawPeer, Reply, refused_port, say_nothing
from tests.shared.name_service import serving_names
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests import PreparedRequest

PATIENCE = 60.0
FILE_ID = "5576678020011223344"
TOKEN = "vuf1.W10.c2lnbmF0dXJl"
ADDRESS = "https://vod.tencentcloudapi.com/"
KEYS = {"VOD_SECRET_ID": "AKIDexample0000", "VOD_SECRET_KEY": "canary-secret-key"}


def api(**environment: str) -> VodApi:
    """Return the client."""
    return VodApi(load_settings(VodApiSettings, {**KEYS, **environment}))


def read_back(client: VodApi, *, timeout_seconds: float = PATIENCE) -> str | None:
    """Query the file; return the sourceContext that VOD keeps with it."""
    found = client.media_info(FILE_ID, timeout_seconds=timeout_seconds)
    if found is None:
        return None
    source = as_object(as_object(found.get("BasicInfo")).get("SourceInfo"))
    return as_text(source.get("SourceContext"))


def media(file_id: str, source_context: str) -> dict[str, object]:
    """Return one item of MediaInfoSet."""
    source = {"SourceType": "Upload", "SourceContext": source_context}
    return {"FileId": file_id, "BasicInfo": {"Name": "harbour-walk", "SourceInfo": source}}


def answer(**members: object) -> dict[str, object]:
    """Return an answer of the API."""
    return {"Response": {**members, "RequestId": "3f0a9f52"}}


def content_of(request: PreparedRequest) -> dict[str, object]:
    """Return the parameters of a call."""
    assert isinstance(request.body, str)
    return dict(json.loads(request.body))


@pytest.fixture
def vod() -> Iterator[responses.RequestsMock]:
    """Mock the API with the `responses` library: what the SDK sends is recorded, nothing leaves."""
    with responses.RequestsMock() as mock:
        yield mock


def test_source_context_of_the_file_is_read_back(vod: responses.RequestsMock) -> None:
    """DescribeMediaInfos is asked for this file's information and metadata, signed with TC3."""
    vod.post(ADDRESS, json=answer(MediaInfoSet=[media(FILE_ID, TOKEN)], NotExistFileIdSet=[]))

    assert read_back(api()) == TOKEN

    request = vod.calls[0].request
    assert content_of(request) == {"FileIds": [FILE_ID], "Filters": ["basicInfo", "metaData"]}
    assert request.headers["X-TC-Action"] == "DescribeMediaInfos"
    assert request.headers["X-TC-Version"] == "2018-07-17"
    assert str(request.headers["Authorization"]).startswith("TC3-HMAC-SHA256 Credential=AKIDexample0000/")
    assert "X-TC-Token" not in request.headers


def test_sub_application_is_named_when_there_is_one(vod: responses.RequestsMock) -> None:
    """An account with sub-applications must say which one, in every call."""
    vod.post(ADDRESS, json=answer(MediaInfoSet=[media(FILE_ID, TOKEN)]))

    read_back(api(VOD_SUB_APP_ID="1500000001"))

    assert content_of(vod.calls[0].request)["SubAppId"] == 1500000001


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


@pytest.mark.parametrize("shape", [{"EventSet": []}, {"EventSet": None}, {}])
def test_empty_queue_is_no_error(vod: responses.RequestsMock, shape: dict[str, object]) -> None:
    """How VOD says that there are no events is undocumented: an empty list, null and nothing all mean it."""
    vod.post(ADDRESS, json=answer(**shape))

    assert api().pull_events(timeout_seconds=1.0) == ()


def test_empty_queue_may_be_told_as_an_error(vod: responses.RequestsMock) -> None:
    """ResourceNotFound means that there is nothing to pull; any other code is a failure."""
    vod.post(ADDRESS, json=answer(Error={"Code": "ResourceNotFound", "Message": ""}))
    vod.post(ADDRESS, json=answer(Error={"Code": "FailedOperation", "Message": ""}))
    client = api()

    assert client.pull_events(timeout_seconds=1.0) == ()
    with pytest.raises(VodApiError):
        client.pull_events(timeout_seconds=1.0)


def test_events_are_pulled_as_they_are_and_confirmed_by_their_handles(vod: responses.RequestsMock) -> None:
    """No member is lost on the way, because no model of the SDK is in between."""
    item = {"EventHandle": "h1", "EventType": "NewThing2031", "NewThingEvent": {"Unheard": [1, None]}}
    vod.post(ADDRESS, json=answer(EventSet=[item, None]))
    vod.post(ADDRESS, json=answer())
    client = api()

    assert client.pull_events(timeout_seconds=1.0) == (item,)
    client.confirm_events(("h1", "h2"), timeout_seconds=1.0)

    pulled, confirmed = (call.request for call in vod.calls)
    assert (pulled.headers["X-TC-Action"], confirmed.headers["X-TC-Action"]) == (
        "PullEvents",
        "ConfirmEvents",
    )
    assert content_of(confirmed) == {"EventHandles": ["h1", "h2"]}


def test_uploads_are_listed_page_by_page_the_oldest_first(vod: responses.RequestsMock) -> None:
    """The search is narrowed by time and by source, and says where its page begins."""
    vod.post(ADDRESS, json=answer(TotalCount=1, MediaInfoSet=[media(FILE_ID, TOKEN)]))

    found = api().uploads_created(
        after="2026-11-22T00:00:00Z", before="2026-11-22T01:00:00Z", offset=200, timeout_seconds=1.0
    )

    assert found == (media(FILE_ID, TOKEN),)
    assert content_of(vod.calls[0].request) == {
        "CreateTime": {"After": "2026-11-22T00:00:00Z", "Before": "2026-11-22T01:00:00Z"},
        "SourceTypes": ["Upload"],
        "Filters": ["basicInfo", "metaData"],
        "Sort": {"Field": "CreateTime", "Order": "Asc"},
        "Offset": 200,
        "Limit": 100,
    }


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"ProcedureTask": {"Status": "FINISH"}}, {"Status": "FINISH"}),
        ({}, {}),
        ({"ProcedureTask": None}, {}),
        ({"Status": "ABORTED", "ProcedureTask": None}, {}),
        (
            {"Status": "ABORTED", "ProcedureTask": {"TaskId": "task-1", "Status": "PROCESSING"}},
            {"TaskId": "task-1", "Status": "ABORTED"},
        ),
    ],
)
def test_task_flow_is_read_as_its_event_would_tell_it(
    vod: responses.RequestsMock, members: dict[str, object], expected: dict[str, object]
) -> None:
    """DescribeTaskDetail has the structure of the event; that a task was aborted stands outside of it."""
    vod.post(ADDRESS, json=answer(**members))

    assert api().procedure_task("task-1", timeout_seconds=1.0) == expected
    assert content_of(vod.calls[0].request) == {"TaskId": "task-1"}


@pytest.mark.parametrize("members", [{"TaskSet": [{"TaskId": "task-1"}, None]}, {"TaskSet": None}, {}])
def test_tasks_of_a_file_are_listed_the_oldest_first(
    vod: responses.RequestsMock, members: dict[str, list[object] | None]
) -> None:
    """DescribeTasks tells what a file's own information does not: which task flow its upload started."""
    vod.post(ADDRESS, json=answer(**members))

    found = api().tasks_of_file(FILE_ID, sub_app_id=1500000001, timeout_seconds=1.0)

    assert found == (({"TaskId": "task-1"},) if members.get("TaskSet") else ())
    assert content_of(vod.calls[0].request) == {
        "FileId": FILE_ID,
        "Sort": {"Field": "CreateTime", "Order": "Asc"},
        "Limit": 100,
        "SubAppId": 1500000001,
    }


def test_api_that_is_down_is_an_error_without_its_address() -> None:
    """Nobody listening: the error names the call and no address, key or token."""
    port = refused_port()

    with pytest.raises(VodApiError) as failure:
        read_back(api(VOD_API_URL=f"http://{HOST}:{port}"))

    assert str(port) not in failure.value.detail
    assert KEYS["VOD_SECRET_KEY"] not in failure.value.detail


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n"


def begin_and_stop(connection: socket.socket) -> None:
    """Announce a body and send its first byte only."""
    connection.recv(65536)
    connection.sendall(HEAD + b"{")
    say_nothing(connection)


def drip(connection: socket.socket) -> None:
    """Announce a body and send a byte of it now and then, until the client closes."""
    connection.recv(65536)
    connection.sendall(HEAD)
    while True:
        connection.sendall(b" ")
        time.sleep(0.005)


@pytest.mark.parametrize("speak", [say_nothing, begin_and_stop, drip])
def test_api_that_is_slow_is_an_error_in_time(speak: Callable[[socket.socket], None]) -> None:
    """The time-out covers the whole call: silence, a body that stops, and one that drips."""
    with RawPeer(speak) as peer, pytest.raises(VodApiError):
        read_back(api(VOD_API_URL=f"http://{HOST}:{peer.port}"), timeout_seconds=0.1)


def test_name_service_that_swallows_is_an_error_in_time() -> None:
    """The time-out covers name resolution, for which the SDK has none."""
    with serving_names() as names:
        names.is_answering.clear()
        with pytest.raises(VodApiError) as failure:
            read_back(api(VOD_API_URL="http://swallowed-api.example.test"), timeout_seconds=0.1)

    assert failure.value.detail == "DescribeMediaInfos failed: TimeoutError."


def test_calls_that_do_not_end_are_few() -> None:
    """No call is begun while MOST_LEFT_BEHIND abandoned ones still run."""
    is_slow, speakers = threading.Event(), []
    is_slow.set()

    def speak(connection: socket.socket) -> None:
        speakers.append(connection)
        if is_slow.is_set():
            drip(connection)
        connection.recv(65536)
        connection.sendall(answer_of(MediaInfoSet=[media(FILE_ID, TOKEN)]))

    with RawPeer(speak) as peer:
        client = api(VOD_API_URL=f"http://{HOST}:{peer.port}")
        for _ in range(MOST_LEFT_BEHIND + 3):
            with pytest.raises(VodApiError):
                read_back(client, timeout_seconds=0.2)
        assert len(speakers) <= MOST_LEFT_BEHIND

        is_slow.clear()
        for connection in speakers:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: all(call.has_ended for call in client._left_behind))  # noqa: SLF001  # there is no other sign
        assert read_back(client) == TOKEN


def answer_of(**members: object) -> bytes:
    """Encode an answer as bytes of HTTP."""
    body = json.dumps(answer(**members)).encode()
    return HEAD.replace(b"99999", str(len(body)).encode()) + body


CALLS: list[Callable[[VodApi], object]] = [
    lambda client: client.pull_events(timeout_seconds=PATIENCE),
    lambda client: client.confirm_events(["handle"], timeout_seconds=PATIENCE),
    lambda client: client.uploads_created(after="", before="", offset=0, timeout_seconds=PATIENCE),
    lambda client: client.procedure_task("task", timeout_seconds=PATIENCE),
    lambda client: client.media_info("file", timeout_seconds=PATIENCE),
    lambda client: client.tasks_of_file("file", timeout_seconds=PATIENCE),
]


def took_request(connection: socket.socket) -> bool:
    """Read one whole request; return False if the client has closed."""
    with connection.makefile("rb") as incoming:
        length = 0
        while (line := incoming.readline().lower()) not in (b"", b"\r\n"):
            name, _, value = line.partition(b":")
            length = int(value) if name == b"content-length" else length
        return bool(incoming.read(length))


@pytest.mark.parametrize("call", CALLS)
def test_call_on_a_kept_connection_that_was_closed_is_made_once_more(
    call: Callable[[VodApi], object],
) -> None:
    """A call on a kept connection that the server closes without an answer is repeated on a new one."""
    connections: list[int] = []

    def speak(connection: socket.socket) -> None:
        number = len(connections)
        connections.append(0)
        if took_request(connection):
            connections[number] += 1
            connection.sendall(answer_of())
        if took_request(connection):
            connections[number] += 1

    with RawPeer(speak) as peer:
        client = api(VOD_API_URL=f"http://{HOST}:{peer.port}")
        for _ in range(3):
            call(client)

    # The first two answered one request each, and closed on the next.
    assert connections == [2, 2, 1]


def test_call_is_made_twice_at_most() -> None:
    """A call is repeated once, and not at all if it was the first on its connection."""
    requests: list[bool] = []

    def speak(connection: socket.socket) -> None:
        requests.append(took_request(connection))
        if len(requests) == 1:
            connection.sendall(answer_of())
            requests.append(took_request(connection))

    with RawPeer(speak) as peer:
        client = api(VOD_API_URL=f"http://{HOST}:{peer.port}")
        read_back(client)
        for _ in range(2):
            with pytest.raises(VodApiError):
                read_back(client)

    assert requests == [True] * (1 + 2 + 1)


def test_caller_decides_where_a_call_runs(vod: responses.RequestsMock) -> None:
    """`start` runs the call, here in the caller's own thread."""
    vod.post(ADDRESS, json=answer(MediaInfoSet=[media(FILE_ID, TOKEN)]))
    started: list[Callable[[], None]] = []

    def start(function: Callable[[], None]) -> None:
        started.append(function)
        function()

    assert read_back(VodApi(load_settings(VodApiSettings, KEYS), start=start)) == TOKEN
    assert len(started) == 1


def test_each_call_has_its_own_time_out() -> None:
    """A call with little time left does not shorten the next one, nor the other way round."""
    body = json.dumps(answer(MediaInfoSet=[media(FILE_ID, TOKEN)])).encode()
    reply = Reply(200, body, {"Content-Type": "application/json"}, delay_seconds=0.3)

    with HttpPeer(lambda _request: reply) as peer:
        client = api(VOD_API_URL=peer.url)
        with pytest.raises(VodApiError):
            read_back(client, timeout_seconds=0.1)
        assert read_back(client) == TOKEN
        with pytest.raises(VodApiError):
            read_back(client, timeout_seconds=0.1)
