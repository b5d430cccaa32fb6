"""Finished media by their URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from tests.local.simulator.account import Account

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def url(account: Account) -> str:
    """Upload a file and return its URL."""
    return str(account.upload(CONTENT)["data"]["video"]["url"])


@pytest.mark.parametrize(
    ("asked", "status", "shown"),
    [
        ("bytes=0-9", 206, (0, 10)),
        ("bytes=1000-", 206, (1000, 1024)),
        ("bytes=-24", 206, (1000, 1024)),
        ("bytes=1000-9999", 206, (1000, 1024)),
    ],
)
def test_player_can_ask_for_a_range(url: str, asked: str, status: int, shown: tuple[int, int]) -> None:
    """Seeking in a video needs partial answers."""
    answer = requests.get(url, headers={"Range": asked}, timeout=10)
    first, end = shown

    assert answer.status_code == status
    assert answer.content == CONTENT[first:end]
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/1024"


def test_range_beyond_the_end_is_refused(url: str) -> None:
    """The answer says how long the media is."""
    answer = requests.get(url, headers={"Range": "bytes=1024-"}, timeout=10)

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */1024"


def test_whole_media_has_its_type_and_is_open_to_other_pages(url: str) -> None:
    """GET and HEAD agree; a page of another origin may read it."""
    whole = requests.get(url, headers={"Origin": "https://app.test"}, timeout=10)
    head = requests.head(url, timeout=10)

    assert whole.content == CONTENT
    assert whole.headers["Content-Type"] == head.headers["Content-Type"] == "video/mp4"
    assert head.headers["Content-Length"] == "1024"
    assert head.headers["Accept-Ranges"] == "bytes"
    assert head.content == b""
    assert whole.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("extension", ["html", "svg", "js", "unheardof"])
def test_nothing_is_served_as_a_page(account: Account, extension: str) -> None:
    """An upload shares its origin with the local page, so it must never run there."""
    applied = account.apply(5, videoType=extension)
    account.storage(applied).put_object(applied.bucket, b"<b>x<", applied.key, ContentType="text/html")
    reply = account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
    answer = requests.get(reply["data"]["video"]["url"], timeout=10)

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["", "x", "../simulator.sqlite3", "%2e%2e/simulator.sqlite3", "a%00b", "%ff"]
)
def test_other_paths_are_not_found(account: Account, path: str) -> None:
    """Only what was committed exists; the folder cannot be browsed."""
    assert account.request("GET", "x", f"/local/media/{path}").status_code == 404


def test_only_reading_is_possible(url: str) -> None:
    """Media cannot be changed through their addresses."""
    assert requests.put(url, data=b"x", timeout=10).status_code == 405
