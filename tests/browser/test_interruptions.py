from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.parts import THREE_PARTS, TWO_PARTS, parts_sent, send_but_last_part
from tests.browser.upload_page import digest_at, digest_of_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Route

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]

SAMPLES = Path(__file__).parents[1] / "samples/media"


def _begin(page: UploadPage, file: Path, **choices: object) -> Locator:
    """Begin an upload with a limited upload rate."""
    page.line.slow_down(1_000_000)
    card = page.upload(file, **choices)
    page.wait_for(card, "sending")
    return card


def test_a_paused_upload_goes_on_where_it_was(open_page: OpenPage, make_file: MakeFile) -> None:
    """Pause stops the sending, resume sends what is missing, and the app hears of one upload."""
    page, file = open_page(), make_file("paused.mp4", TWO_PARTS)
    before = parts_sent(page.stack)
    card = send_but_last_part(page, file)
    card.get_by_role("button", name="Pause:").click()
    page.wait_for(card, "paused")
    upload_id = page.upload_id(card)
    page.page.wait_for_timeout(400)  # what had arrived in full is still counted
    after_pause = parts_sent(page.stack)
    page.page.wait_for_timeout(600)
    assert after_pause == parts_sent(page.stack)
    page.line.restore()
    card.get_by_role("button", name="Resume:").click()
    page.wait_for(card, "uploaded")
    (event,) = page.events(upload_id, "upload.completed")
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])
    assert parts_sent(page.stack) - before == 2


def test_pausing_before_the_transfer_begins_is_possible(open_page: OpenPage, make_file: MakeFile) -> None:
    """A pause right after the start holds the upload too, and it can go on."""
    page, file = open_page(), make_file("early.mp4", 500_000)
    before = parts_sent(page.stack)
    page.fill_in(file)
    page.page.evaluate(
        """() => {
          document.getElementById("start").click();
          document.querySelector("[data-action=pause]").click();
        }"""
    )
    card = page.card(file.name)
    page.wait_for(card, "paused")
    page.page.wait_for_timeout(700)
    assert before == parts_sent(page.stack)
    card.get_by_role("button", name="Resume:").click()
    page.wait_for(card, "uploaded")
    assert len(page.events(page.upload_id(card), "upload.completed")) == 1


def test_after_a_reload_only_missing_parts_are_sent(open_page: OpenPage, make_file: MakeFile) -> None:
    """The page remembers the upload, asks for the same files, and no finished part travels twice."""
    page, file = open_page(), make_file("reloaded.mp4", THREE_PARTS)
    before = parts_sent(page.stack)
    card = send_but_last_part(page, file, user="bob", context="kept", cover=SAMPLES / "cover.png")
    upload_id = page.upload_id(card)
    page.open()
    page.line.restore()
    page.wait_for(card, "interrupted")
    card.get_by_label("Choose the same 2 files").set_input_files([SAMPLES / "cover.png", file])
    page.wait_for(card, "uploaded")
    assert upload_id == page.upload_id(card)
    (event,) = page.events(upload_id, "upload.completed")
    assert {"uploader": "bob", "context": "kept"}.items() <= event["data"].items()
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])
    assert digest_of_file(SAMPLES / "cover.png") == digest_at(event["data"]["coverUrl"])
    # Three parts of the media; the cover is one more, and once again, because it was complete already.
    assert parts_sent(page.stack) - before <= 3 + 2


def test_another_file_is_not_taken_for_the_interrupted_one(open_page: OpenPage, make_file: MakeFile) -> None:
    """A file of another size is refused in words, and the upload stays interrupted."""
    page, file = open_page(), make_file("wanted.mp4", TWO_PARTS)
    card = _begin(page, file)
    page.open()
    other = make_file("other.mp4", 1000)
    card.get_by_label("Choose the same file").set_input_files(other)
    expect(card).to_contain_text("Please choose wanted.mp4 as it was")
    page.wait_for(card, "interrupted")


def test_an_upload_in_another_tab_is_not_listed_as_interrupted(
    open_page: OpenPage, make_file: MakeFile
) -> None:
    """Two tabs share what is remembered; only the one that sends shows the upload."""
    page, file = open_page(), make_file("here.mp4", TWO_PARTS)
    _begin(page, file)
    expect(open_page().page.get_by_text("Nothing yet.")).to_be_visible()


