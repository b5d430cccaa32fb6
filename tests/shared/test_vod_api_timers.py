from __future__ import annotations

import asyncio
import sqlite3
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.simulator.faults import Fault, Kind
from shared.config.settings import VodApiSettings, load_settings
from shared.errors import VodApiError
from shared.vod_api import VodApi
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUB_APP_ID, OTHER_SUB_APP_ID = 1500054321, 1500054322
UNKNOWN_EVENT = {"EventType": "SomethingNew", "SomethingNewEvent": {"Ünknown": [1.5, None, {"A": "\u2603"}]}}
CALLS: list[Callable[[VodApi], object]] = [
    lambda api: api.pull_events(timeout_seconds=0.3),
    lambda api: api.confirm_events(["handle"], timeout_seconds=0.3),
    lambda api: api.uploads_created(after=iso(0), before=iso(1), offset=0, timeout_seconds=0.3),
    lambda api: api.procedure_task("task", timeout_seconds=0.3),
    lambda api: api.media_info("file", timeout_seconds=0.3),
    lambda api: api.tasks_of_file("file", timeout_seconds=0.3),
]
ACTIONS = [
    "PullEvents",
    "ConfirmEvents",
    "SearchMedia",
    "DescribeTaskDetail",
    "DescribeMediaInfos",
    "DescribeTasks",
]


@pytest.fixture(scope="module")
def served_vod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Serve VOD in pull mode, with two applications beside the first."""
    applications = (SUB_APP_ID, OTHER_SUB_APP_ID)
    folder = tmp_path_factory.mktemp("vod")
    with Account(folder, mode="PULL", sub_app_ids=applications, pull_wait_seconds=0.02) as account:
        yield account


@pytest.fixture
def vod(served_vod: Account) -> Account:
    """Return VOD without faults and with an empty queue."""
    served_vod.simulator.faults.set([])
    configure(served_vod, empty_event_set="empty")
    with sqlite3.connect(served_vod.settings.folder / "simulator.sqlite3") as database:
        database.execute("DELETE FROM pull_queue")
    database.close()
    return served_vod


def configure(vod: Account, **changes: str | float) -> None:
    """Change a setting of the running simulator."""
    requests.put(f"{vod.url}/local/simulator/config", json=dict(changes), timeout=10).raise_for_status()


def api_of(vod: Account, **changes: str) -> VodApi:
    """Return a client of this account."""
    keys = {"VOD_SECRET_ID": SECRET_ID, "VOD_SECRET_KEY": SECRET_KEY, "VOD_API_URL": vod.url}
    return VodApi(load_settings(VodApiSettings, {**keys, **changes}))


def emit(vod: Account, *events: dict[str, Any]) -> None:
    """Raise these events in VOD."""

    async def raise_all() -> None:
        for event in events:
            await vod.simulator.emit(event)

    asyncio.run(raise_all())


def confirm(api: VodApi, events: tuple[dict[str, object], ...]) -> None:
    """Confirm what was pulled."""
    api.confirm_events([str(event["EventHandle"]) for event in events], timeout_seconds=5)


def iso(instant: float) -> str:
    """Format a time as VOD does."""
    return datetime.fromtimestamp(instant, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_events_are_pulled_as_vod_spells_them(vod: Account) -> None:
    """Nothing is lost of an event, not even members nobody has heard of; a handle comes with it."""
    emit(vod, UNKNOWN_EVENT)

    [event] = api_of(vod).pull_events(timeout_seconds=5)

    assert event.pop("EventHandle")
    assert event == UNKNOWN_EVENT


def test_at_most_sixteen_events_come_at_a_time(vod: Account) -> None:
    """The rest comes with the next pull, the oldest first."""
    emit(vod, *({"EventType": "SomethingNew", "Number": number} for number in range(20)))
    api = api_of(vod)

    batches = [api.pull_events(timeout_seconds=5) for _ in range(3)]

    assert [[event["Number"] for event in batch] for batch in batches] == [
        list(range(16)),
        [16, 17, 18, 19],
        [],
    ]


@pytest.mark.parametrize("shape", ["empty", "null", "error"])
def test_empty_queue_is_no_error_in_any_of_its_shapes(vod: Account, shape: str) -> None:
    """An empty list, null and ResourceNotFound all mean that there are no events."""
    configure(vod, empty_event_set=shape)

    assert api_of(vod).pull_events(timeout_seconds=5) == ()


def test_confirmed_events_do_not_come_again(vod: Account) -> None:
    """Those that were not confirmed do, when the life of their handles is over."""
    emit(vod, {"EventType": "First"}, {"EventType": "Second"})
    api = api_of(vod)
    first, _second = api.pull_events(timeout_seconds=5)

    confirm(api, (first,))
    vod.clock.moved_by = 31
    try:
        assert [event["EventType"] for event in api.pull_events(timeout_seconds=5)] == ["Second"]
    finally:
        vod.clock.moved_by = 0


@pytest.mark.parametrize("handles", [["never given"], [], [f"h-{number}" for number in range(17)]])
def test_handles_that_vod_does_not_take_are_an_error(vod: Account, handles: list[str]) -> None:
    """Unknown, too late, none, or more than sixteen: VOD refuses, and the caller hears why."""
    with pytest.raises(VodApiError) as failure:
        api_of(vod).confirm_events(handles, timeout_seconds=5)

    assert failure.value.vod_code == "InvalidParameterValue"
    assert failure.value.detail == "ConfirmEvents failed: InvalidParameterValue."


def test_queue_is_that_of_the_application(vod: Account) -> None:
    """With VOD_SUB_APP_ID only the events of that application's files are pulled."""
    file_id = vod.upload(vod_sub_app_id=SUB_APP_ID)["data"]["fileId"]

    assert api_of(vod, VOD_SUB_APP_ID=str(OTHER_SUB_APP_ID)).pull_events(timeout_seconds=5) == ()
    assert api_of(vod).pull_events(timeout_seconds=5) == ()
    [event] = api_of(vod, VOD_SUB_APP_ID=str(SUB_APP_ID)).pull_events(timeout_seconds=5)

    assert str(file_id) in str(event)


