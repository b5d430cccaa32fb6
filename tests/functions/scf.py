"""An HTTP request as either event dialect of SCF, and the function's result as an answer.

The keys around the request are those of the samples in `tests/samples/scf`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Dialect = Literal["function-url", "api-gateway"]

SAMPLES = Path(__file__).parents[1] / "samples" / "scf"
CLIENT_ADDRESS = "203.0.113.7"
REQUEST_ID = "5f0c3f1e-8a51-4a55-9c0c-0b8f3b1f7a10"


@dataclass(frozen=True)
class Answer:
    """What the platform would send back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:  # noqa: ANN401  # the tests say what it is
        """The body, parsed as JSON."""
        return json.loads(self.body)

    @property
    def pointers(self) -> list[str]:
        """The members that a problem document complains about."""
        return [fault["pointer"] for fault in self.json["errors"]]


def sample(name: str) -> dict[str, Any]:
    """Read one recorded event."""
    event: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return event


def event_of(  # noqa: PLR0913  # a request has that many parts
    method: str,
    path: str,
    *,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    dialect: Dialect = "function-url",
) -> dict[str, Any]:
    """Encode a request as the platform does."""
    request = {"httpMethod": method, "path": path, "queryString": dict(query or {}), "body": body}
    headers = headers or {}
    if dialect == "function-url":
        lower = {name.lower(): value for name, value in headers.items()}
        return {
            **sample("function_url_post"),
            **request,
            "headers": {**lower, "x-scf-remote-addr": CLIENT_ADDRESS},
        }
    canonical = {name.title(): value for name, value in headers.items()}
    return {**sample("api_gateway_post"), **request, "headers": canonical, "isBase64Encoded": False}


def read_answer(result: Mapping[str, Any]) -> Answer:
    """Parse a function's result, and assert what holds for every answer (doc 583/96099)."""
    assert result.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert result["isBase64Encoded"] is False
    assert type(result["statusCode"]) is int
    assert isinstance(result["body"], str)
    assert all(
        isinstance(text, str) and text.isprintable() for pair in result["headers"].items() for text in pair
    )
    result["body"].encode()

    answer = Answer(
        result["statusCode"],
        {name.lower(): value for name, value in result["headers"].items()},
        result["body"],
    )
    assert len(answer.headers) == len(result["headers"])
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    assert "Traceback" not in answer.body
    if answer.status >= 400:
        _insist_on_a_problem_document(answer)
    return answer


def _insist_on_a_problem_document(answer: Answer) -> None:
    document = answer.json
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "requestId"} <= document.keys()
    assert document.keys() <= {"type", "title", "status", "detail", "requestId", "errors"}
    assert document.get("errors") != []
    assert document["status"] == answer.status
    assert document["requestId"] == answer.headers["x-request-id"]
    assert document["type"].startswith("urn:vod-upload-functions:problem:")