def test_a_cancelled_upload_never_reaches_the_app(open_page: OpenPage, make_file: MakeFile) -> None:
    """Cancel ends the session at the service, forgets the upload, and no completed event follows."""
    page, file = open_page(), make_file("cancelled.mp4", TWO_PARTS)
    card = _begin(page, file)
    card.get_by_role("button", name="Cancel:").click()
    page.wait_for(card, "cancelled")
    page.line.restore()
    assert page.events(page.upload_id(card), "upload.completed", wait_for=0) == []
    kept = page.page.evaluate("() => Object.keys(localStorage).join()")
    assert page.upload_id(card) not in kept
    page.open()
    expect(page.page.get_by_text("Nothing yet.")).to_be_visible()


def test_an_upload_goes_on_when_the_connection_is_back(open_page: OpenPage, make_file: MakeFile) -> None:
    """After an outage the upload explains what happened; online again it sends what is missing, by itself."""
    page, file = open_page(), make_file("tunnel.mp4", THREE_PARTS)
    page.expect_complaints("ERR_INTERNET_DISCONNECTED", "Network Error")
    before = parts_sent(page.stack)
    card = send_but_last_part(page, file)
    page.line.cut()
    page.wait_for(card, "stopped")
    expect(card.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(card.get_by_role("alert")).to_contain_text("goes on by itself")
    page.line.restore()
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])
    assert parts_sent(page.stack) - before == 3


def test_an_upload_cancelled_offline_does_not_go_on(open_page: OpenPage, make_file: MakeFile) -> None:
    """Cancel cannot reach the service in an outage; the connection that comes back does not undo it."""
    page, file = open_page(), make_file("unwanted.mp4", TWO_PARTS)
    page.expect_complaints("ERR_INTERNET_DISCONNECTED", "Network Error")
    card = send_but_last_part(page, file)
    page.line.cut()
    page.wait_for(card, "stopped")
    card.get_by_role("button", name="Cancel:").click()
    page.wait_for(card, "stopped")
    page.line.restore()
    page.page.wait_for_function("() => navigator.onLine")
    page.wait_for(card, "stopped")
    card.get_by_role("button", name="Cancel:").click()
    page.wait_for(card, "cancelled")
    assert page.events(page.upload_id(card), "upload.completed", wait_for=0) == []


def test_an_interrupted_upload_goes_on_in_one_tab(open_page: OpenPage, make_file: MakeFile) -> None:
    """Of two tabs that both list an interrupted upload, the second one to go on is told so."""
    page, file = open_page(), make_file("shared.mp4", TWO_PARTS)
    card = send_but_last_part(page, file)
    page.open()
    page.wait_for(card, "interrupted")
    second = open_page()
    seconds = second.card("shared.mp4")
    second.wait_for(seconds, "interrupted")
    card.get_by_label("Choose the same file").set_input_files(file)
    page.wait_for(card, "sending")
    seconds.get_by_label("Choose the same file").set_input_files(file)
    expect(seconds).to_contain_text("goes on in another tab")
    page.line.restore()
    page.wait_for(card, "uploaded")
    assert len(page.events(page.upload_id(card), "upload.completed")) == 1


def test_credentials_that_cannot_be_renewed_stop_the_upload(open_page: OpenPage, make_file: MakeFile) -> None:
    """A connection lost while the SDK renews its credentials is told, and no rejection is unhandled."""
    page, file = open_page(), make_file("renewed.mp4", TWO_PARTS)
    page.expect_complaints("ERR_FAILED", "Network Error")
    is_lost = False

    def renew_always(route: Route) -> None:
        if is_lost:
            route.abort()
            return
        answer = route.fetch()
        reply = answer.json()
        # The SDK counts a life of no seconds, and applies again before each request to storage.
        reply["data"]["timestamp"] += 30
        reply["data"]["tempCertificate"]["expiredTime"] = reply["data"]["timestamp"]
        route.fulfill(response=answer, json=reply)

    page.page.route("**/*Action=ApplyUploadUGC", renew_always)
    card = send_but_last_part(page, file)
    is_lost = True
    page.line.restore()
    page.wait_for(card, "stopped")
    expect(card.get_by_role("alert")).to_contain_text("The connection was lost")
    page.page.unroute_all()
    card.get_by_role("button", name="Try again:").click()
    page.wait_for(card, "uploaded")
    assert len(page.events(page.upload_id(card), "upload.completed")) == 1


def test_progress_shows_speed_and_time_left(open_page: OpenPage, make_file: MakeFile) -> None:
    """While a file is sent, the card shows the share sent, the speed and the time left."""
    page = open_page()
    card = _begin(page, make_file("progress.mp4", TWO_PARTS))
    expect(card.locator(".bar-numbers").first).to_have_text(
        re.compile(r"\d+ % · [\d.]+ MB of 8\.0 MB · [\d.]+ [KM]B/s · .+ left")
    )
    card.get_by_role("button", name="Cancel:").click()
    page.wait_for(card, "cancelled")