def test_uploads_are_found_by_the_time_they_were_made(vod: Account) -> None:
    """Files between two instants are listed, the oldest first, with all that their events would say."""
    began = int(time.time())
    file_ids = [vod.upload(source_context=f"order-{number}")["data"]["fileId"] for number in range(3)]
    api = api_of(vod)

    def found(after: float, before: float, offset: int = 0) -> list[str]:
        media = api.uploads_created(after=iso(after), before=iso(before), offset=offset, timeout_seconds=5)
        return [str(item["FileId"]) for item in media if item["FileId"] in file_ids]

    assert sorted(found(began, time.time() + 1)) == sorted(file_ids)
    assert found(began - 100, began - 1) == []
    assert found(time.time() + 10, time.time() + 100) == []


def test_uploads_come_with_what_their_events_would_say(vod: Account) -> None:
    """Basic information and metadata are asked for: enough to make the missed event of them."""
    began = time.time()
    file_id = vod.upload(source_context="order-1")["data"]["fileId"]
    emitted = next(
        event["FileUploadEvent"]
        for event in api_of(vod).pull_events(timeout_seconds=5)
        if isinstance(event["FileUploadEvent"], dict) and event["FileUploadEvent"]["FileId"] == file_id
    )

    listed = api_of(vod).uploads_created(
        after=iso(began), before=iso(began + 60), offset=0, timeout_seconds=5
    )
    [media] = [item for item in listed if item["FileId"] == file_id]

    assert media["BasicInfo"] == emitted["MediaBasicInfo"]
    assert media["MetaData"] == emitted["MetaData"]


def test_pages_of_uploads_follow_one_another(vod: Account) -> None:
    """An offset passes over that many, and beyond the last there is an empty page."""
    for _ in range(3):
        vod.upload()
    api = api_of(vod)

    def listed(offset: int) -> list[object]:
        media = api.uploads_created(
            after=iso(0), before=iso(time.time() + 60), offset=offset, timeout_seconds=5
        )
        return [item["FileId"] for item in media]

    whole = listed(0)
    assert [whole[1:], whole[2:], []] == [listed(1), listed(2), listed(len(whole))]


