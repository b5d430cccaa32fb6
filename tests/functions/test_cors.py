"""Which web pages may call: those of the listed origins, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions import upload_signature, upload_status
from tests.functions.deployment import ORIGIN

if TYPE_CHECKING:
    from tests.functions.conftest import Call, Deploy, Sign

SECOND = "https://second.example.test"
PREFLIGHT_VARY = "Origin, Access-Control-Request-Headers"
DEFAULT_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match"
UNLISTED = ["", "null", "*", ORIGIN.upper(), ORIGIN + "/", ORIGIN + ":443", ORIGIN + ".evil.test"]
UNLISTED += [ORIGIN.replace("https", "http"), f"{ORIGIN}, https://evil.test"]


@pytest.mark.parametrize("origin", [ORIGIN, SECOND])
def test_listed_origin_may_read_the_answer(call: Call, sign: Sign, origin: str) -> None:
    """Answers, refusals and preflights, which carry no token, name the origin itself, never `*`."""
    answers = [sign({}, origin=origin), sign({"x": 1}, origin=origin), sign({}, user=None, origin=origin)]
    preflight = call(
        upload_status.main_handler, "OPTIONS", "/uploads/x", user=None, headers={"origin": origin}
    )

    for answer in (*answers, preflight):
        assert answer.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in answer.headers
    assert {answer.headers["vary"] for answer in answers} == {"Origin"}
    assert preflight.headers["vary"] == PREFLIGHT_VARY
    exposed = answers[0].headers["access-control-expose-headers"].lower().split(", ")
    assert {"upload-id", "etag", "retry-after", "x-request-id"} <= set(exposed)
    assert (preflight.status, preflight.body) == (204, "")
    assert preflight.headers["access-control-allow-methods"] == "GET, DELETE"
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        *(
            (names, names)
            for names in (
                "authorization,content-type,x-requested-with",
                "authorization,baggage,content-type,sentry-trace",
                "authorization, content-type, traceparent",
                "x" * 1024,
            )
        ),
        *((names, DEFAULT_HEADERS) for names in ("", "a,,b", "a b", "a\r\nset-cookie: b", "é", "x" * 1025)),
    ],
)
def test_listed_origin_may_send_any_header(call: Call, wanted: str, allowed: str) -> None:
    """The list that a preflight asks for is allowed as it is; what is no such list is never repeated."""
    asked = {"origin": ORIGIN, "access-control-request-headers": wanted}
    preflight = call(upload_signature.main_handler, "OPTIONS", "/signature", user=None, headers=asked)

    assert preflight.headers["access-control-allow-headers"] == allowed


def test_credentials_are_allowed_to_listed_origins_if_a_setting_says_so(
    call: Call, sign: Sign, deploy: Deploy
) -> None:
    """A client that sends them with every request can be used, though no cookie is ever read."""
    deploy(CORS_CREDENTIALS="on")
    asked = {"origin": ORIGIN}
    preflight = call(upload_status.main_handler, "OPTIONS", "/uploads", user=None, headers=asked)

    for answer in (sign({}, origin=ORIGIN), preflight):
        assert answer.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-credentials" not in sign({}, origin="https://evil.test").headers


@pytest.mark.parametrize("origin", UNLISTED)
def test_other_origins_may_not(call: Call, sign: Sign, origin: str) -> None:
    """For an origin that is not listed exactly no answer names one, a preflight only the methods (S20)."""
    answer = sign({}, origin=origin)
    preflight = call(
        upload_signature.main_handler, "OPTIONS", "/signature", user=None, headers={"origin": origin}
    )

    assert (preflight.status, preflight.headers["allow"]) == (204, "POST, OPTIONS")
    assert (answer.headers["vary"], preflight.headers["vary"]) == ("Origin", PREFLIGHT_VARY)
    assert not [name for name in (*answer.headers, *preflight.headers) if name.startswith("access-control-")]


def test_without_a_list_no_page_may_call(sign: Sign, deploy: Deploy) -> None:
    """A deployment for mobile apps needs no CORS, and says nothing of it."""
    deploy(CORS_ORIGINS="")

    assert not {"vary", "access-control-allow-origin"} & sign({}, origin=ORIGIN).headers.keys()
