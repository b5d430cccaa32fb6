"""The page of the API: the whole document, readable without a script or another host."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
import requests

from local.openapi import DOCUMENT_FILE
from local.openapi.page import api_page
from local.openapi.page_members import member_list, prose
from tests.openapi.schemas import document, operations

if TYPE_CHECKING:
    from local.stack.stack import Stack

VOID = {"meta", "link", "img"}


class Outline(HTMLParser):
    """The structure of the page: its tags in order, ids, links and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a tag and its links."""
        named = dict(attrs)
        self.tags.add(tag)
        self.ids += [str(named["id"])] if "id" in named else []
        self.links += [str(named[name]) for name in ("href", "src") if name in named]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Compare an end tag with the open ones."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.words += data


@pytest.fixture(scope="module")
def outline() -> Outline:
    """Parse the page of the committed document."""
    return Outline(api_page(document()))


def test_page_is_well_formed(outline: Outline) -> None:
    """Every element is closed where it should be, and no id comes twice."""
    assert (outline.faults, outline.open) == ([], [])
    assert len(outline.ids) == len(set(outline.ids))


def test_page_needs_nobody_else_and_no_script(outline: Outline) -> None:
    """Every address is one of this machine, and every link within the page leads somewhere."""
    inside = {link.removeprefix("#") for link in outline.links if link.startswith("#")}

    assert [link for link in outline.links if not re.match(r"#|/[a-z]", link)] == []
    assert inside <= set(outline.ids)
    assert "script" not in outline.tags
    assert re.findall(r"url\(|@import", api_page(document())) == []


def test_page_shows_every_operation_and_event(outline: Outline) -> None:
    """Each has a section of its own, with every status it answers and every member it takes."""
    hooks = {hook["post"]["operationId"] for hook in document()["webhooks"].values()}
    schemas = document()["components"]["schemas"]
    members = {name for each in schemas.values() for name in each.get("properties", {})}

    assert operations().keys() | hooks <= set(outline.ids)
    assert [name for name in members if name not in outline.words] == []
    for operation in operations().values():
        assert [status for status in operation["responses"] if status not in outline.words] == []


def test_what_the_document_says_is_text_and_no_markup() -> None:
    """A description cannot put an element onto the page; backticks make code of it, and nothing else."""
    hostile = '<img src="x" onerror="x">'
    page = api_page({**document(), "info": {**document()["info"], "title": hostile, "description": hostile}})

    assert prose("a `<b>` & c") == "a <code>&lt;b&gt;</code> &amp; c"
    assert hostile not in page
    assert hostile not in member_list(
        {}, {"properties": {hostile: {"type": hostile, "description": hostile}}}
    )


def test_stack_serves_the_document_and_its_page(stack: Stack) -> None:
    """The document byte for byte, and beside it the page."""
    served = requests.get(f"{stack.url}/local/openapi.json", timeout=10)
    page = requests.get(f"{stack.url}/local/api", timeout=10)

    assert (served.status_code, served.headers["content-type"]) == (200, "application/json")
    assert served.content == DOCUMENT_FILE.read_bytes()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text == api_page(served.json())
