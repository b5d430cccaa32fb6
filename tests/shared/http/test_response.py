from __future__ import annotations

from shared.http.request import parse_request
from shared.http.response import Cors, Response, json_response, with_common_headers


def test_json_is_ascii() -> None:
    """So no step between the function and the client can damage it."""
    assert json_response(200, {"a": "é\ud800"}, Retry_After="2") == Response(
        200, {"Content-Type": "application/json", "Retry-After": "2"}, '{"a":"\\u00e9\\ud800"}'
    )


def test_own_headers_outweigh_the_common_ones() -> None:
    """An answer's own headers override the common ones."""
    answer = with_common_headers(
        Response(200, {"Cache-Control": "private"}),
        parse_request({"httpMethod": "POST"}, request_id="r-1"),
        cors=Cors(),
    )

    assert answer.headers == {
        "Cache-Control": "private",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": "r-1",
    }
