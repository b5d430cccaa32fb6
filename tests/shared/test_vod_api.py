"""The client of the server API: what it sends, how it reads answers, and when it gives up."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import responses

from shared.config.settings import VodApiSettings, load_settings
from shared.errors import CallBudgetError, VodApiError
from shared.tencent_api import MOST_LEFT_BEHIND, TencentClock
from shared.vod_api import CallBudget, VodApi
from tests.shared.loopback_peer import HOST, RawPeer, answer_once, cut, drip, refused_port, say_nothing
from tests.shared.name_service import serving_names
from tests.waiting import wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

PATIENCE = 60.0
SHORT = 0.1
FILE_ID = "5576678020011223344"
ADDRESS = "https://vod.tencentcloudapi.com/"
KEYS = {"VOD_SECRET_ID": "AKIDexample0000", "VOD_SECRET_KEY": "canary-secret-key"}
FILE = {"FileId": FILE_ID, "BasicInfo": {"Name": "harbour-walk", "SourceInfo": {"SourceContext": "vuf1"}}}
OLDEST_FIRST = {"Field": "CreateTime", "Order": "Asc"}
INSTANTS = ("2026-11-22T00:00:00Z", "2026-11-22T01:00:00Z")
CALLS: dict[str, tuple[Callable[..., object], dict[str, object]]] = {
    "DescribeMediaInfos": (
        lambda client, **where: client.media_info(FILE_ID, timeout_seconds=PATIENCE, **where),
        {"FileIds": [FILE_ID], "Filters": ["basicInfo", "metaData"]},
    ),
    "SearchMedia": (
        lambda client, **where: client.uploads_created(
            after=INSTANTS[0], before=INSTANTS[1], offset=200, timeout_seconds=PATIENCE, **where
        ),
        {
            "CreateTime": dict(zip(("After", "Before"), INSTANTS, strict=True)),
            "SourceTypes": ["Upload"],
            "Filters": ["basicInfo", "metaData"],
            "Sort": OLDEST_FIRST,
            "Offset": 200,
            "Limit": 100,
        },
    ),
    "DescribeTaskDetail": (
        lambda client, **where: client.procedure_task("task-1", timeout_seconds=PATIENCE, **where),
        {"TaskId": "task-1"},
    ),
    "DescribeTasks": (
        lambda client, **where: client.tasks_of_file(FILE_ID, timeout_seconds=PATIENCE, **where),
        {"FileId": FILE_ID, "Sort": OLDEST_FIRST, "Limit": 100},
    ),
    "DescribeFileAttributes": (
        lambda client, **where: client.describe_file_attributes(
            FILE_ID, session_context="vuf1", timeout_seconds=PATIENCE, **where
        ),
        {"FileId": FILE_ID, "SessionContext": "vuf1"},
    ),
    "PullEvents": (lambda client: client.pull_events(timeout_seconds=PATIENCE), {}),
    "ConfirmEvents": (
        lambda client: client.confirm_events(("h1", "h2"), timeout_seconds=PATIENCE),
        {"EventHandles": ["h1", "h2"]},
    ),
    "ForbidMediaDistribution": (
        lambda client, **where: client.forbid_media(FILE_ID, timeout_seconds=PATIENCE, **where),
        {"FileIds": [FILE_ID], "Operation": "forbid"},
    ),
    "DeleteMedia": (
        lambda client, **where: client.delete_media(FILE_ID, timeout_seconds=PATIENCE, **where),
        {"FileId": FILE_ID},
    ),
}
"""Each call, and the parameters that it sends."""


def api(**environment: str) -> VodApi:
    """Return the client."""
    return VodApi(load_settings(VodApiSettings, {**KEYS, **environment}))


def find(client: VodApi, seconds: float = PATIENCE) -> object:
    """Query the file."""
    return client.media_info(FILE_ID, timeout_seconds=seconds)


def answer(**members: object) -> dict[str, object]:
    """Return an answer of the API."""
    return {"Response": {**members, "RequestId": "3f0a9f52"}}


def error(code: str, message: str = "") -> dict[str, object]:
    """Return a refusal of the API."""
    return answer(Error={"Code": code, "Message": message})


EXPIRED = error("AuthFailure.SignatureExpire")
FOUND = json.dumps(answer(MediaInfoSet=[FILE])).encode()


@pytest.fixture
def vod() -> Iterator[responses.RequestsMock]:
    """Mock the API with the `responses` library: what the SDK sends is recorded, nothing leaves."""
    with responses.RequestsMock() as mock:
        yield mock


class Budget:
    """A budget that has a call after so many refusals, and a clock that its waits move."""

    def __init__(self, *pauses: float) -> None:
        """Refuse for these seconds in turn."""
        self._pauses = list(pauses)
        self.taken: list[tuple[str, bool]] = []
        self.waited: list[float] = []

    def take(self, action: str, foreign: bool) -> float:  # noqa: FBT001 -- the form of CallBudget.take
        """Take a call."""
        self.taken.append((action, foreign))
        return self._pauses.pop(0) if self._pauses else 0.0

    def api(self, *, waits: bool = True) -> VodApi:
        """Return a client with this budget."""
        budget = CallBudget(self.take, self.waited.append if waits else None)
        return VodApi(load_settings(VodApiSettings, KEYS), budget=budget)


@pytest.mark.parametrize("action", CALLS)
def test_call_is_taken_out_of_the_budget_of_its_action(vod: responses.RequestsMock, action: str) -> None:
    """It is made once there is one, which may take several waits."""
    vod.post(ADDRESS, json=answer())
    budget = Budget(0.2, 0.1)

    CALLS[action][0](budget.api())

    assert budget.taken == [(action, False)] * 3
    assert budget.waited == [0.2, 0.1]
    assert len(vod.calls) == 1


@pytest.mark.parametrize(
    ("waits", "foreign", "seconds"),
    [
        pytest.param(False, False, PATIENCE, id="a callback has no time"),
        pytest.param(True, True, PATIENCE, id="a foreign event waits for nothing"),
        pytest.param(True, False, 0.1, id="the wait is longer than the time"),
    ],
)
def test_call_without_a_budget_is_not_made(*, waits: bool, foreign: bool, seconds: float) -> None:
    """VOD is not asked, and the error says that it was not."""
    budget = Budget(*[0.2] * 9)
    client = budget.api(waits=waits)
    reads = (client.media_info, client.tasks_of_file, client.procedure_task)

    for read in reads:
        with pytest.raises(CallBudgetError):
            read(FILE_ID, timeout_seconds=seconds, foreign=foreign)

    assert budget.waited == []
    assert [told for _, told in budget.taken] == [foreign] * 3


def test_time_that_the_budget_took_is_not_left_for_the_call() -> None:
    """A call that comes too late is an error, as one that takes too long is."""

    def take_long(_action: str, _foreign: object) -> float:
        time.sleep(0.02)
        return 0.0

    client = VodApi(load_settings(VodApiSettings, KEYS), budget=CallBudget(take_long, None))
    with pytest.raises(VodApiError) as failure:
        find(client, 0.01)

    assert failure.value.vod_code == "TimeoutError"


@pytest.mark.parametrize("action", CALLS)
def test_call_is_signed_and_carries_the_parameters_of_its_action(
    vod: responses.RequestsMock, action: str
) -> None:
    """The sub-application is the upload's, where a policy sends uploads, or else the deployment's."""
    call, parameters = CALLS[action]
    of_the_upload = {} if "Events" in action else {"sub_app_id": 1500000002}
    vod.post(ADDRESS, json=answer())

    call(api())
    call(api(VOD_SUB_APP_ID="1500000001"), **of_the_upload)

    plain, within = (json.loads(str(each.request.body)) for each in vod.calls)
    assert plain == parameters
    assert within == {**parameters, "SubAppId": of_the_upload.get("sub_app_id", 1500000001)}
    headers = vod.calls[0].request.headers
    assert (headers["X-TC-Action"], headers["X-TC-Version"]) == (action, "2018-07-17")
    assert str(headers["Authorization"]).startswith("TC3-HMAC-SHA256 Credential=AKIDexample0000/")
    assert "X-TC-Token" not in headers


def test_role_of_the_function_comes_before_the_long_term_keys(vod: responses.RequestsMock) -> None:
    """With an execution role its temporary credentials sign, and their token is sent."""
    names = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
    vod.post(ADDRESS, json=answer())

    find(api(**dict(zip(names, ("AKIDrole", "role-key", "role-token"), strict=True))))

    headers = vod.calls[0].request.headers
    assert headers["X-TC-Token"] == "role-token"
    assert "Credential=AKIDrole/" in headers["Authorization"]


@pytest.mark.parametrize(
    ("members", "found"),
    [
        pytest.param({"MediaInfoSet": [None, [], {"FileId": None}, FILE]}, FILE, id="found"),
        pytest.param({"MediaInfoSet": [], "NotExistFileIdSet": [FILE_ID]}, None, id="said so"),
        pytest.param({"MediaInfoSet": None, "NotExistFileIdSet": None}, None, id="null"),
        pytest.param({}, None, id="missing"),
        pytest.param({"MediaInfoSet": [{**FILE, "FileId": "5576678020099999999"}]}, None, id="another"),
        pytest.param({"MediaInfoSet": "none", "NotExistFileIdSet": 7}, None, id="wrong types"),
    ],
)
def test_file_is_the_one_that_was_asked_for(
    vod: responses.RequestsMock, members: dict[str, object], found: object
) -> None:
    """An answer that does not list this very file means that VOD has none."""
    vod.post(ADDRESS, json=answer(**members))

    assert find(api()) == found


@pytest.mark.parametrize(
    ("action", "members", "found"),
    [
        ("SearchMedia", {"TotalCount": 1, "MediaInfoSet": [FILE, None]}, (FILE,)),
        ("DescribeTasks", {"TaskSet": [{"TaskId": "task-1"}, None]}, ({"TaskId": "task-1"},)),
        ("DescribeTasks", {"TaskSet": None}, ()),
        ("PullEvents", {"EventSet": [{"EventHandle": "h1", "New": {"Unheard": [1, None]}}, None, 1]}, None),
        ("PullEvents", {"EventSet": []}, ()),
        ("PullEvents", {"EventSet": None}, ()),
        ("PullEvents", {"EventSet": {}}, ()),
        ("PullEvents", {"Error": {"Code": "ResourceNotFound", "Message": ""}}, ()),
        ("DescribeTaskDetail", {"ProcedureTask": {"Status": "FINISH"}}, {"Status": "FINISH"}),
        ("DescribeTaskDetail", {}, {}),
        ("DescribeTaskDetail", {"Error": {"Code": "ResourceNotFound", "Message": ""}}, {}),
        ("DescribeTaskDetail", {"Error": {"Code": "InvalidParameterValue.TaskId", "Message": ""}}, {}),
        ("DescribeTaskDetail", {"Status": "ABORTED", "ProcedureTask": None}, {}),
        (
            "DescribeTaskDetail",
            {"Status": "ABORTED", "ProcedureTask": {"TaskId": "task-1", "Status": "PROCESSING"}},
            {"TaskId": "task-1", "Status": "ABORTED"},
        ),
    ],
)
def test_answer_is_read_without_a_model(
    vod: responses.RequestsMock, action: str, members: dict[str, Any], found: object
) -> None:
    """No member is lost, and no item is taken for an object; that there is nothing has several shapes.

    Of a task that was aborted only the status outside of its task flow says so.
    """
    vod.post(ADDRESS, json=answer(**members))

    assert CALLS[action][0](api()) == (tuple(members["EventSet"][:1]) if found is None else found)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"Error": {"Code": "ResourceNotFound", "Message": ""}}, {}),
        ({"Status": "WAITING", "DescribeFileAttributesTask": None}, {"Status": "WAITING"}),
        ({"Status": "FINISH", "DescribeFileAttributesTask": {"Status": "FAIL"}}, {"Status": "FAIL"}),
    ],
)
def test_task_of_digests_is_read_with_its_status(
    vod: responses.RequestsMock, members: dict[str, Any], found: object
) -> None:
    """While it waits, the status outside of its own member is all that there is."""
    vod.post(ADDRESS, json=answer(**members))

    assert api().attributes_task("task-1", timeout_seconds=PATIENCE) == found


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain"])
@pytest.mark.parametrize("action", ["DescribeMediaInfos", "PullEvents"])
def test_refusal_is_an_error_with_the_vendors_code(
    vod: responses.RequestsMock, action: str, kind: str
) -> None:
    """A business error (HTTP 200) is told by its code, whatever its content type; its words stay out."""
    vod.post(ADDRESS, json=error("RequestLimitExceeded", "canary-message"), content_type=kind)

    with pytest.raises(VodApiError) as failure:
        CALLS[action][0](api())

    assert failure.value.vod_code == "RequestLimitExceeded"
    assert failure.value.detail == f"{action} failed: RequestLimitExceeded."


NO_JSON = ["<html>gateway</html>", "", "[]", "{}", "\ufeff{", '{"Response":' + "[" * 100_000]
NO_RESPONSE = ["{}", "[]", '{"Error":null}', '{"Error":{}}', '{"Error":"broken"}', '{"A":' + "9" * 5000 + "}"]
NO_ANSWERS = [*NO_JSON, *(f'{{"Response":{text}}}' for text in NO_RESPONSE)]
"""Pages, nothing at all, another structure, one nested or a number without end."""


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        *((200, body, "application/json") for body in NO_ANSWERS),
        *((200, body, "text/html") for body in (*NO_ANSWERS, "null")),
        *((500, "upstream failed", "text/plain"), (302, "", "text/plain")),
    ],
)
def test_what_is_no_answer_of_the_api_is_an_error(
    vod: responses.RequestsMock, status: int, body: str, content_type: str
) -> None:
    """Something in between may answer for VOD: that is never taken for `there is no such file`."""
    vod.post(ADDRESS, body=body, status=status, content_type=content_type)

    with pytest.raises(VodApiError) as failure:
        find(api())

    assert failure.value.status == 503


@pytest.mark.parametrize("hours", [1, -1, 24])
def test_clock_that_is_wrong_is_set_by_vods_answer(
    vod: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """A call that is refused as expired is signed anew for the time of the answer, as are later ones."""
    monkeypatch.setattr(TencentClock, "ahead", 0.0)
    vods_time = int(time.time()) - hours * 3600
    vod.post(ADDRESS, json=EXPIRED, headers={"Date": formatdate(vods_time, usegmt=True)})
    vod.post(ADDRESS, json=answer(ProcedureTask={"Status": "FINISH"}))
    client = api()

    for _ in range(2):
        assert client.procedure_task("task-1", timeout_seconds=1.0) == {"Status": "FINISH"}

    signed_at = [int(call.request.headers["X-TC-Timestamp"]) for call in vod.calls]
    assert [abs(at - vods_time) < 60 for at in signed_at] == [False, True, True]
    day = time.strftime("%Y-%m-%d", time.gmtime(signed_at[1]))
    assert f"/{day}/vod/" in str(vod.calls[1].request.headers["Authorization"])


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_refusal_without_a_time_stays_one(vod: responses.RequestsMock, date: str) -> None:
    """Without VOD's time there is nothing to set the clock by."""
    vod.post(ADDRESS, json=EXPIRED, headers={"Date": date})

    with pytest.raises(VodApiError):
        api().procedure_task("task-1", timeout_seconds=1.0)


