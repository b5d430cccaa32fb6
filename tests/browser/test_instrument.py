"""The page as an instrument: files before the start, events with their journal, faults, three languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from playwright.sync_api import expect

from local.stack.demo_settings import first_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]

SAMPLES = Path(__file__).parents[1] / "samples/media"


def test_chosen_files_are_listed_and_one_is_taken_off(open_page: OpenPage, make_file: MakeFile) -> None:
    """Each file has its name, size and picture; what is taken off is not sent, and the focus stays near."""
    page = open_page()
    files = [SAMPLES / "tiny.mp4", make_file("second.mp4", 20_000), make_file("third.mp4", 30_000)]
    page.fill_in(files)
    chosen = page.page.get_by_role("list", name="Chosen files")
    expect(chosen.get_by_role("listitem")).to_have_text(
        [re.compile(r"tiny\.mp4 · 11\.0 KB"), re.compile("second"), re.compile("third")]
    )
    page.page.wait_for_function("() => document.querySelector('#chosen video').videoWidth > 0")
    chosen.get_by_role("button", name="Remove second.mp4").click()
    expect(chosen.get_by_role("button", name="Remove tiny.mp4")).to_be_focused()
    page.start("Upload 2 videos")
    page.wait_for(page.card("third.mp4"), "uploaded")
    page.wait_for(page.card("tiny.mp4"), "uploaded")
    expect(page.page.get_by_role("article")).to_have_count(2)


def test_start_button_is_in_sight(open_page: OpenPage) -> None:
    """At 1280 by 800 nobody scrolls to find "Upload", with a file chosen too; nothing shows around it."""
    page = open_page(width=1280, height=800)
    button = page.page.get_by_role("button", name="Upload", exact=True)
    expect(button).to_be_in_viewport(ratio=1)
    page.fill_in(SAMPLES / "tiny.mp4", cover=SAMPLES / "cover.png")
    expect(button).to_be_in_viewport(ratio=1)
    beside = """start => {
      const { left, top, bottom, width } = start.getBoundingClientRect();
      const at = (y) => document.elementFromPoint(left + width / 2, y);
      return [at(top - 4), at(bottom + 4)].every((it) => it === start.parentElement);
    }"""
    assert button.evaluate(beside)
    page.form.get_by_role("radio", name="strict").press("ArrowDown")
    last = page.form.get_by_role("radio", name="mobile")
    expect(last).to_be_focused()
    below, above = last.bounding_box(), button.bounding_box()
    assert below is not None
    assert above is not None
    assert below["y"] + below["height"] < above["y"]


def test_card_leads_to_its_events_which_are_sent_again(open_page: OpenPage, make_file: MakeFile) -> None:
    """The list shows this upload's events alone; one is sent again under its id, and copied exactly."""
    page = open_page()
    page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    other = page.upload(make_file("other.mp4", 10_000))
    page.wait_for(other, "uploaded")
    card = page.upload(make_file("mine.mp4", 10_000))
    page.wait_for(card, "uploaded")
    upload_id = page.upload_id(card)
    page.events(upload_id, "upload.completed")
    card.get_by_role("button", name="Events").click()
    shown = page.page.locator(".event:not([hidden])")
    expect(shown).to_have_count(1)
    expect(page.page.get_by_label("Find")).to_be_focused()
    expect(shown).to_have_attribute("data-kind", "true")
    shown.locator("summary").click()
    expect(shown.locator(".event-state")).to_contain_text("in the journal: delivered")
    shown.get_by_role("button", name="Copy body").click()
    copied = page.page.evaluate("() => navigator.clipboard.readText()")
    received = requests.get(f"{page.stack.url}/local/events?uploadId={upload_id}", timeout=10).json()
    assert copied == received[0]["text"]
    shown.get_by_role("button", name="Send again").click()
    expect(shown.locator(".repeated")).to_have_text("received 2 times", timeout=15_000)


