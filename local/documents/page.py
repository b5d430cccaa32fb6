"""Render README and `docs/*.md` as one page of plain HTML, without a script or a resource of another host."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from starlette.responses import HTMLResponse, Response

from local.html_page import html_page
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token
    from starlette.requests import Request

STYLE_FILE = Path(__file__).with_name("page.css")
FIRST = (
    *("README.md", "docs/your-app.md", "docs/clients.md", "docs/http-api.md", "docs/events.md"),
    "docs/deployment.md",
)
"""What a reader begins with; the others follow by name."""
_SCHEME = re.compile(r"^[a-z]+:", re.IGNORECASE)


def document_files() -> list[Path]:
    """Return README and `docs/*.md`, in the order of the page."""
    others = sorted((REPOSITORY / "docs").glob("*.md"))
    first = [REPOSITORY / name for name in FIRST]
    return [*first, *(path for path in others if path not in first)]


def heading_anchor(text: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def documents_page(files: Sequence[Path]) -> str:
    """Return the page as HTML: each document is a section whose id is its name without `.md`, in lower case.

    A link to a document of the page leads to its section or heading; one to another file of the repository
    is shown as plain text, because the stack serves no source files.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    sections, contents = [], []
    for path in files:
        tokens = markdown.parse(path.read_text("utf-8"))
        _set_anchors(tokens, path)
        _let_the_keyboard_scroll(tokens)
        _rewrite_links(tokens, path, files)
        name = _name(path)
        inside = markdown.renderer.render(tokens, markdown.options, {})
        sections.append(f'<section class="card document" id="{name}">{inside}</section>')
        contents.append(f'<li><a href="#{name}">{escape(_title(tokens))}</a></li>')
    return html_page(
        title="vod-upload-functions: documents",
        style_file=STYLE_FILE,
        skip=("documents", "Skip to the documents"),
        body=f"""<main>
      <nav class="card contents" aria-label="Documents"><ul>{"".join(contents)}</ul></nav>
      <div class="right" id="documents">{"".join(sections)}</div>
    </main>""",
    )


async def documents_endpoint(_request: Request) -> Response:
    """Serve the page, made anew of the files as they are."""
    return HTMLResponse(documents_page(document_files()), headers={"Cache-Control": "no-cache"})


def _name(path: Path) -> str:
    return path.stem.lower()


def _title(tokens: Sequence[Token]) -> str:
    return next(after.content for token, after in pairwise(tokens) if token.type == "heading_open")


def _set_anchors(tokens: Sequence[Token], path: Path) -> None:
    for token, after in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", f"{_name(path)}-{heading_anchor(after.content)}")


def _let_the_keyboard_scroll(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.type in {"fence", "table_open"}:
            token.attrSet("tabindex", "0")


def _rewrite_links(tokens: Sequence[Token], path: Path, files: Sequence[Path]) -> None:
    for token in tokens:
        children = token.children or []
        if token.type == "inline":
            for place, child in enumerate(children):
                if child.type == "image":
                    children[place] = _without_image(child)
                elif child.type == "link_open":
                    _rewrite_link(child, path, files)


def _rewrite_link(link: Token, path: Path, files: Sequence[Path]) -> None:
    address = str(link.attrGet("href"))
    if _SCHEME.match(address):
        return
    target, _, anchor = address.partition("#")
    document = (path.parent / target).resolve() if target else path
    if document in files:
        link.attrSet("href", f"#{_name(document)}" + (f"-{anchor}" if anchor else ""))
    else:
        del link.attrs["href"]
        link.attrSet("title", address)


def _without_image(image: Token) -> Token:
    """Return the description of an image as text; the plots stand in the files beside the documents."""
    text = image.copy()
    text.type, text.tag, text.content = "text", "", f"[{image.content}]"
    return text
