"""Files that the Web SDK sends in parts, and uploads whose last part is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import urllib3

from tests.browser.upload_page import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator

    from local.stack.stack import Stack
    from tests.browser.tab import Tab
    from tests.browser.upload_page import UploadPage

_PART = 8 * 1024 * 1024
"""Bytes of the SDK's parts, unless it is told otherwise."""
TWO_PARTS = _PART + 1
THREE_PARTS = 2 * _PART + 1


def parts_sent(stack: Stack) -> int:
    """Return how many parts of all files the simulator's storage has received."""
    counted = urllib3.request("GET", f"{stack.url}/local/simulator/counters", timeout=5).json()
    return int(counted.get("UploadPart", 0))


def hold_last_part(
    tab: Tab, stack: Stack, start: Callable[[], object], *, parts: int, of_cover: int = 0
) -> None:
    """Let `start` begin an upload; return once all `parts` of its media but the last are stored.

    The last one is held. `of_cover` is how many parts the cover has.
    """
    before = parts_sent(stack)
    tab.line.hold(f"*partNumber={parts}&*")
    start()
    wait_until(
        lambda: parts_sent(stack) - before == parts - 1 + of_cover,
        f"{parts - 1} parts",
        meanwhile=lambda: tab.page.wait_for_timeout(100),
    )


def send_but_last_part(page: UploadPage, file: Path, **choices: object) -> Locator:
    """Begin an upload on the page and hold its last part, once the others are stored; return its card."""
    parts = -(-file.stat().st_size // _PART)
    hold_last_part(
        page.tab,
        page.stack,
        lambda: page.upload(file, **choices),
        parts=parts,
        of_cover=int("cover" in choices),
    )
    return page.card(file.name)
