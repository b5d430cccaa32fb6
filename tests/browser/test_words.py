from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Request, expect

from tests.browser.upload_page import digest_at, digest_of_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]

SAMPLES = Path(__file__).parents[1] / "samples/media"


def test_an_expired_signature_is_explained(open_page: OpenPage, make_file: MakeFile) -> None:
    """If a signature expires during the upload, the page explains it and does not only show a code."""
    page = open_page()

    def arrive_late(route: Route) -> None:
        time.sleep(1.3)
        route.continue_()

    page.page.route("**/*Action=ApplyUploadUGC", arrive_late)
    card = page.upload(make_file("late.mp4", 10_000), policy="hasty")
    page.wait_for(card, "stopped")
    alert = card.get_by_role("alert")
    expect(alert).to_contain_text("The upload signature had expired when it reached VOD")
    expect(alert).to_contain_text("10010")
    expect(alert).to_contain_text("choose a policy that is valid for longer")
    expect(card.get_by_role("button", name="Try again:")).to_be_visible()


def test_a_file_type_off_the_policy_is_refused_before_anything_is_sent(
    open_page: OpenPage, make_file: MakeFile
) -> None:
    """The sentence stands beside the files and is read out with them; another policy takes the file."""
    page = open_page()
    page.fill_in(make_file("film.mov", 10_000), policy="strict")
    page.start()

    expect(page.page.get_by_role("alert")).to_have_text("film.mov: the policy strict takes only mp4.")
    expect(page.page.locator("#drop + [role=alert]")).to_be_visible()
    expect(page.page.locator("#media")).to_have_attribute("aria-invalid", "true")
    expect(page.page.get_by_role("article")).to_have_count(0)
    page.form.get_by_role("radio", name="default").check()
    page.start()
    page.wait_for(page.card("film.mov"), "uploaded")
    expect(page.page.locator("#media")).not_to_have_attribute("aria-invalid", "true")


def test_a_context_that_does_not_fit_is_refused_by_the_service(
    open_page: OpenPage, make_file: MakeFile
) -> None:
    """The page warns, the service decides, and its words are shown."""
    page = open_page()
    page.expect_complaints("422")
    random_bytes = b"".join(hashlib.sha512(bytes([number])).digest() for number in range(3))
    page.fill_in(make_file("long.mp4", 10_000), context=base64.b64encode(random_bytes).decode())
    expect(page.page.get_by_text("probably too long")).to_be_visible()
    page.start()
    card = page.card("long.mp4")
    page.wait_for(card, "stopped")
    expect(card.get_by_role("alert")).to_contain_text("Context:")


def test_a_form_that_is_not_complete_says_what_is_missing(open_page: OpenPage) -> None:
    """No video, a name nobody can have, a cover for two videos: each is said, and the focus goes there."""
    page = open_page()
    button = page.page.get_by_role("button", name="Upload")
    button.click()
    expect(page.page.get_by_role("alert")).to_have_text("Choose a video first.")
    expect(page.page.get_by_label("Choose a video")).to_be_focused()
    page.fill_in(SAMPLES / "tiny.mp4", user="Ålice!")
    button.click()
    expect(page.page.get_by_role("alert")).to_contain_text("name has 1 to 64 characters")
    expect(page.page.get_by_label("Signed in as")).to_be_focused()


def test_a_name_that_vod_cannot_take_is_changed_and_shown(open_page: OpenPage, make_file: MakeFile) -> None:
    """Names that are legal on the user's system are uploaded, and the card shows what became of them."""
    page, requests = open_page(), list[Request]()
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108  # Playwright wraps functions alone
    file, cover = make_file("What is this?.mp4", 10_000), make_file("10:30.png", 100)
    card = page.upload(file, cover=cover)
    expect(card).to_contain_text("the video is called “What is this_”")
    expect(card).to_contain_text("the cover is called “10_30”")
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert event["data"]["fileName"] == "What is this_"
    assert digest_of_file(cover) == digest_at(event["data"]["coverUrl"])
    (applied,) = [json.loads(each.post_data or "{}") for each in requests if "Action=Apply" in each.url]
    assert {"videoName": "What is this_", "videoType": "mp4", "coverName": "10_30"}.items() <= applied.items()


def test_an_ordinary_name_is_kept_and_not_mentioned(open_page: OpenPage) -> None:
    """Dots inside and letters of any script are VOD's name as they are, under a policy of types too."""
    page = open_page()
    page.form.get_by_role("radio", name="strict").check()
    for name in ("node.js.mp4", "Lecture 3 - Vue.js.mp4", "영" * 84 + ".mp4"):
        page.page.locator("#media").set_input_files(
            {"name": name, "mimeType": "video/mp4", "buffer": name.encode()}
        )
        page.start()
        card = page.card(name)
        page.wait_for(card, "uploaded")
        expect(card.locator(".renamed")).to_be_hidden()
        (event,) = page.events(page.upload_id(card), "upload.completed")
        assert event["data"]["fileName"] == name.removesuffix(".mp4")


def test_a_file_that_is_none_is_refused_before_anything_is_sent(
    open_page: OpenPage, make_file: MakeFile
) -> None:
    """A file of 0 bytes or without a type is called what it is, in the form."""
    page = open_page()
    film = make_file("film.mp4", 10)
    for media, cover, words in (
        (make_file("empty.mp4", 0), None, "empty.mp4 is empty: it has 0 bytes."),
        (make_file("film", 10), None, "film has no type"),
        (film, make_file("picture.png", 0), "picture.png is empty"),
        (film, make_file("picture", 10), "picture has no type"),
    ):
        page.fill_in(media, cover=cover)
        page.start()
        expect(page.page.locator("#form-error")).to_contain_text(words)
    expect(page.page.get_by_role("article")).to_have_count(0)


def test_the_page_explains_how_often_a_signature_is_asked_for(open_page: OpenPage) -> None:
    """Whoever chooses a policy can read which SDK asks how often, and what a pause does."""
    page = open_page()
    page.page.get_by_text("Signatures and pauses").click()
    explanation = page.page.locator(".explanation")
    expect(explanation).to_contain_text("up to nine with retries")
    expect(explanation).to_contain_text("mini program SDK ask once")
    expect(explanation).to_contain_text("A pause ends the sending")


def test_a_vanished_stack_is_said_in_words(open_page: OpenPage, make_file: MakeFile) -> None:
    """Without a connection an upload cannot begin, and says so after trying again for a while."""
    page = open_page()
    page.expect_complaints("ERR_INTERNET_DISCONNECTED", "Network Error")
    page.fill_in(make_file("offline.mp4", 10_000))
    page.line.cut()
    page.start()
    card = page.card("offline.mp4")
    page.wait_for(card, "stopped")
    expect(card.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(card.get_by_role("alert")).to_contain_text("This computer is offline")