def test_api_that_is_down_is_an_error_without_its_address() -> None:
    """Nobody listening: the error names the call and no address, key or token."""
    port = refused_port()

    with pytest.raises(VodApiError) as failure:
        find(api(VOD_API_URL=f"http://{HOST}:{port}"))

    assert str(port) not in failure.value.detail
    assert KEYS["VOD_SECRET_KEY"] not in failure.value.detail


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
ANSWER = HEAD % len(FOUND) + FOUND


@contextmanager
def asked(speak: Callable[[socket.socket], None]) -> Iterator[VodApi]:
    """Serve the API so, and return its client."""
    with RawPeer(speak) as peer:
        yield api(VOD_API_URL=f"http://{HOST}:{peer.port}")


drip_a_body = partial(drip, beginning=HEAD % 99999)


def begin_and_stop(connection: socket.socket) -> None:
    """Announce a body and send its first byte only."""
    connection.sendall(HEAD % 99999 + b"{")
    say_nothing(connection)


@pytest.mark.parametrize("speak", [say_nothing, begin_and_stop, drip_a_body])
def test_api_that_is_slow_is_an_error_in_time(speak: Callable[[socket.socket], None]) -> None:
    """The time-out covers the whole call: silence, a body that stops, and one that drips."""
    with asked(speak) as client, pytest.raises(VodApiError):
        find(client, SHORT)


