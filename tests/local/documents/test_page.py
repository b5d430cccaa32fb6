"""The documents as one page of the local stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from local.documents.page import document_files, documents_page, heading_anchor
from local.repository import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.stack import Stack


@pytest.fixture(scope="module")
def page() -> str:
    """Render the page of this repository."""
    return documents_page(document_files())


def test_every_document_is_a_section_and_in_the_contents(page: str) -> None:
    """README comes first; each page of `docs/` follows once."""
    names = ["readme", *(path.stem for path in (REPOSITORY / "docs").glob("*.md"))]
    sections = re.findall(r'<section class="card document" id="([^"]+)"', page)

    assert sections[0] == "readme"
    assert sorted(sections) == sorted(names)
    assert re.findall(r'<li><a href="#([^"]+)">', page)[: len(sections)] == sections


def test_every_link_within_the_page_finds_its_place(page: str) -> None:
    """Links between documents lead to the heading that they name; the ids are unique."""
    ids = re.findall(r' id="([^"]+)"', page)

    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) - set(ids) == set()


def test_page_needs_nothing_from_elsewhere(page: str) -> None:
    """No script, no picture and no style of another host; a file that is not served is no link."""
    assert re.findall(r"<script|<img(?! src=\"/icon)|<iframe", page) == []
    assert set(re.findall(r'href="([^#"][^"]*)"', page)) <= {"/icon.svg", "/page.css"} | set(
        re.findall(r'href="(https?://[^"]+)"', page)
    )


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("When something fails", "when-something-fails"),
        ("The endpoint is disabled (410)", "the-endpoint-is-disabled-410"),
        ("`make test`", "make-test"),
    ],
)
def test_heading_has_the_anchor_of_github(heading: str, anchor: str) -> None:
    """So a link works in both places."""
    assert heading_anchor(heading) == anchor


def test_markup_of_a_document_stays_text(tmp_path: Path) -> None:
    """HTML in a document is shown, not interpreted."""
    document = tmp_path / "hostile.md"
    document.write_text("# A title\n\n<script>alert(1)</script>\n", "utf-8")

    assert "<script>" not in documents_page([document])


def test_stack_serves_the_page(stack: Stack, page: str) -> None:
    """The page is made of the files as they are, so a reload shows a change."""
    answer = requests.get(f"{stack.url}/local/docs", timeout=10)

    assert answer.text == page
    assert answer.headers["Cache-Control"] == "no-cache"
