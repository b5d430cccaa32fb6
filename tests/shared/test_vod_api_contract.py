"""The server API against a server that verifies its signature and answers as VOD does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.simulator.faults import Fault
from shared.config.settings import VodApiSettings, load_settings
from shared.errors import VodApiError
from shared.vod_api import FORBIDDEN_BY_SYSTEM, VodApi
from tests.local.simulator.account import SECRET_ID, SECRET_KEY
from tests.shared.vod_records import iso
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.local.simulator.account import Account

SUB_APP_IDS = (1500054321, 1500054322)
UNKNOWN_EVENT = {"EventType": "SomethingNew", "SomethingNewEvent": {"Ünknown": [1.5, None, {"A": "\u2603"}]}}
PATIENCE = 60.0


def api_of(vod: Account, **changes: str) -> VodApi:
    """Return the client of an account."""
    keys = {"VOD_SECRET_ID": SECRET_ID, "VOD_SECRET_KEY": SECRET_KEY, "VOD_API_URL": vod.url}
    return VodApi(load_settings(VodApiSettings, {**keys, **changes}))


def upload(vod: Account, **terms: Any) -> str:  # noqa: ANN401  # any term
    """Upload a file through the calls of the SDKs; return its FileId."""
    return str(vod.upload(**terms)["data"]["fileId"])


def pull(api: VodApi) -> tuple[dict[str, Any], ...]:
    """Pull one batch."""
    return api.pull_events(timeout_seconds=PATIENCE)


def test_file_is_known_to_its_own_application_only(vod: Account) -> None:
    """What the signature carried is what the read-back finds, in the sub-application of the upload."""
    file_id = upload(vod, source_context="vuf1.abc.def", vod_sub_app_id=SUB_APP_IDS[0])
    own, other = (api_of(vod, VOD_SUB_APP_ID=str(number)) for number in SUB_APP_IDS)

    media: Any = own.media_info(file_id, timeout_seconds=PATIENCE)

    assert media["BasicInfo"]["SourceInfo"]["SourceContext"] == "vuf1.abc.def"
    assert media["MetaData"]["Size"] == len(b"moving pictures")
    assert own.media_info("5000000000000000000", timeout_seconds=PATIENCE) is None
    assert other.media_info(file_id, timeout_seconds=PATIENCE) is None
    assert (pull(other), pull(api_of(vod))) == ((), ())
    assert file_id in str(pull(own))


@pytest.mark.parametrize(
    "changes", [{"VOD_SECRET_KEY": "canary-of-a-wrong-key"}, {"VOD_SECRET_ID": "AKIDcanary0000000"}]
)
def test_keys_that_vod_does_not_know_are_an_error(vod: Account, changes: dict[str, str]) -> None:
    """The code says that it is the keys; neither of them is in the message."""
    with pytest.raises(VodApiError) as failure:
        pull(api_of(vod, **changes))

    assert failure.value.vod_code.startswith("AuthFailure.")
    assert "canary" not in failure.value.detail
    assert SECRET_ID not in failure.value.detail


def test_events_come_as_vod_spells_them_until_they_are_confirmed(vod: Account) -> None:
    """Members that nobody has heard of are kept; a handle is good once."""
    events = [{**UNKNOWN_EVENT, "Number": number} for number in range(3)]
    vod.emit(*events)
    api = api_of(vod)

    pulled = pull(api)
    handles = [event.pop("EventHandle") for event in pulled]
    api.confirm_events(handles[:2], timeout_seconds=PATIENCE)
    vod.clock.moved_by = 31

    assert list(pulled) == events
    assert [event["Number"] for event in pull(api)] == [2]
    with pytest.raises(VodApiError) as failure:
        api.confirm_events(handles[:2], timeout_seconds=PATIENCE)
    assert failure.value.detail == "ConfirmEvents failed: InvalidParameterValue."


def test_uploads_of_a_time_are_listed_page_by_page(vod: Account) -> None:
    """Files between two instants, the oldest first, with what their events say; at the end an empty page."""
    began = vod.clock()
    file_ids = [upload(vod, source_context=f"order-{number}") for number in range(3)]
    emitted = [event["FileUploadEvent"] for event in pull(api_of(vod))]

    def listed(after: float, before: float, offset: int = 0) -> list[dict[str, Any]]:
        return list(
            api_of(vod).uploads_created(
                after=iso(after), before=iso(before), offset=offset, timeout_seconds=PATIENCE
            )
        )

    whole = listed(began, vod.clock() + 1)
    assert [media["FileId"] for media in whole] == file_ids
    assert [(media["BasicInfo"], media["MetaData"]) for media in whole] == [
        (event["MediaBasicInfo"], event["MetaData"]) for event in emitted
    ]
    assert [listed(began, vod.clock() + 1, offset) for offset in (1, 2, 3)] == [whole[1:], whole[2:], []]
    assert listed(began - 100, began - 1) == listed(began + 3600, began + 7200) == []


def test_task_of_digests_is_read_as_its_event_would_tell_it(vod: Account) -> None:
    """Its event carries the context that it was begun with."""
    api, file_id = api_of(vod), upload(vod)
    task_id = api.describe_file_attributes(file_id, session_context="order-1", timeout_seconds=PATIENCE)
    event = pull(api)[-1]["DescribeFileAttributesCompleteEvent"]

    assert api.attributes_task(task_id, timeout_seconds=PATIENCE) == event
    assert (event["FileId"], event["SessionContext"]) == (file_id, "order-1")


def test_task_flow_is_read_as_its_event_would_tell_it(vod: Account) -> None:
    """An upload's task flow is listed under its file, and spelt as in ProcedureStateChanged."""
    file_id = upload(vod, procedure="FailingTranscode", session_context="order-1")
    other = upload(vod, session_context="order-1")
    api, seen = api_of(vod), list[dict[str, Any]]()

    def ended() -> list[dict[str, Any]]:
        seen.extend(pull(api))
        return [event for event in seen if event["EventType"] == "ProcedureStateChanged"]

    wait_until(ended)
    told = ended()[-1]["ProcedureStateChangeEvent"]
    (task,) = api.tasks_of_file(file_id, timeout_seconds=PATIENCE)

    assert (task["TaskType"], task["FileId"], task["SessionContext"]) == ("Procedure", file_id, "order-1")
    assert api.procedure_task(str(task["TaskId"]), timeout_seconds=PATIENCE) == told
    assert told["Status"] == "FINISH"
    assert api.tasks_of_file(other, timeout_seconds=PATIENCE) == ()