def test_name_service_that_swallows_is_an_error_in_time() -> None:
    """The time-out covers name resolution, for which the SDK has none."""
    with serving_names() as names:
        names.is_answering.clear()
        with pytest.raises(VodApiError) as failure:
            find(api(VOD_API_URL="http://swallowed-api.example.test"), SHORT)

    assert failure.value.detail == "DescribeMediaInfos failed: TimeoutError."


def test_each_call_has_its_own_time_out() -> None:
    """A call with little time left does not shorten the next one, nor the other way round."""
    is_answering = threading.Event()

    def speak(connection: socket.socket) -> None:
        is_answering.wait()
        answer_once(ANSWER)(connection)

    with asked(speak) as client:
        with pytest.raises(VodApiError):
            find(client, SHORT)
        is_answering.set()
        assert find(client) == FILE
        is_answering.clear()
        with pytest.raises(VodApiError):
            find(client, SHORT)
        is_answering.set()


def test_calls_that_do_not_end_are_few() -> None:
    """No call is begun while MOST_LEFT_BEHIND abandoned ones still run."""
    speakers: list[socket.socket] = []
    speaks: Callable[[socket.socket], None] = drip_a_body

    def speak(connection: socket.socket) -> None:
        speakers.append(connection)
        speaks(connection)

    with asked(speak) as client:
        for _ in range(MOST_LEFT_BEHIND + 3):
            with pytest.raises(VodApiError):
                find(client, 2 * SHORT)
        assert len(speakers) <= MOST_LEFT_BEHIND

        speaks = answer_once(ANSWER)
        for connection in speakers:
            cut(connection)
        wait_until(lambda: all(call.has_ended for call in client._api._left_behind))  # noqa: SLF001  # there is no other sign
        assert find(client) == FILE


