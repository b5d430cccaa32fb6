"""Old browsers, forbidden storage and plain http: an upload without resume, or one clear sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LAN_ADDRESS
from tests.browser.parts import TWO_PARTS, parts_sent, send_but_last_part
from tests.browser.upload_page import digest_at, digest_of_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Route

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]

NO_TIMEOUT_SIGNAL = "delete AbortSignal.timeout; delete AbortSignal.any;"
NO_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined });"
NO_CRYPTO = (
    "Object.defineProperty(crypto, 'subtle', { value: undefined }); delete Crypto.prototype.randomUUID;"
)
STORAGE_ABSENT = "Object.defineProperty(window, 'localStorage', { value: null });"
STORAGE_FORBIDDEN = """Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('The operation is insecure.', 'SecurityError'); } });"""
STORAGE_FULL = """Storage.prototype.setItem = () => {
  throw new DOMException('The quota has been exceeded.', 'QuotaExceededError'); };"""


def _pause_and_resume(page: UploadPage, file: Path) -> Locator:
    """Upload a file with a pause after the first of its two parts, and return its card."""
    before = parts_sent(page.stack)
    card = send_but_last_part(page, file)
    card.get_by_role("button", name="Pause:").click()
    page.line.restore()
    card.get_by_role("button", name="Resume:").click()
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])
    assert parts_sent(page.stack) - before == 2
    return card


@pytest.mark.parametrize(
    "without",
    [NO_TIMEOUT_SIGNAL, NO_LOCKS, NO_CRYPTO, NO_TIMEOUT_SIGNAL + NO_LOCKS + NO_CRYPTO],
    ids=["no AbortSignal.timeout", "no navigator.locks", "no crypto.subtle", "none of them"],
)
def test_an_old_browser_uploads_and_resumes(open_page: OpenPage, make_file: MakeFile, without: str) -> None:
    """What a browser of 2021 lacks is not needed, neither for an upload nor for a resume."""
    page = open_page(without=without)
    _pause_and_resume(page, make_file("old.mp4", TWO_PARTS))
    expect(page.page.locator("#keeps-nothing")).to_be_hidden()


@pytest.mark.parametrize(
    "without", [STORAGE_ABSENT, STORAGE_FORBIDDEN, STORAGE_FULL], ids=["absent", "forbidden", "full"]
)
def test_without_storage_only_a_reload_forgets(
    open_page: OpenPage, make_file: MakeFile, without: str
) -> None:
    """Without localStorage an upload works, pause and resume included, and the page says what is missing."""
    page = open_page(without=without + NO_LOCKS)
    expect(page.page.locator("#keeps-nothing")).to_contain_text("a reload interrupts starts over")
    _pause_and_resume(page, make_file("unkept.mp4", TWO_PARTS))
    page.open()
    expect(page.page.get_by_text("Nothing yet.")).to_be_visible()


def test_a_page_over_plain_http_resumes_after_a_reload(open_page: OpenPage, make_file: MakeFile) -> None:
    """From an address of the local network there is no secure context; an upload goes on after a reload."""
    page, file = open_page(by="lan"), make_file("phone.mp4", TWO_PARTS)
    assert page.page.evaluate("() => [location.hostname, isSecureContext, typeof navigator.locks]") == [
        LAN_ADDRESS,
        False,
        "undefined",
    ]
    before = parts_sent(page.stack)
    card = send_but_last_part(page, file)
    page.open()
    page.line.restore()
    page.wait_for(card, "interrupted")
    card.get_by_label("Choose the same file").set_input_files(file)
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])
    assert parts_sent(page.stack) - before == 2


def test_over_plain_http_a_tab_leaves_another_tabs_upload_alone(
    open_page: OpenPage, make_file: MakeFile
) -> None:
    """Where the browser has no locks, the lease keeps what one tab sends out of the other tab's list."""
    page = open_page(by="lan")
    card = send_but_last_part(page, make_file("leased.mp4", TWO_PARTS))
    second = open_page(by="lan")
    expect(second.page.get_by_text("Nothing yet.")).to_be_visible()
    page.line.restore()
    page.wait_for(card, "uploaded")


def test_a_fault_of_the_page_is_no_lost_connection(open_page: OpenPage, make_file: MakeFile) -> None:
    """A TypeError of a program is shown as what it is, and nothing is left unhandled."""
    page = open_page(without="window.File = undefined;")
    card = page.upload(make_file("a:b.mp4", 10_000), cover=make_file("c:d.png", 100))
    page.wait_for(card, "stopped")
    alert = card.get_by_role("alert")
    expect(alert).to_contain_text("This page has a fault")
    expect(alert).not_to_contain_text("connection")


def test_a_missing_web_sdk_is_said(open_page: OpenPage, make_file: MakeFile) -> None:
    """Without the SDK's script the form and the upload say so in one sentence each."""
    page = open_page(without="Object.defineProperty(window, 'TcVod', { get() {}, set() {} });")
    expect(page.page.locator("#form-error")).to_contain_text("The Web SDK is not there")
    card = page.upload(make_file("unsent.mp4", 10_000))
    page.wait_for(card, "stopped")
    expect(card.get_by_role("alert")).to_contain_text("The Web SDK is not there")


def test_a_browser_that_cannot_read_the_modules_is_told(open_page: OpenPage) -> None:
    """A syntax too new leaves the form dead: the page says which browsers can run it."""
    page = open_page()
    expect(page.page.locator("#too-old")).to_be_hidden()
    page.expect_complaints("unexpected token")

    def serve(route: Route) -> None:
        route.fulfill(body="class Newer { ##syntax }", content_type="text/javascript")

    page.page.route("**/clients/web/upload.js", serve)
    page.page.goto(page.address)
    expect(page.page.locator("#too-old")).to_be_visible()
    expect(page.page.locator("#too-old")).to_contain_text("Safari 15")