def test_what_the_app_does_not_hear_is_shown_and_looks_different(open_page: OpenPage) -> None:
    """A callback that cannot be read is held back: it is in the list, under its own filter."""
    page = open_page()
    token = first_of(page.stack.environment["CALLBACK_TOKENS"])
    requests.post(f"{page.stack.url}/vod-callback/{token}", data=b"[] no event", timeout=10)
    page.page.get_by_label("Show").select_option("withheld")
    held = page.page.locator(".event:not([hidden])").first

    expect(held).to_be_visible(timeout=15_000)
    expect(held.locator(".truth")).to_have_text("held back from the app")
    expect(held).to_have_css("display", "list-item")
    assert held.locator("summary").evaluate("it => getComputedStyle(it).borderLeftWidth") == "4px"


def test_faults_are_switched_on_and_off(open_page: OpenPage) -> None:
    """A switch sets the stack's fault dial and leaves other rules as they are."""
    page = open_page()
    address = f"{page.stack.url}/local/faults"
    others: Any = {"faults": [{"action": "UploadPart", "kind": "slow", "times": 1, "seconds": 1.0}]}
    requests.put(address, json=others, timeout=10).raise_for_status()
    try:
        page.page.get_by_text("Make things go wrong").click()
        switch = page.page.get_by_label("VOD sends every event twice")
        with page.page.expect_response(lambda it: it.request.method == "PUT"):
            switch.check()
        assert _fault_kinds(address) == ["slow", "duplicate"]
        with page.page.expect_response(lambda it: it.request.method == "PUT"):
            switch.uncheck()
        assert _fault_kinds(address) == ["slow"]
    finally:
        requests.put(address, json={"faults": []}, timeout=10).raise_for_status()


def test_event_is_triggered_by_a_button(open_page: OpenPage) -> None:
    """On a narrow screen and by the keyboard: the focus stays, and the outcome leads to the list."""
    page = open_page(width=320, height=700)
    triggers = page.page.locator("#triggers")
    triggers.get_by_text("Trigger an event").click()
    button = triggers.get_by_role("button", name="upload.replayed")
    button.press("Enter")
    expect(triggers.get_by_role("status")).to_have_text(
        "The app has heard of upload.replayed, and has answered 204. Withheld from it: upload.completed."
    )
    expect(button).to_be_focused()
    assert page.page.evaluate("() => document.documentElement.scrollWidth") == 320

    triggers.get_by_role("button", name="Events").click()
    shown = page.page.locator(".event:not([hidden])")
    expect(shown).to_have_count(2, timeout=15_000)
    expect(shown.locator(".event-type")).to_have_text(["upload.replayed", "upload.completed"])
    expect(shown.locator(".truth")).to_have_text([re.compile("verified"), "withheld for a trigger"])


def test_trigger_that_fails_says_why_beside_its_button(open_page: OpenPage) -> None:
    """The stack's sentence takes the place of the outcome."""
    page = open_page()
    page.expect_complaints("409 (Conflict)")
    page.page.get_by_label("Signed in as").fill("No Name")
    triggers = page.page.locator("#triggers")
    triggers.get_by_text("Trigger an event").click()
    triggers.get_by_role("button", name="upload.completed").click()

    expect(triggers.get_by_role("alert")).to_contain_text("upload.completed: No token is made for this")
    expect(triggers.get_by_role("status")).to_have_text("")


def test_page_speaks_other_languages(open_page: OpenPage, make_file: MakeFile) -> None:
    """The choice holds at once, for cards that are there and after a reload."""
    page = open_page()
    card = page.upload(make_file("film.mp4", 10_000))
    page.wait_for(card, "uploaded")
    choice = page.page.locator("#language")
    expect(choice).to_have_accessible_name("Language")
    for language, heading, state in (("ko", "VOD에 업로드", "업로드됨"), ("zh-CN", "上传到 VOD", "已上传")):
        choice.select_option(language)
        expect(page.page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.page.get_by_role("article").locator(".badge")).to_have_text(state)
        page.page.reload()
        expect(page.page.get_by_role("heading", level=1)).to_have_text(heading)
        words = page.page.locator("body").inner_text()
        assert re.findall(r"\b(?:Upload|Choose|Policy|Events|Context)\b", words) == [], language


def _fault_kinds(address: str) -> list[str]:
    return [rule["kind"] for rule in requests.get(address, timeout=10).json()["faults"]]