def test_task_flow_is_read_as_its_event_would_tell_it(vod: Account) -> None:
    """While it runs and when it has ended, the task is spelt as in ProcedureStateChanged."""
    vod.upload(procedure="FailingTranscode", session_context="order-1")
    api = api_of(vod)
    seen: list[dict[str, Any]] = []

    def has_ended() -> bool:
        seen.extend(api.pull_events(timeout_seconds=5))
        return bool(seen[-1]["EventType"] == "ProcedureStateChanged")

    wait_until(has_ended)
    told = seen[-1]["ProcedureStateChangeEvent"]

    task = api.procedure_task(told["TaskId"], timeout_seconds=5)

    assert (task["Status"], task["SessionContext"]) == ("FINISH", "order-1")
    assert task == told


def test_task_flow_that_vod_does_not_know_is_an_error(vod: Account) -> None:
    """The caller hears the vendor's code."""
    with pytest.raises(VodApiError) as failure:
        api_of(vod).procedure_task("1500012345-Procedure-none", timeout_seconds=5)

    assert failure.value.vod_code == "ResourceNotFound"


@pytest.mark.parametrize(("call", "action"), list(zip(CALLS, ACTIONS, strict=True)), ids=ACTIONS)
@pytest.mark.parametrize("kind", ["error", "drop", "slow"])
def test_api_that_fails_is_an_error_in_time(
    vod: Account, call: Callable[[VodApi], object], action: str, kind: Kind
) -> None:
    """An answer that is none, no answer, and one that comes too late: the caller's time-out holds."""
    vod.simulator.faults.set([Fault(action, kind, seconds=0.8)])

    with pytest.raises(VodApiError) as failure:
        call(api_of(vod))

    assert failure.value.status == 503
    assert failure.value.detail.startswith(f"{action} failed: ")


@pytest.mark.parametrize("call", CALLS, ids=ACTIONS)
def test_keys_that_vod_does_not_know_are_an_error(vod: Account, call: Callable[[VodApi], object]) -> None:
    """The code says that it is the keys; neither of them is in the message."""
    with pytest.raises(VodApiError) as failure:
        call(api_of(vod, VOD_SECRET_KEY="canary-of-a-wrong-key"))

    assert failure.value.vod_code == "AuthFailure.SignatureFailure"
    assert "canary" not in failure.value.detail
    assert SECRET_ID not in failure.value.detail


@pytest.mark.parametrize("call", CALLS, ids=ACTIONS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"Response":' + "[" * 100_000, id="nested without end"),
        pytest.param('{"Response":{"EventSet":' + "9" * 5000 + "}}", id="a number without end"),
        pytest.param('{"Response":{"Error":"broken"}}', id="an error that is a text"),
    ],
)
def test_hostile_answer_is_an_error_like_any_other(call: Callable[[VodApi], object], body: str) -> None:
    """Whatever stands between VOD and us may answer what it likes: the run ends with a reason."""
    reply = Reply(200, body.encode(), {"Content-Type": "application/json"})
    with HttpPeer(lambda _request: reply) as peer:
        settings = {"VOD_SECRET_ID": SECRET_ID, "VOD_SECRET_KEY": SECRET_KEY, "VOD_API_URL": peer.url}
        api = VodApi(load_settings(VodApiSettings, settings))
        with pytest.raises(VodApiError):
            call(api)


@pytest.mark.parametrize(
    "members", ['"EventSet":{}', '"EventSet":[null,1,"x"]', '"EventSet":"none"', '"Other":1']
)
def test_event_set_of_another_kind_holds_no_events(members: str) -> None:
    """Items that are no objects are ignored."""
    body = f'{{"Response":{{{members},"RequestId":"1"}}}}'.encode()
    reply = Reply(200, body, {"Content-Type": "application/json"})
    with HttpPeer(lambda _request: reply) as peer:
        settings = {"VOD_SECRET_ID": SECRET_ID, "VOD_SECRET_KEY": SECRET_KEY, "VOD_API_URL": peer.url}
        assert VodApi(load_settings(VodApiSettings, settings)).pull_events(timeout_seconds=5) == ()
