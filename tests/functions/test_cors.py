"""Which web pages may call: those of the listed origins, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions import upload_signature, upload_status
from tests.functions.deployment import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functions.conftest import Call, Deploy, Sign

    Handler = Callable[[object, object], dict[str, object]]

UNLISTED = [
    "",
    "null",
    "*",
    ORIGIN.upper(),
    ORIGIN + "/",
    ORIGIN + ":443",
    ORIGIN + ".evil.test",
    ORIGIN.replace("https", "http"),
    f"{ORIGIN}, https://evil.test",
]


@pytest.mark.parametrize("origin", [ORIGIN, "https://second.example.test"])
def test_listed_origin_may_read_the_answer(sign: Sign, origin: str) -> None:
    """The origin itself is named, never `*`, and caches are told that it matters."""
    answer = sign({}, origin=origin)

    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"upload-id", "etag", "retry-after", "x-request-id"} <= set(exposed)


@pytest.mark.parametrize("origin", UNLISTED)
def test_other_origins_may_not(sign: Sign, origin: str) -> None:
    """Without a match, letter by letter, the browser keeps the answer from the page."""
    answer = sign({}, origin=origin)

    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


def test_page_can_read_refusals_too(sign: Sign) -> None:
    """A page that gets a 401 or 422 must be able to tell its user why."""
    assert sign({"x": 1}, origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN
    assert sign({}, user=None, origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    ("handler", "methods"),
    [(upload_signature.main_handler, "POST"), (upload_status.main_handler, "GET, DELETE")],
)
def test_preflight_of_a_listed_origin_is_answered(call: Call, handler: Handler, methods: str) -> None:
    """A browser asks before it sends a token; it has none to show yet."""
    answer = call(handler, "OPTIONS", "/anything", user=None, headers={"origin": ORIGIN})

    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == methods
    assert {"authorization", "content-type"} <= set(
        answer.headers["access-control-allow-headers"].lower().split(", ")
    )


@pytest.mark.parametrize("origin", UNLISTED)
def test_preflight_of_another_origin_allows_nothing(call: Call, origin: str) -> None:
    """It is an OPTIONS request like any other, and names the methods there are."""
    answer = call(
        upload_signature.main_handler, "OPTIONS", "/signature", user=None, headers={"origin": origin}
    )

    assert (answer.status, answer.headers["allow"]) == (204, "POST, OPTIONS")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_without_a_list_no_page_may_call(sign: Sign, deploy: Deploy) -> None:
    """A deployment for mobile apps needs no CORS, and says nothing of it."""
    deploy(CORS_ORIGINS="")

    answer = sign({}, origin=ORIGIN)

    assert not {"vary", "access-control-allow-origin"} & answer.headers.keys()
