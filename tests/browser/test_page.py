from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]

SAMPLES = Path(__file__).parents[1] / "samples/media"


def test_the_whole_way_is_possible_with_the_keyboard_alone(open_page: OpenPage) -> None:
    """Tab, arrows, space and enter choose a file, a policy and a context, and upload."""
    page = open_page()
    press = page.page.keyboard.press
    # The browser hands choosers over only from here on, and a key pressed at once could be quicker.
    page.on("filechooser", lambda _chooser: None)
    press("Tab")
    expect(page.page.get_by_role("link", name="Skip to the uploads")).to_be_focused()
    for _link in ("API", "Documents", "Language", "the files"):
        press("Tab")
    expect(page.page.get_by_label("Choose a video")).to_be_focused()
    with page.page.expect_file_chooser() as chooser:
        press("Space")
    chooser.value.set_files(SAMPLES / "tiny.mp4")
    press("Tab")
    expect(page.page.get_by_role("button", name="Remove tiny.mp4")).to_be_focused()
    press("Tab")
    expect(page.page.get_by_label("Cover")).to_be_focused()
    press("Tab")
    expect(page.page.get_by_label("Signed in as")).to_be_focused()
    press("Tab")
    press("ArrowDown")
    press("ArrowDown")
    expect(page.form.get_by_role("radio", name="reusable")).to_be_checked()
    press("Tab")
    expect(page.page.get_by_label("Context")).to_be_focused()
    page.page.keyboard.type("by keyboard")
    press("Enter")
    card = page.card("tiny.mp4")
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert {"uploader": "alice", "context": "by keyboard"}.items() <= event["data"].items()


def test_everything_that_can_be_focused_shows_it(open_page: OpenPage) -> None:
    """Every element that the tab key reaches has a visible focus outline."""
    page = open_page()
    for _ in range(9):
        page.page.keyboard.press("Tab")
        assert page.page.evaluate(
            """() => {
              const focused = document.activeElement;
              const seen = [focused, focused.nextElementSibling, focused.parentElement].filter(Boolean);
              return focused === document.body
                || seen.some((element) => getComputedStyle(element).outlineStyle === "solid");
            }"""
        ), page.page.evaluate("() => document.activeElement.outerHTML")


def test_no_width_needs_sideways_scrolling(open_page: OpenPage, make_file: MakeFile) -> None:
    """Form, progress, player, refusal and events fit any width, even with a long unbreakable name."""
    page = open_page(width=320, height=740)
    page.expect_complaints("422")
    name = "a_very_long_name_without_any_space_in_it_" * 3
    finished = page.upload(make_file(f"{name}.mp4", 30_000), context="x" * 40, cover=SAMPLES / "cover.png")
    page.wait_for(finished, "uploaded")
    page.wait_for(page.upload(make_file(f"{name}.mov", 30_000), context=secrets.token_hex(200)), "stopped")
    page.fill_in(make_file(f"{name}.avi", 30_000), policy="strict")
    page.start()
    expect(page.page.get_by_role("alert").filter(has_text="strict")).to_be_visible()
    page.page.locator(".event summary").first.click()
    needed = {}
    for width in (320, 360, 768, 1280):
        page.page.set_viewport_size({"width": width, "height": 740})
        needed[width] = page.page.evaluate("() => document.documentElement.scrollWidth")
    assert {width: wider for width, wider in needed.items() if wider > width} == {}


def test_files_can_be_dropped_anywhere(open_page: OpenPage) -> None:
    """A video and a picture dropped together become the video and its cover."""
    page = open_page()
    page.page.evaluate(
        """() => {
          const dropped = new DataTransfer();
          dropped.items.add(new File(["film"], "dropped.mp4", { type: "video/mp4" }));
          dropped.items.add(new File(["picture"], "dropped.png", { type: "image/png" }));
          document.querySelector("h1").dispatchEvent(
            new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.page.locator("#media-name")).to_have_text("dropped.mp4")
    expect(page.page.locator("#cover-name")).to_have_text("dropped.png")
    page.page.get_by_role("button", name="Remove cover").click()
    expect(page.page.locator("#cover-name")).to_have_text("Cover")


def test_what_a_policy_allows_is_said_in_words(open_page: OpenPage) -> None:
    """The chosen policy shows its limits; where it leaves a choice, there is a field for it."""
    page = open_page()
    page.form.get_by_role("radio", name="strict").check()
    expect(page.page.get_by_text("only mp4 · up to 10.0 MB · stored in ap-seoul")).to_be_visible()
    expect(page.page.get_by_label("Storage region")).to_be_hidden()
    page.form.get_by_role("radio", name="reusable").check()
    expect(page.page.get_by_text("may be used again until it expires")).to_be_visible()
    page.form.get_by_role("radio", name="default").check()
    expect(page.page.get_by_label("Storage region")).to_be_visible()


def test_a_chosen_storage_region_is_where_the_media_goes(open_page: OpenPage, make_file: MakeFile) -> None:
    """The region travels in the signature, and the event says the same."""
    page = open_page()
    page.fill_in(make_file("far.mp4", 20_000))
    page.page.get_by_label("Storage region").select_option("ap-seoul")
    page.start()
    card = page.card("far.mp4")
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert event["data"]["storageRegion"] == "ap-seoul"
