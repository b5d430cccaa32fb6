"""The network connection of one page: slowed down, held or cut, by Chrome's devtools protocol.

Playwright's routes would carry every part's bytes through the test; a pattern here stops only what it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Line:
    """The connection of one page; it survives a reload."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.on("Fetch.requestPaused", self._stop)
        self._held: list[str] = []
        self._is_cut = False

    def slow_down(self, bytes_per_second: int) -> None:
        """Limit the page's upload rate."""
        self._emulate(offline=False, upload=bytes_per_second)

    def hold(self, address_pattern: str) -> None:
        """Hold requests whose address matches the pattern (with `*`): they begin and never arrive."""
        self._devtools.send("Fetch.enable", {"patterns": [{"urlPattern": address_pattern}]})

    def cut(self) -> None:
        """Take the network down, and fail the held requests."""
        self._is_cut = True
        self._emulate(offline=True, upload=-1)
        for request_id in self._held:
            self._fail(request_id)

    def restore(self) -> None:
        """Remove all limits."""
        self._is_cut = False
        self._held.clear()
        self._devtools.send("Fetch.disable")
        self._emulate(offline=False, upload=-1)
        self._devtools.send("Network.disable")  # or each request of later pages is reported here

    def _stop(self, paused: dict[str, Any]) -> None:
        if self._is_cut:
            self._fail(paused["requestId"])
        else:
            self._held.append(paused["requestId"])

    def _fail(self, request_id: str) -> None:
        self._devtools.send(
            "Fetch.failRequest", {"requestId": request_id, "errorReason": "InternetDisconnected"}
        )

    def _emulate(self, *, offline: bool, upload: int) -> None:
        self._devtools.send("Network.enable")
        self._devtools.send(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload},
        )