def took_request(connection: socket.socket) -> bool:
    """Read one whole request; return False if the client has closed."""
    with connection.makefile("rb") as incoming:
        length = 0
        while (line := incoming.readline().lower()) not in (b"", b"\r\n"):
            name, _, value = line.partition(b":")
            length = int(value) if name == b"content-length" else length
        return bool(incoming.read(length))


def test_call_on_a_kept_connection_that_was_closed_is_made_once_more() -> None:
    """A call on a kept connection that the server closes without an answer is repeated on a new one."""
    requests: list[tuple[bool, bool]] = []

    def speak(connection: socket.socket) -> None:
        if is_first := took_request(connection):
            connection.sendall(ANSWER)
        requests.append((is_first, took_request(connection)))

    with asked(speak) as client:
        for _ in range(3):
            assert find(client) == FILE

    # The first two answered one request each, and closed on the next.
    assert requests == [(True, True), (True, True), (True, False)]


def test_call_is_made_twice_at_most() -> None:
    """A call is repeated once, and not at all if it was the first on its connection."""
    requests: list[bool] = []

    def speak(connection: socket.socket) -> None:
        requests.append(took_request(connection))
        if len(requests) == 1:
            connection.sendall(ANSWER)
            requests.append(took_request(connection))

    with asked(speak) as client:
        find(client)
        for _ in range(2):
            with pytest.raises(VodApiError):
                find(client)

    assert requests == [True] * (1 + 2 + 1)


def test_caller_decides_where_a_call_runs(vod: responses.RequestsMock) -> None:
    """`start` runs the call, here in the caller's own thread."""
    vod.post(ADDRESS, json=answer(MediaInfoSet=[FILE]))
    started: list[Callable[[], None]] = []

    def start(function: Callable[[], None]) -> None:
        started.append(function)
        function()

    assert find(VodApi(load_settings(VodApiSettings, KEYS), start=start)) == FILE
    assert len(started) == 1
