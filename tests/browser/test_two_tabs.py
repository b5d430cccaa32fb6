"""Two tabs of one browser share what it keeps; an upload is its own user's all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.parts import TWO_PARTS, parts_sent, send_but_last_part
from tests.browser.upload_page import digest_at, digest_of_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator

    from tests.browser.upload_page import UploadPage

    OpenPage = Callable[..., UploadPage]
    MakeFile = Callable[[str, int], Path]


@pytest.fixture
def files(make_file: MakeFile) -> tuple[Path, Path]:
    """Create two files that differ in their bytes alone, not in name and size."""
    return make_file("alice/film.mp4", TWO_PARTS), make_file("bob/film.mp4", TWO_PARTS)


def _assert_is(page: UploadPage, card: Locator, file: Path, user: str) -> None:
    """Check that the app heard once of this card's upload, with this owner and these bytes."""
    page.wait_for(card, "uploaded")
    (event,) = page.events(page.upload_id(card), "upload.completed")
    assert user == event["data"]["uploader"]
    assert digest_of_file(file) == digest_at(event["data"]["mediaUrl"])


def test_two_users_begin_one_file_at_once(open_page: OpenPage, files: tuple[Path, Path]) -> None:
    """Two tabs send files of one name and size at the same time: two uploads, each with its own owner."""
    first = open_page()
    second = open_page()
    for page, file, user in ((first, files[0], "alice"), (second, files[1], "bob")):
        page.fill_in(file, user=user)
    for page in (first, second):
        page.page.evaluate("() => void document.getElementById('start').click()")
    _assert_is(first, first.card("film.mp4"), files[0], "alice")
    _assert_is(second, second.card("film.mp4"), files[1], "bob")
    assert first.upload_id(first.card("film.mp4")) != second.upload_id(second.card("film.mp4"))


def test_a_second_user_begins_while_the_first_is_half_way(
    open_page: OpenPage, files: tuple[Path, Path]
) -> None:
    """What the first tab has sent is no part of the second one's upload, and is not lost by it."""
    first = open_page()
    second = open_page()
    alices = send_but_last_part(first, files[0], user="alice")
    bobs = second.upload(files[1], user="bob")
    _assert_is(second, bobs, files[1], "bob")
    first.line.restore()
    _assert_is(first, alices, files[0], "alice")


def test_a_second_user_begins_while_the_first_is_interrupted(
    open_page: OpenPage, files: tuple[Path, Path]
) -> None:
    """After a reload each goes on with what is its own, and sends only what is missing."""
    first = open_page()
    before = parts_sent(first.stack)
    alices = send_but_last_part(first, files[0], user="alice")
    upload_id = first.upload_id(alices)
    first.open()
    first.wait_for(alices, "interrupted")
    second = open_page()
    second.fill_in(files[1], user="bob")
    second.start()
    bobs = second.page.locator("[data-stage]:not([data-stage=interrupted]) article")
    _assert_is(second, bobs, files[1], "bob")
    first.line.restore()
    alices.get_by_label("Choose the same file").set_input_files(files[0])
    _assert_is(first, alices, files[0], "alice")
    assert upload_id == first.upload_id(alices)
    assert parts_sent(first.stack) - before == 4


def test_an_outage_leaves_the_other_users_upload_alone(open_page: OpenPage, files: tuple[Path, Path]) -> None:
    """One tab loses its connection half-way, the other begins the same file: both end as their own."""
    first = open_page()
    second = open_page()
    first.expect_complaints("ERR_INTERNET_DISCONNECTED", "Network Error")
    alices = send_but_last_part(first, files[0], user="alice")
    bobs = send_but_last_part(second, files[1], user="bob")
    first.line.cut()
    first.wait_for(alices, "stopped")
    second.line.restore()
    _assert_is(second, bobs, files[1], "bob")
    first.line.restore()
    _assert_is(first, alices, files[0], "alice")


def test_one_page_can_send_one_file_twice(open_page: OpenPage, files: tuple[Path, Path]) -> None:
    """Two uploads of one name and size in one list do not mix either."""
    page = open_page()
    page.upload(files[0], user="alice")
    page.upload(files[1], user="bob")
    cards = page.card("film.mp4")
    expect(cards).to_have_count(2)
    _assert_is(page, cards.nth(1), files[0], "alice")
    _assert_is(page, cards.nth(0), files[1], "bob")
