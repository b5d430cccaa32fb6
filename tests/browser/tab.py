"""A tab that tests use one after the other; a new one costs more processor time than most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.browser.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext


class Tab:
    """One tab of a browser profile, its `page` and its `line`; a page's questions are answered with yes."""

    def __init__(self, profile: BrowserContext) -> None:
        self.page = profile.new_page()
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.line = Line(self.page)
        self._devtools = profile.new_cdp_session(self.page)
        self._devtools.send("Page.enable")
        self._scripts: list[str] = []
        self._listeners: list[tuple[str, Callable[[Any], None]]] = []

    def on(self, event: Any, listener: Callable[[Any], None]) -> None:  # noqa: ANN401  # a literal of Playwright's
        """Listen to one of Playwright's events of the page, until the tab is cleaned."""
        self.page.on(event, listener)
        self._listeners.append((event, listener))

    def run_first(self, script: str) -> None:
        """Run a script in each page before its own ones, until the tab is cleaned."""
        added = self._devtools.send("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        self._scripts.append(added["identifier"])

    def clean(self) -> None:
        """End the page and undo what a test set; the browser's cache of files alone stays."""
        for event, listener in self._listeners:
            self.page.remove_listener(event, listener)
        self._listeners.clear()
        for script in self._scripts:
            self._devtools.send("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script})
        self._scripts.clear()
        origin = self.page.evaluate("() => location.origin")
        self.page.goto("about:blank")  # before held requests are let go
        self.page.unroute_all(behavior="ignoreErrors")
        self.line.restore()
        self.page.emulate_media(color_scheme="null")
        self.page.context.clear_permissions()
        self._devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
