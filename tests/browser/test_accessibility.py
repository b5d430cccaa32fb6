"""The page for those who do not see it: axe in every state and language, and three bugs that Uppy has.

The bugs are transloadit/uppy 5645 (the drop zone has no name), 4768 (progress is not announced, completion
twice) and 5623 (the names of the buttons do not say whose they are), held on the accessibility tree.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import expect

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]

SAMPLES = Path(__file__).parents[1] / "samples/media"
AXE = REPOSITORY / "local/page/node_modules/axe-core/axe.min.js"
LANGUAGES = ("en", "ko", "zh-CN")
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
RULES: dict[Literal["light", "dark"], dict[str, object]] = {"light": {}, "dark": {"runOnly": OF_COLOURS}}
"""Of axe, in each colour scheme: the dark one changes nothing but colours (page.css)."""


def test_axe_finds_nothing_in_any_state_and_language(open_page: OpenPage, make_file: MakeFile) -> None:
    """Empty, with files chosen, refused, sending, paused and finished its events open; light and dark."""
    page = open_page()
    page.page.emulate_media(reduced_motion="reduce")
    page.page.add_script_tag(path=AXE)
    found = _violations(page)
    page.fill_in([SAMPLES / "tiny.mp4", make_file("film.mov", 20_000)], policy="strict")
    for tools in ("Make things go wrong", "Trigger an event"):
        page.page.get_by_text(tools).click()
    found |= _violations(page)
    page.page.get_by_role("button", name="Upload 2 videos").click()
    expect(page.page.get_by_role("alert")).to_be_visible()
    found |= _violations(page)
    page.page.get_by_role("radio", name="default").check()
    page.line.hold("*.mov*")
    page.page.get_by_role("button", name="Upload 2 videos").click()
    page.page.get_by_role("button", name="Pause: film.mov").click()
    found |= _violations(page)
    page.wait_for(page.card("tiny.mp4"), "uploaded")
    page.page.locator(".event summary").first.click()
    found |= _violations(page)

    assert found == set()


def test_drop_zone_has_a_name_and_what_is_dropped_is_announced(open_page: OpenPage) -> None:
    """The control that the tab key reaches says that files can be dropped, and how to choose them."""
    page = open_page()
    zone = page.page.get_by_label("Choose a video")
    expect(zone).to_have_accessible_name("Choose a video or drop it here, with or without a cover")
    page.page.evaluate(
        """() => {
          const dropped = new DataTransfer();
          dropped.items.add(new File(["film"], "dropped.mp4", { type: "video/mp4" }));
          document.body.dispatchEvent(
            new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.page.locator("#announcer")).to_have_text("Chosen: dropped.mp4.")


def test_progress_and_completion_are_announced_once(open_page: OpenPage, make_file: MakeFile) -> None:
    """A screen reader hears the start, at most each quarter, and the end; no sentence comes twice."""
    page = open_page()
    page.page.evaluate(
        """() => {
          window.said = [];
          const announcer = document.getElementById("announcer");
          new MutationObserver(() => window.said.push(announcer.textContent))
            .observe(announcer, { childList: true });
        }"""
    )
    card = page.upload(make_file("film.mp4", 3_000_000))
    page.wait_for(card, "uploaded")
    said = page.page.evaluate("() => window.said")

    assert said[0] == "Upload of film.mp4 started."
    assert said[-1] == "film.mp4: uploaded."
    assert len(said) == len(set(said)) <= 7


def test_buttons_say_whose_they_are(open_page: OpenPage, make_file: MakeFile) -> None:
    """Of two uploads under way, each pause and each cancellation is named after its file."""
    page = open_page()
    page.line.hold("*.mp4*")
    page.fill_in([make_file("one.mp4", 20_000), make_file("two.mp4", 20_000)])
    page.page.get_by_role("button", name="Upload 2 videos").click()
    for name in ("one.mp4", "two.mp4"):
        page.page.get_by_role("button", name=f"Pause: {name}", exact=True).click()
        expect(page.page.get_by_role("button", name=f"Resume: {name}", exact=True)).to_be_focused()
        expect(page.page.get_by_role("button", name=f"Cancel: {name}", exact=True)).to_be_visible()


def _violations(page: UploadPage) -> set[str]:
    """Return the violations that axe finds on the page as it is, in each language and with both palettes."""
    found = set()
    for language in LANGUAGES:
        page.page.locator("#language").select_option(language)
        for scheme, rules in RULES.items():
            page.page.emulate_media(color_scheme=scheme)
            options = {**rules, "resultTypes": ["violations"]}
            result = page.page.evaluate("options => axe.run(document, options)", options)
            found |= {
                f"{language}, {scheme}: {violation['id']} at {node['target']}"
                for violation in result["violations"]
                for node in violation["nodes"]
            }
    page.page.locator("#language").select_option("en")
    return found
