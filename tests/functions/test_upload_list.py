"""GET /uploads: a user's own uploads in pages, and what is left of his limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from functions import upload_status
from shared.runtime.upload_list import PAGE_UPLOADS
from tests.functions.deployment import user_token
from tests.functions.scf import REQUEST_ID, event_of, read_answer
from tests.functions.vod import announce_upload, begin_upload

if TYPE_CHECKING:
    from tests.functions.conftest import Deploy, ReadStatus, Sign
    from tests.functions.scf import Answer


class ListUploads(Protocol):
    """Requests a user's uploads, with parameters of the query."""

    def __call__(self, *, user: str = "alice", method: str = "GET", **query: str) -> Answer:
        """Send the request."""


@pytest.fixture
def list_uploads(deploy: Deploy) -> ListUploads:
    """Request a user's uploads."""
    assert deploy is not None

    def list_uploads(*, user: str = "alice", method: str = "GET", **query: str) -> Answer:
        headers = {"authorization": f"Bearer {user_token(user)}"}
        event = event_of(method, "/release/uploads", query=query, headers=headers)
        return read_answer(upload_status.main_handler(event, {"request_id": REQUEST_ID}))

    return list_uploads


def ids_in(answer: Answer) -> list[str]:
    """Return the ids of the uploads in an answer."""
    return [upload["uploadId"] for upload in answer.json["uploads"]]


def test_pages_have_each_upload_once_the_newest_first(
    list_uploads: ListUploads, read_status: ReadStatus
) -> None:
    """Whoever follows `next` to its end has seen all, each as GET /uploads/{uploadId} gives it."""
    begun = [begin_upload(seconds_ago=1000 - 10 * number).upload_id for number in range(2 * PAGE_UPLOADS + 5)]

    pages = [list_uploads()]
    while pages[-1].json["next"] is not None:
        pages.append(list_uploads(after=pages[-1].json["next"]))

    assert [upload_id for page in pages for upload_id in ids_in(page)] == begun[::-1]
    assert [len(ids_in(page)) for page in pages] == [PAGE_UPLOADS, PAGE_UPLOADS, 5]
    assert pages[0].json["uploads"][0] == read_status(begun[-1]).json


def test_last_page_that_is_full_has_no_next(list_uploads: ListUploads) -> None:
    """No client asks for a page that is always empty; without any upload there is one page."""
    assert (ids_in(list_uploads()), list_uploads().json["next"]) == ([], None)
    for number in range(PAGE_UPLOADS):
        begin_upload(seconds_ago=number)

    assert list_uploads().json["next"] is None


def test_state_leaves_out_the_others(list_uploads: ListUploads, read_status: ReadStatus) -> None:
    """Of the uploads of a page, those in the state that is asked for; `next` leads on all the same."""
    for _ in range(PAGE_UPLOADS):
        begin_upload(seconds_ago=200)
    finished, cancelled, issued = (begin_upload(seconds_ago=100 - number) for number in range(3))
    announce_upload(finished.signature)
    read_status(cancelled.upload_id, method="DELETE")

    pages = {state: list_uploads(state=state) for state in ("uploaded", "cancelled", "issued", "ready")}

    assert ids_in(pages["uploaded"]) == [finished.upload_id]
    assert ids_in(pages["cancelled"]) == [cancelled.upload_id]
    assert ids_in(pages["issued"])[0] == issued.upload_id
    assert len(ids_in(pages["issued"])) == PAGE_UPLOADS - 2
    assert ids_in(pages["ready"]) == []
    assert {page.json["next"] for page in pages.values()} == {ids_in(pages["issued"])[-1]}


def test_nobody_sees_the_uploads_of_others(list_uploads: ListUploads, sign: Sign) -> None:
    """Neither in his own list nor by the id of one of theirs."""
    bobs = sign({}, user="bob").json["uploadId"]
    own = sign({}, user="alice").json["uploadId"]

    assert ids_in(list_uploads()) == [own]
    assert ids_in(list_uploads(after=bobs)) == []
    assert ids_in(list_uploads(user="bob")) == [bobs]


