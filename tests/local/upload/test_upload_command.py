"""`python -m local upload`, against the running stack and without one."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING

import pytest
import requests

from local.stack.stack import Stack
from tests.local.upload.upload_process import NOBODY, counters, set_fault, upload, upload_as_process

if TYPE_CHECKING:
    from pathlib import Path


def test_json_output_is_one_object_and_nothing_else(stack: Stack, media_of_three_parts: Path) -> None:
    """A program can rely on --json: one object with the file's hash and the app's event."""
    outcome = upload(
        stack.url, str(media_of_three_parts), "--user", "json", "--context", "lesson 7", "--json"
    )
    assert outcome.returncode == 0, outcome.stderr
    result = json.loads(outcome.stdout)

    assert list(result) == ["uploadId", "fileId", "mediaUrl", "sha256", "event"]
    assert hashlib.sha256(media_of_three_parts.read_bytes()).hexdigest() == result["sha256"]
    assert result["event"]["type"] == "upload.completed"
    assert result["event"]["data"]["uploader"] == "json"
    assert result["event"]["data"]["context"] == "lesson 7"
    assert result["fileId"] == result["event"]["data"]["fileId"]
    assert result["uploadId"] == result["event"]["data"]["uploadId"]


def test_file_over_one_part_is_sent_in_parts(stack: Stack, media_of_three_parts: Path) -> None:
    """20 MB go to the storage as three parts, and progress is told on the way."""
    before = counters(stack)
    outcome = upload(stack.url, str(media_of_three_parts), "--user", "parts")
    after = counters(stack)

    assert outcome.returncode == 0, outcome.stderr
    assert [after[name] - before.get(name, 0) for name in after if name == "UploadPart"] == [3]
    assert re.findall(r"\d+ %", outcome.stderr) == ["25 %", "50 %", "75 %", "100 %"]


def test_cover_is_stored_with_the_file(stack: Stack, small_media: Path, tmp_path: Path) -> None:
    """An image given as cover comes back in the event, byte for byte."""
    cover = tmp_path / "cover.png"
    cover.write_bytes(os.urandom(500))
    outcome = upload(stack.url, str(small_media), "--cover", str(cover), "--user", "cover", "--json")
    assert outcome.returncode == 0, outcome.stderr
    cover_url = json.loads(outcome.stdout)["event"]["data"]["coverUrl"]

    assert cover.read_bytes() == requests.get(cover_url, timeout=10).content


def test_characters_that_vod_cannot_take_are_replaced_in_its_name(
    stack: Stack, small_media: Path, tmp_path: Path
) -> None:
    """A file and a cover with legal names are uploaded; VOD has `_` for what the Web SDK refuses."""
    media, cover = tmp_path / "10:30 what?.js.mp4", tmp_path / "a*b.png"
    media.write_bytes(small_media.read_bytes())
    cover.write_bytes(b"png")
    outcome = upload(stack.url, str(media), "--cover", str(cover), "--user", "names", "--json")

    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["event"]["data"]["fileName"] == "10_30 what_.js"


def test_text_output_says_what_was_stored(stack: Stack, small_media: Path) -> None:
    """A person gets the ids, the address and the event."""
    outcome = upload_as_process(stack.url, str(small_media), "--user", "text")

    assert outcome.returncode == 0, outcome.stderr
    assert "small.mp4 is stored, and the app has heard of it." in outcome.stdout
    assert hashlib.sha256(small_media.read_bytes()).hexdigest() in outcome.stdout


@pytest.mark.parametrize("policy", ["default", "course", "reusable", "strict", "mobile"])
def test_every_demo_policy_takes_an_upload(stack: Stack, small_media: Path, policy: str) -> None:
    """Each policy of the demo can be tried from the command line."""
    outcome = upload(stack.url, str(small_media), "--policy", policy, "--user", f"policy-{policy}", "--json")

    assert outcome.returncode == 0, outcome.stderr


def test_without_a_running_stack_one_is_started(small_media: Path, tmp_path: Path) -> None:
    """The command alone is enough to see the whole chain; nothing of its stack stays."""
    outcome = upload_as_process(NOBODY, str(small_media), "--json", temporary_folder=tmp_path)

    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["event"]["data"]["verdict"] == "attributed"
    assert f"No stack runs at {NOBODY}: starting one for this upload." in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_reliable_callback_delivers_as_well(small_media: Path, tmp_path: Path) -> None:
    """With events pulled instead of pushed, the app hears of the upload too."""
    with Stack(folder=tmp_path, simulator={"mode": "PULL"}, timer_seconds=0.5) as pulling:
        outcome = upload(pulling.url, str(small_media), "--json")

    assert outcome.returncode == 0, outcome.stderr


def test_gateway_dialect_of_the_api_gateway_works_as_well(small_media: Path, tmp_path: Path) -> None:
    """Behind the older entry the functions do the same."""
    with Stack(folder=tmp_path, dialect="api-gateway") as stack:
        outcome = upload(stack.url, str(small_media), "--json")

    assert outcome.returncode == 0, outcome.stderr


def test_storage_that_stumbles_once_is_asked_again(media_of_three_parts: Path, tmp_path: Path) -> None:
    """One refused part is sent again, and the file arrives whole."""
    with Stack(folder=tmp_path) as stack:
        set_fault(stack, action="UploadPart", kind="error", times=1, status=503)
        outcome = upload(stack.url, str(media_of_three_parts), "--json")

    assert outcome.returncode == 0, outcome.stderr


def test_event_arrives_although_the_push_was_lost_once(small_media: Path, tmp_path: Path) -> None:
    """VOD sends an event again that was not answered, and the app still hears of it once."""
    with Stack(folder=tmp_path) as stack:
        set_fault(stack, action="Push", kind="error", times=1)
        outcome = upload(stack.url, str(small_media), "--json")
        events = requests.get(f"{stack.url}/local/events", timeout=10).json()

    assert outcome.returncode == 0, outcome.stderr
    assert len(events) == 1
