"""The frame of the pages that the local stack makes itself: head, palette and skip link."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def html_page(*, title: str, style_file: Path, skip: tuple[str, str], body: str) -> str:
    """Return a whole page; `skip` is the id of its main part and the words of the link to it.

    It needs no script and no resource of another host; `title` is escaped, `body` is HTML.
    """
    part, words = skip
    return f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{escape(title)}</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/page.css">
    <style>{style_file.read_text("utf-8")}</style>
  </head>
  <body>
    <a class="skip" href="#{part}">{words}</a>
    {body}
  </body>
</html>
"""
