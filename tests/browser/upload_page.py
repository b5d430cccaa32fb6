"""Drive the page as a user does, and read what the app's receiver and the simulator recorded."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

import urllib3
from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage

    from local.stack.stack import Stack
    from tests.browser.tab import Tab

SECONDS = 1000
PATIENCE = 15 * SECONDS
_ANSWER_TO_THE_RACE = re.compile(r"403 \(Forbidden\) \S+\.myqcloud\.com/$")
"""The SDK races the buckets of several regions; they are private, so each refuses."""
_SOME_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


class UploadPage:
    """One open page and its `line`; `complaints` are the unexpected errors it logged."""

    def __init__(self, tab: Tab, stack: Stack, address: str) -> None:
        self.tab = tab
        self.page = tab.page
        self.form = tab.page.locator(
            "#new-upload"
        )  # what is looked for in it is not looked for in each event
        self.line = tab.line
        self.on = tab.on
        self.stack = stack
        self.address = address
        self.complaints: list[str] = []
        self._expected: tuple[str, ...] = ()
        self.page.set_default_timeout(PATIENCE)
        self.on("console", self._note_line)
        self.on("pageerror", lambda error: self._note(str(error)))

    def open(self) -> None:
        """Open or reload, and wait until the form is usable."""
        self.page.goto(self.address)
        expect(self.form.get_by_role("radio").first).to_be_visible()

    def expect_complaints(self, *words: str) -> None:
        """Name the errors that a test provokes: Chrome logs every refused request."""
        self._expected = words

    def fill_in(
        self,
        media: Path | Sequence[Path],
        *,
        user: str = "alice",
        policy: str = "default",
        context: str = "",
        cover: Path | None = None,
    ) -> None:
        """Choose the files and everything else, without pressing the button."""
        self.form.locator("#media").set_input_files(media)
        if cover is not None:
            self.form.locator("#cover").set_input_files(cover)
        self.form.get_by_label("Signed in as").fill(user)
        self.form.get_by_role("radio", name=policy).check()
        self.form.get_by_label("Context").fill(context)

    def upload(self, media: Path, **choices: Any) -> Locator:  # noqa: ANN401  # those of fill_in
        """Fill in, press the button, and return the new card."""
        self.fill_in(media, **choices)
        self.start()
        return self.card(media.name)

    def start(self, button: str = "Upload") -> None:
        """Press the button that starts the uploads; its name has how many, if there are several."""
        self.form.get_by_role("button", name=button, exact=True).click()

    def card(self, name: str) -> Locator:
        """Return the card of this file's upload."""
        return self.page.locator("article", has=self.page.get_by_title(name, exact=True))

    def wait_for(self, card: Locator, badge: str) -> None:
        """Wait until the card shows this badge."""
        expect(card.locator(".badge")).to_have_text(badge, timeout=PATIENCE)

    def upload_id(self, card: Locator) -> str:
        """Return the upload's id from its card, once it has one."""
        item = card.locator("xpath=..")
        expect(item).to_have_attribute("data-upload-id", _SOME_ID)
        return item.get_attribute("data-upload-id") or ""

    def idle(self) -> None:
        """Let the browser process its own messages."""
        self.page.wait_for_timeout(100)

    def events(self, upload_id: str, type_: str, *, wait_for: int = 1) -> list[dict[str, Any]]:
        """Return the receiver's events once there are `wait_for`, after a pause to catch extra ones."""
        wait_until(
            lambda: len(self._events(upload_id, type_)) >= wait_for,
            f"{wait_for} {type_}",
            meanwhile=self.idle,
        )
        self.page.wait_for_timeout(400)
        return self._events(upload_id, type_)

    def _events(self, upload_id: str, type_: str) -> list[dict[str, Any]]:
        received = self._get(f"/local/events?uploadId={upload_id}")
        return [event["body"] for event in received if event["body"]["type"] == type_]

    def _get(self, path: str) -> Any:  # noqa: ANN401  # JSON
        return urllib3.request("GET", self.stack.url + path, timeout=5).json()

    def _note_line(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"{message.text} {message.location.get('url', '')}")

    def _note(self, complaint: str) -> None:
        if not _ANSWER_TO_THE_RACE.search(complaint) and not any(
            words in complaint for words in self._expected
        ):
            self.complaints.append(complaint)


def wait_until(condition: Callable[[], object], what: str, *, meanwhile: Callable[[], None]) -> None:
    """Poll a condition that no page shows."""
    end = time.monotonic() + PATIENCE / SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        meanwhile()


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_at(address: str) -> str:
    """Download an address and return the content's SHA-256, in hex."""
    answer = urllib3.request("GET", address, timeout=10)
    assert answer.status == 200, address
    return hashlib.sha256(answer.data).hexdigest()
