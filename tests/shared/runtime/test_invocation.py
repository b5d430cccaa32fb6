from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import ConflictError, ServiceError, StoreUnavailableError
from shared.http.response import Response
from shared.runtime.invocation import (
    DEFAULT_TIME_LIMIT_SECONDS,
    answer_http,
    deadline_of,
    request_id_of,
    run_timer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.http.request import Request

CONTEXT = {"request_id": "r-1"}


def failing(error: Exception) -> Callable[[object], Any]:
    """Return work that fails."""

    def work(_: object) -> object:
        raise error

    return work


def answered(event: object, respond: Callable[[Request], Response]) -> dict[str, Any]:
    """Answer an event of a function that knows POST."""
    return answer_http(event, CONTEXT, methods=("POST",), respond=respond)


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the log lines."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class TestHttp:
    """An HTTP event becomes an answer, whatever happens."""

    def test_function_responds_to_its_methods_only(self) -> None:
        """Others, and events that are none, never reach it."""
        seen: list[Request] = []

        def respond(request: Request) -> Response:
            seen.append(request)
            return Response(200, body="done")

        statuses = [
            answered(event, respond)["statusCode"]
            for event in ({"httpMethod": "post"}, {"httpMethod": "GET"}, {"httpMethod": "OPTIONS"}, {}, None)
        ]

        assert statuses == [200, 405, 204, 400, 400]
        assert [request.request_id for request in seen] == ["r-1"]

    @pytest.mark.parametrize(
        ("error", "level"), [(ConflictError("Too late."), "info"), (StoreUnavailableError("Gone."), "error")]
    )
    def test_refusal_is_logged_and_told(
        self, error: ServiceError, level: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Its sentence is made for callers; an alarm tells an outage from what callers do wrong."""
        result = answered({"httpMethod": "POST"}, failing(error))

        assert (result["statusCode"], json.loads(result["body"])["detail"]) == (error.status, error.detail)
        (line,) = logged(capsys)
        told = {"level": level, "event": "request.refused", "status": error.status, "detail": error.detail}
        assert line.items() >= told.items()

    @pytest.mark.parametrize(
        "error", [ValueError("canary"), RecursionError("canary"), KeyError("canary"), OSError(5, "canary")]
    )
    def test_defect_leaves_its_place_in_the_log_and_nothing_else(
        self, error: Exception, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The message of an unexpected error may quote anything, so nobody sees it."""
        result = answered({"httpMethod": "POST"}, failing(error))

        assert result["statusCode"] == 500
        (line,) = logged(capsys)
        assert (line["event"], line["trace"].split()[0]) == ("request.failed", type(error).__name__)
        assert line["trace"].split()[-1].startswith("work:")
        assert "canary" not in json.dumps([result, line])

    def test_origins_that_cannot_be_read_are_a_failure_too(self) -> None:
        """Even a preflight is answered then."""
        error = RuntimeError("canary")
        cors = partial(failing(error), None)

        result = answer_http(
            {"httpMethod": "OPTIONS"}, CONTEXT, methods=("POST",), respond=failing(error), cors=cors
        )

        assert result["statusCode"] == 500
        assert "canary" not in json.dumps(result)


class TestTimer:
    """A timer's work ends with figures, or with an error code."""

    def test_figures_are_logged_and_returned(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The platform logs what is returned, so it holds nothing else."""
        assert run_timer(CONTEXT, lambda request_id: {"of": request_id}) == {"of": "r-1"}
        (line,) = logged(capsys)
        assert (line["event"], line["figures_of"]) == ("timer.done", "r-1")

    @pytest.mark.parametrize(
        ("error", "code"),
        [(StoreUnavailableError("Gone."), "store-unavailable"), (KeyError("canary"), "internal-error")],
    )
    def test_failure_is_returned_and_not_raised(
        self, error: Exception, code: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The platform would run the same work again, which the next tick does anyway."""
        assert run_timer(CONTEXT, failing(error)) == {"error": code}
        (line,) = logged(capsys)
        assert line["level"] == "error"
        assert "canary" not in json.dumps(line)


@pytest.mark.parametrize(
    ("context", "seconds"),
    [
        ({"time_limit_in_ms": 60_000}, 58),
        ({"time_limit_in_ms": 3000}, 1.5),
        ({"time_limit_in_ms": 1000.0}, 0.5),
        *((other, DEFAULT_TIME_LIMIT_SECONDS - 2) for other in ({"time_limit_in_ms": "60000"}, {}, None)),
        ({"time_limit_in_ms": 0}, DEFAULT_TIME_LIMIT_SECONDS - 2),
    ],
)
def test_work_ends_before_the_platform_ends_it(context: object, seconds: float) -> None:
    """Two seconds before, or half way where there is not so much."""
    assert deadline_of(context, started=100) == 100 + seconds


def test_request_id_is_the_platforms() -> None:
    """From a dict, as it is documented, or from an object."""
    assert request_id_of({"request_id": "r-1"}) == "r-1"
    assert request_id_of(SimpleNamespace(request_id="r-2")) == "r-2"


@pytest.mark.parametrize(
    "context", [None, "r-1", {}, {"request_id": None}, {"request_id": ""}, {"request_id": 7}]
)
def test_request_id_is_made_where_there_is_none(context: object) -> None:
    """Each invocation without one gets its own request id; what a client sends is not asked (S22)."""
    assert len({request_id_of(context) for _ in range(3)}) == 3
