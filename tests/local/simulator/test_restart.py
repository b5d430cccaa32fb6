"""A restart of the process loses nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.simulator import Procedure, SimulatorSettings
from tests.local.simulator.account import Account
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


def test_upload_goes_on_where_it_was(tmp_path: Path) -> None:
    """Session, credential, open multipart upload and its parts are still there; leftovers are not."""
    with Account(tmp_path) as account:
        applied = account.apply(MIB + 1, signature=account.signature(one_time_valid=True))
        used = account.signature(one_time_valid=True)
        account.apply(signature=used)
        storage = account.storage(applied)
        upload_id = storage.create_multipart_upload(applied.bucket, applied.key)["UploadId"]
        first = storage.upload_part(applied.bucket, applied.key, b"a" * MIB, 1, upload_id)["ETag"]
    (tmp_path / "files" / "half-written").write_bytes(b"x")
    with Account(tmp_path) as account:
        storage = account.storage(applied)
        second = storage.upload_part(applied.bucket, applied.key, b"b", 2, upload_id)["ETag"]
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in ((1, first), (2, second))]
        storage.complete_multipart_upload(applied.bucket, applied.key, upload_id, {"Part": parts})
        again = account.call("ApplyUploadUGC", signature=used, videoType="mp4")
        reply = account.call(
            "CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key
        )
        counted = account.counters()["uploads"][applied.session_key]["UploadPart"]
        content = requests.get(reply["data"]["video"]["url"], timeout=10).content

    assert again["code"] == 10011
    assert content == b"a" * MIB + b"b"
    assert counted == 2
    assert not (tmp_path / "files" / "half-written").exists()


def test_pending_push_keeps_its_remaining_tries(tmp_path: Path) -> None:
    """An event that was on its way is sent again after the restart, never more than three times in all."""
    with HttpPeer(lambda _request: Reply(delay_seconds=5)) as receiver:
        with Account(tmp_path, callback_url=receiver.url) as account:
            account.upload()
            wait_until(lambda: len(receiver.received) == 1)
        with Account(tmp_path, callback_url=receiver.url, push_timeout_seconds=0.3) as account:
            wait_until(lambda: len(receiver.received) == 3)
            wait_until(lambda: not account.simulator._database.rows("SELECT * FROM pushes"))  # noqa: SLF001  # nothing else shows it

        assert (
            len({json.loads(received.body)["FileUploadEvent"]["FileId"] for received in receiver.received})
            == 1
        )
        assert len(receiver.received) == 3


def test_queue_media_and_configuration_stay(tmp_path: Path) -> None:
    """Events that nobody confirmed, media, and what was changed at run time survive."""
    with Account(tmp_path, mode="PULL") as account:
        file_id = account.upload()["data"]["fileId"]
        account.api().call_json("ModifyEventConfig", {"SignKey": "abc", "NotificationUrl": "http://x.test/"})
    with Account(tmp_path, mode="PULL") as account:
        [event] = account.api().call_json("PullEvents", {})["Response"]["EventSet"]
        config = requests.get(f"{account.url}/local/simulator/config", timeout=10).json()
        described = account.api().call_json("DescribeMediaInfos", {"FileIds": [file_id]})["Response"]

    assert event["FileUploadEvent"]["FileId"] == file_id
    assert (config["sign_key"], config["callback_url"]) == ("abc", "http://x.test/")
    assert described["MediaInfoSet"][0]["FileId"] == file_id


def test_running_task_flow_goes_on(tmp_path: Path) -> None:
    """A flow that was under way finishes after the restart."""
    with Account(tmp_path, mode="PULL", task_flow_step_seconds=60) as account:
        account.upload(procedure="LongVideoPreset")
    with Account(tmp_path, mode="PULL") as account:
        events: list[str] = []

        def pulled() -> bool:
            answer = account.api().call_json("PullEvents", {})["Response"]
            events.extend(event["EventType"] for event in answer["EventSet"])
            return len(events) == 2

        wait_until(pulled)

    assert events == ["NewFileUpload", "ProcedureStateChanged"]


@pytest.mark.parametrize(
    "settings",
    [{"storage_regions": ()}, {"mode": "POLL"}, {"procedures": (Procedure("a"), Procedure("a"))}],
)
def test_impossible_settings_are_refused_at_once(tmp_path: Path, settings: dict[str, Any]) -> None:
    """A simulator that could not work does not start."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        SimulatorSettings(folder=tmp_path, secret_id="a", secret_key="b", **settings)