def test_file_is_forbidden_and_deleted(vod: Account) -> None:
    """Its information says so; a file that VOD does not know is refused."""
    file_id, api = upload(vod), api_of(vod)

    api.forbid_media(file_id, timeout_seconds=PATIENCE)
    media: Any = api.media_info(file_id, timeout_seconds=PATIENCE)
    api.delete_media(file_id, timeout_seconds=PATIENCE)

    assert media["BasicInfo"]["Status"] == "Forbidden"
    assert api.media_info(file_id, timeout_seconds=PATIENCE) is None
    for act in (api.forbid_media, api.delete_media):
        with pytest.raises(VodApiError):
            act(file_id, timeout_seconds=PATIENCE)


def test_file_that_vod_itself_has_forbidden_is_forbidden(vod: Account) -> None:
    """VOD refuses with a code of its own (doc 266/34180); every other refusal is one."""
    file_id, api = upload(vod), api_of(vod)

    vod.simulator.faults.set([Fault("ForbidMediaDistribution", "refuse", code=FORBIDDEN_BY_SYSTEM)])
    api.forbid_media(file_id, timeout_seconds=PATIENCE)
    vod.simulator.faults.set([Fault("ForbidMediaDistribution", "refuse")])
    with pytest.raises(VodApiError):
        api.forbid_media(file_id, timeout_seconds=PATIENCE)
