"""The page for those who do not see it: axe in every state and language, and three bugs that Uppy has.

The bugs are transloadit/uppy 5645 (the drop zone has no name), 4768 (progress is not announced, completion
twice) and 5623 (the names of the buttons do not say whose they are), held on the accessibility tree.
"""

from __future__ import annotations

import re
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
RUN_AXE = """async (options) => {
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} at ${target}`));
}"""
OF_COLOURS = ("color-contrast", "link-in-text-block")
ONLY_COLOURS: dict[str, object] = {"runOnly": {"type": "rule", "values": OF_COLOURS}}
ALL_BUT_COLOURS: dict[str, object] = {"rules": {rule: {"enabled": False} for rule in OF_COLOURS}}
APPEARANCES: list[tuple[str, Literal["light", "dark"], dict[str, object]]] = [
    ("en", "light", {}),
    ("en", "dark", ONLY_COLOURS),
    ("ko", "light", ALL_BUT_COLOURS),
    ("zh-CN", "light", ALL_BUT_COLOURS),
]
"""Languages and colour schemes with axe's rules that can differ there: no colour depends on the language, and
the dark scheme changes nothing but colours (`test_schemes_differ_in_colours_and_languages_in_no_style`)."""


def test_axe_finds_nothing_in_any_state_and_language(open_page: OpenPage, make_file: MakeFile) -> None:
    """Empty, refused with files chosen, and finished beside a paused one with events open; light and dark."""
    page = open_page()
    page.page.add_script_tag(path=AXE)
    found = _violations(page)
    page.fill_in([SAMPLES / "tiny.mp4", make_file("film.mov", 20_000)], policy="strict")
    for tools in ("Make things go wrong", "Trigger an event"):
        page.page.get_by_text(tools).click()
    page.start("Upload 2 videos")
    expect(page.page.get_by_role("alert")).to_be_visible()
    found |= _violations(page)
    page.form.get_by_role("radio", name="default").check()
    page.line.hold("*.mov*")
    page.start("Upload 2 videos")
    page.page.get_by_role("button", name="Pause: film.mov").click()
    page.wait_for(page.card("tiny.mp4"), "uploaded")
    page.page.locator(".event summary").first.click()
    found |= _violations(page)

    assert found == set()


def test_schemes_differ_in_colours_and_languages_in_no_style() -> None:
    """The dark scheme gives variables other colours and sets nothing else; no style names a language."""
    styles = "".join(file.read_text("utf-8") for file in (REPOSITORY / "local/page").glob("*.css"))
    [dark] = re.findall(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}\s*\}", styles, re.DOTALL)
    assert styles.count("prefers-color-scheme") == 1
    assert re.fullmatch(r"(\s*--[\w-]+: (#[0-9a-f]{6}|none);)+\s*", dark)
    assert re.findall(r":lang\(|\[lang", styles) == []


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
    """Of two uploads under way, each card, each pause and each cancellation is named after its file."""
    page = open_page()
    page.line.hold("*.mp4*")
    page.fill_in([make_file("one.mp4", 20_000), make_file("two.mp4", 20_000)])
    page.start("Upload 2 videos")
    for name in ("one.mp4", "two.mp4"):
        expect(page.card(name)).to_have_accessible_name(f"Upload of {name}")
        page.page.get_by_role("button", name=f"Pause: {name}", exact=True).click()
        expect(page.page.get_by_role("button", name=f"Resume: {name}", exact=True)).to_be_focused()
        expect(page.page.get_by_role("button", name=f"Cancel: {name}", exact=True)).to_be_visible()


def _violations(page: UploadPage) -> set[str]:
    """Return the violations that axe finds on the page as it is, in each of `APPEARANCES`."""
    found = set()
    for language, scheme, rules in APPEARANCES:
        page.page.locator("#language").select_option(language)
        page.page.emulate_media(color_scheme=scheme)
        options = {**rules, "resultTypes": ["violations"]}
        found |= {f"{language}, {scheme}: {violation}" for violation in page.page.evaluate(RUN_AXE, options)}
    page.page.locator("#language").select_option("en")
    return found