def test_only_the_newest_are_listed(
    list_uploads: ListUploads, deploy: Deploy, read_status: ReadStatus
) -> None:
    """Another one takes the place of the oldest, which is still found by its id."""
    deploy(LISTED_UPLOADS="2")
    begun = [begin_upload(seconds_ago=30 - number).upload_id for number in range(3)]

    assert ids_in(list_uploads()) == begun[:0:-1]
    assert ids_in(list_uploads(after=begun[0])) == []
    assert read_status(begun[0]).status == 200


def test_what_is_left_is_what_the_next_signature_is_told(
    list_uploads: ListUploads, deploy: Deploy, sign: Sign, read_status: ReadStatus
) -> None:
    """All of the user's limits that are set, before another upload; what is cancelled counts for a time."""
    deploy(NEW_UPLOADS_PER_MINUTE="9", NEW_UPLOADS_PER_DAY="50", NEW_BYTES_PER_DAY="1000", OPEN_UPLOADS="8")
    fresh = limits_in(list_uploads())
    upload_id = sign({"fileSize": 300}).json["uploadId"]
    used = limits_in(list_uploads())
    read_status(upload_id, method="DELETE")

    assert {name: limit["remaining"] for name, limit in fresh.items()} == {
        "user": 9,
        "day": 50,
        "bytes": 1000,
        "open": 8,
    }
    assert {name: limit["remaining"] for name, limit in used.items()} == {
        "user": 8,
        "day": 49,
        "bytes": 700,
        "open": 7,
    }
    assert [used[name]["quota"] for name in ("user", "day", "bytes", "open")] == [9, 50, 1000, 8]
    assert [used[name]["windowSeconds"] for name in ("user", "day", "open")] == [60, 86400, None]
    assert (fresh["user"]["resetSeconds"], fresh["open"]["resetSeconds"]) == (0, 0)
    assert 0 < used["user"]["resetSeconds"] <= 7
    assert 590 <= used["open"]["resetSeconds"] <= 600
    assert limits_in(list_uploads())["day"]["remaining"] == 49
    told = sign({"fileSize": 300}).headers["ratelimit"]
    assert re.findall(r'"(\w+)";r=(\d+)', told) == [("user", "7"), ("day", "48"), ("bytes", "400")]


def limits_in(answer: Answer) -> dict[str, dict[str, Any]]:
    """Return the limits of an answer by their names."""
    return {limit["name"]: limit for limit in answer.json["limits"]}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"state": "begun"}, "state must be one of issued, uploaded,"),
        ({"state": ""}, "state must be one of"),
        ({"after": ""}, "after must be the `next`"),
        ({"after": "0"}, "after must be the `next`"),
        ({"limit": "5"}, "no 'limit'"),
    ],
    ids=str,
)
def test_parameter_that_cannot_be_meant_is_refused(
    list_uploads: ListUploads, query: dict[str, str], told: str
) -> None:
    """An unknown state is no empty list, and an unknown parameter is not dropped."""
    answer = list_uploads(**query)

    assert answer.status == 422
    assert told in answer.json["detail"]


def test_without_lists_or_users_there_is_none(list_uploads: ListUploads, deploy: Deploy) -> None:
    """With LISTED_UPLOADS=0 nothing is kept; behind one address, anonymous users are one user."""
    deploy(LISTED_UPLOADS="0")
    begin_upload(seconds_ago=10)
    assert list_uploads().status == 404
    deploy()
    assert ids_in(list_uploads()) == []

    deploy(JWT_SECRETS="", AUTH_MODE="anonymous", ANONYMOUS_KEY="canary-of-the-anonymous-callers-key")
    assert list_uploads().status == 403


def test_list_is_only_read(list_uploads: ListUploads) -> None:
    """There is one method."""
    answer = list_uploads(method="DELETE")

    assert (answer.status, answer.headers["allow"]) == (405, "GET, OPTIONS")


def test_limit_on_open_uploads_is_told_where_there_is_one(
    list_uploads: ListUploads, deploy: Deploy, sign: Sign
) -> None:
    """Nothing remains of it when as many uploads are under way."""
    deploy(OPEN_UPLOADS="0")
    assert "open" not in limits_in(list_uploads())

    deploy(OPEN_UPLOADS="1")
    sign({})
    assert limits_in(list_uploads())["open"]["remaining"] == 0
