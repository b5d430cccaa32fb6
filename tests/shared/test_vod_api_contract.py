"""The server API against a server that verifies its signature and answers as VOD does."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from shared.config.settings import VodApiSettings, load_settings
from shared.errors import VodApiError
from shared.vod.lenient_json import as_object
from shared.vod.notification import notification_from_pull
from shared.vod_api import VodApi
from tests.local.simulator.account import SECRET_ID, SECRET_KEY, Account

if TYPE_CHECKING:
    from collections.abc import Iterator

SUB_APP_ID = 1500054321


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Serve an account in pull mode."""
    folder = tmp_path_factory.mktemp("pulling")
    with Account(folder, mode="PULL", sub_app_ids=(SUB_APP_ID,), empty_event_set="error") as running:
        yield running


def api_of(account: Account, **changes: str) -> VodApi:
    """Return the client of an account."""
    keys = {"VOD_SECRET_ID": SECRET_ID, "VOD_SECRET_KEY": SECRET_KEY, "VOD_API_URL": account.url}
    return VodApi(load_settings(VodApiSettings, {**keys, **changes}))


def upload(account: Account, **terms: str) -> str:
    """Upload a file through the calls of the SDKs; return its FileId."""
    return str(account.upload(b"moving pictures", **terms)["data"]["fileId"])


def test_source_context_of_a_real_upload_is_read_back(account: Account) -> None:
    """What the signature carried is what the read-back finds."""
    file_id = upload(account, source_context="vuf1.abc.def")

    media = api_of(account).media_info(file_id, timeout_seconds=5)
    assert media is not None
    basic = as_object(media["BasicInfo"])
    assert as_object(basic["SourceInfo"])["SourceContext"] == "vuf1.abc.def"
    assert as_object(media["MetaData"])["Size"] == len(b"moving pictures")


def test_unknown_file_is_not_there(account: Account) -> None:
    """VOD names the files it does not have in a list of their own."""
    assert api_of(account).media_info("5000000000000000000", timeout_seconds=5) is None


def test_file_of_another_application_is_not_there(account: Account) -> None:
    """A sub-application sees its own files only."""
    file_id = upload(account, source_context="x")

    api = api_of(account, VOD_SUB_APP_ID=str(SUB_APP_ID))

    assert api.media_info(file_id, timeout_seconds=5) is None


@pytest.mark.parametrize(
    "changes", [{"VOD_SECRET_KEY": "another-secret-key"}, {"VOD_SECRET_ID": "AKIDanother0000"}]
)
def test_wrong_key_is_refused(account: Account, changes: dict[str, str]) -> None:
    """A signature that does not match is VOD's own error, told by its code."""
    with pytest.raises(VodApiError) as failure:
        api_of(account, **changes).media_info("5000000000000000000", timeout_seconds=5)

    assert failure.value.vod_code.startswith("AuthFailure.")


def test_events_are_pulled_and_confirmed(account: Account) -> None:
    """An upload's event is pulled with its handle, and gone for good once it is confirmed."""
    api = api_of(account)
    file_id = upload(account, source_context="mine")
    events = {}
    deadline = time.monotonic() + 5
    while file_id not in events and time.monotonic() < deadline:
        for item in api.pull_events(timeout_seconds=5):
            notification = notification_from_pull(item)
            events[notification.file_id] = notification
            api.confirm_events((str(notification.event_handle),), timeout_seconds=5)

    assert events[file_id].context_token == "mine"
    assert api.pull_events(timeout_seconds=5) == ()


def test_handle_that_is_none_is_refused(account: Account) -> None:
    """A confirmation that comes too late is an error, and changes nothing."""
    with pytest.raises(VodApiError) as failure:
        api_of(account).confirm_events(("no-such-handle",), timeout_seconds=5)

    assert failure.value.vod_code == "InvalidParameterValue"


def test_uploads_of_a_time_are_listed_the_oldest_first(account: Account) -> None:
    """The search finds what was uploaded, with its sourceContext, in the order of time."""
    before = datetime.now(tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    first, second = upload(account, source_context="one"), upload(account, source_context="two")

    found = api_of(account).uploads_created(
        after=before, before="2099-01-01T00:00:00Z", offset=0, timeout_seconds=5
    )

    listed = [str(media["FileId"]) for media in found]
    assert listed.index(first) < listed.index(second)
    assert isinstance(found[0]["BasicInfo"], dict)


def test_task_flow_is_read_until_it_is_finished(account: Account) -> None:
    """A procedure's task can be asked about by the id that the upload's event names."""
    api = api_of(account)
    file_id = upload(account, procedure="TranscodeAndCover", session_context="mine")
    task_id = ""
    deadline = time.monotonic() + 5
    while not task_id and time.monotonic() < deadline:
        for item in api.pull_events(timeout_seconds=5):
            flow = notification_from_pull(item)
            if flow.file_id == file_id and flow.procedure_state is not None:
                task_id = flow.task_id

    task = api.procedure_task(task_id, timeout_seconds=5)

    assert (task["Status"], task["FileId"], task["SessionContext"]) == ("FINISH", file_id, "mine")


def test_task_flow_of_an_upload_is_found_by_its_file(account: Account) -> None:
    """The list of tasks names what an upload has started, with the context of its signature."""
    file_id = upload(account, procedure="TranscodeAndCover", session_context="mine")
    other = upload(account, session_context="mine")
    api = api_of(account)

    (task,) = api.tasks_of_file(file_id, timeout_seconds=5)

    assert (task["TaskType"], task["FileId"], task["SessionContext"]) == ("Procedure", file_id, "mine")
    assert api.procedure_task(str(task["TaskId"]), timeout_seconds=5)["FileId"] == file_id
    assert api.tasks_of_file(other, timeout_seconds=5) == ()
