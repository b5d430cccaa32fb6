from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.parts import parts_sent
from tests.browser.upload_page import digest_at, digest_of_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Request

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]

SAMPLES = Path(__file__).parents[1] / "samples/media"


@pytest.mark.parametrize("by", ["path", "name"])
def test_a_small_file_reaches_the_app_once_with_its_uploader(
    open_page: OpenPage, make_file: MakeFile, by: str
) -> None:
    """The app gets one completed event: this user, this context, this file's bytes."""
    page, file = open_page(by=by), make_file("small.mp4", 200_000)
    card = page.upload(file, user="bob", context="Lektion 3 & mehr")
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert {"uploader": "bob", "context": "Lektion 3 & mehr", "verdict": "attributed"}.items() <= event[
        "data"
    ].items()
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])
    expect(card).to_contain_text(event["data"]["fileId"])


def test_characters_that_vod_cannot_take_are_replaced_in_its_name(
    open_page: OpenPage, make_file: MakeFile
) -> None:
    """A file with a legal name is uploaded; VOD has `_` for what the SDK refuses."""
    page = open_page()
    card = page.upload(make_file("10:30 what?.js.mp4", 2_000))
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert event["data"]["fileName"] == "10_30 what_.js"


@pytest.mark.parametrize("by", ["path", "name"])
def test_a_large_file_and_its_cover_arrive_whole(open_page: OpenPage, make_file: MakeFile, by: str) -> None:
    """35 MB go in parts beside the cover, and both are what was sent."""
    page, file = open_page(by=by), make_file("large.mp4", 35_000_000)
    before = parts_sent(page.stack)
    card = page.upload(file, cover=SAMPLES / "cover.png")
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])
    assert digest_of_file(SAMPLES / "cover.png") == digest_at(event["data"]["coverUrl"])
    assert parts_sent(page.stack) - before == 5 + 1


def test_a_finished_upload_can_be_played_with_its_cover(open_page: OpenPage) -> None:
    """At the end the page shows a player that has the film, and the cover on it."""
    page = open_page()
    card = page.upload(SAMPLES / "tiny.mp4", cover=SAMPLES / "cover.png")
    page.wait_for(card, "uploaded")
    video = card.locator("video")
    expect(video).to_be_visible()
    page.page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    assert video.evaluate("video => [Math.round(video.duration), video.videoWidth]") == [2, 160]
    (event,) = page.events(page.upload_id(card), "upload.completed")
    expect(video).to_have_attribute("poster", event["data"]["coverUrl"])


def test_several_uploads_at_once_each_reach_the_app(open_page: OpenPage, make_file: MakeFile) -> None:
    """Three files chosen together become three uploads, each with its own event."""
    page = open_page()
    files = [make_file(f"part {number}.mp4", 300_000) for number in range(3)]
    page.fill_in(files, context="series")
    page.start("Upload 3 videos")
    cards = [page.card(file.name) for file in files]
    for card in cards:
        page.wait_for(card, "uploaded")
    events = [page.events(page.upload_id(card), "upload.completed") for card in cards]
    assert [len(each) for each in events] == [1, 1, 1]
    assert [digest_of_file(file) for file in files] == [
        digest_at(each[0]["data"]["mediaUrl"]) for each in events
    ]


def test_one_time_signatures_are_never_sent_twice(open_page: OpenPage, make_file: MakeFile) -> None:
    """Under a one-time policy Prepare, Apply and Commit each carry a signature of their own."""
    page, signatures = open_page(), list[str]()

    def note(request: Request) -> None:
        if "UploadUGC" in request.url and request.method == "POST":
            signatures.append(json.loads(request.post_data or "{}")["signature"])

    page.on("request", note)
    expect(page.page.get_by_text("each signature is valid once").first).to_be_visible()
    card = page.upload(make_file("once.mp4", 100_000), policy="default")
    page.wait_for(card, "uploaded")
    assert 3 == len(signatures) == len(set(signatures))


def test_a_task_flow_is_followed_until_the_media_is_ready(open_page: OpenPage) -> None:
    """With the course policy the page goes on to `ready`, and the app hears how the task flow ended."""
    page = open_page()
    card = page.upload(SAMPLES / "tiny.mp4", policy="course", context="lesson 3")
    page.wait_for(card, "ready")
    expect(card.locator("[aria-current=step]")).to_have_text("ready")
    expect(card.locator(".outcome")).to_contain_text("done")
    upload_id = page.upload_id(card)
    (event,) = page.events(upload_id, "procedure.finished")
    assert {"uploader": "alice", "context": "lesson 3"}.items() <= event["data"].items()
    assert len(page.events(upload_id, "upload.completed")) == 1


def test_events_appear_on_the_page_as_the_app_receives_them(open_page: OpenPage, make_file: MakeFile) -> None:
    """The list of events shows a new one without a reload, with its whole content."""
    page = open_page()
    card = page.upload(make_file("shown.mp4", 50_000), context="shown at once")
    page.wait_for(card, "uploaded")
    event = page.page.locator(f".event[data-upload-id='{page.upload_id(card)}']")
    expect(event.locator(".event-type")).to_have_text("upload.completed")
    event.locator("summary").click()
    expect(event.locator(".event-body")).to_contain_text('"context": "shown at once"')


def test_a_finished_upload_is_still_there_after_a_reload(open_page: OpenPage, make_file: MakeFile) -> None:
    """A reload asks the service again instead of forgetting; removed from the list it stays away."""
    page = open_page()
    card = page.upload(make_file("kept.mp4", 50_000))
    page.wait_for(card, "uploaded")
    page.open()
    page.wait_for(card, "uploaded")
    card.get_by_role("button", name="Remove from list:").click()
    page.open()
    expect(page.page.get_by_text("Nothing yet.")).to_be_visible()
