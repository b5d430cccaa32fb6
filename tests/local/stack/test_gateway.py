"""Real HTTP in, real processes behind: the gateway against the documents (583/96099, 583/12513)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from starlette.requests import Request

from local.stack import instances as instances_module
from local.stack.gateway import Gateway
from local.stack.instances import Instances
from tests.local.stack.sample_gateway import sample_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.responses import Response

    from local.stack.gateway import Dialect

FUNCTION_URL_KEYS = {"httpMethod", "path", "queryString", "headers", "body"}


@pytest.fixture(scope="module", params=["function-url", "api-gateway"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Return each of the two event dialects."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the log file of the sample functions."""
    return tmp_path_factory.mktemp("gateway") / "functions.log"


@pytest.fixture(scope="module")
def url(dialect: Dialect, log_file: Path) -> Iterator[str]:
    """Serve the sample functions on a free port."""
    with sample_gateway(dialect, log_file) as address:
        yield address


def test_function_url_event_has_the_documented_keys_and_no_other(log_file: Path) -> None:
    """A function behind a function URL sees exactly the five members of doc 583/96099."""
    with sample_gateway("function-url", log_file) as address:
        event = requests.get(f"{address}/echo", timeout=30).json()["event"]

    assert set(event) == FUNCTION_URL_KEYS
    assert event["body"] == ""
    assert event["queryString"] == {}


def test_function_url_headers_are_lower_case_and_name_the_client(log_file: Path) -> None:
    """Header names arrive in lower case, with the platform's client address among them."""
    with sample_gateway("function-url", log_file) as address:
        answer = requests.get(f"{address}/echo", headers={"X-Mixed-Case": "1"}, timeout=30)
        headers = answer.json()["event"]["headers"]

    assert headers["x-mixed-case"] == "1"
    assert headers["x-scf-remote-addr"] == "127.0.0.1"
    assert [name for name in headers if name != name.lower()] == []


def test_client_cannot_forge_its_own_address(log_file: Path) -> None:
    """The platform's address header overwrites one that a client sends."""
    forged = {"X-Scf-Remote-Addr": "203.0.113.9"}
    with sample_gateway("function-url", log_file) as address:
        answer = requests.get(f"{address}/echo", headers=forged, timeout=30)

    assert answer.json()["event"]["headers"]["x-scf-remote-addr"] == "127.0.0.1"


def test_api_gateway_event_has_the_members_of_that_entry(log_file: Path) -> None:
    """A function behind the API gateway sees the members of doc 583/12513."""
    with sample_gateway("api-gateway", log_file) as address:
        answer = requests.post(f"{address}/echo?lang=en", data=b"hi", timeout=30).json()
    event = answer["event"]

    assert event["requestContext"]["requestId"] == answer["context"]["request_id"]
    assert event["requestContext"]["sourceIp"] == "127.0.0.1"
    assert event["queryString"] == {"lang": "en"}
    assert event["isBase64Encoded"] is False
    assert "Content-Length" in event["headers"]


def test_api_gateway_sends_binary_body_as_base64(log_file: Path) -> None:
    """Bytes that are no UTF-8 come through the API gateway unharmed."""
    with sample_gateway("api-gateway", log_file) as address:
        event = requests.post(f"{address}/echo", data=b"\xff\x00", timeout=30).json()["event"]

    assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)


def test_function_url_damages_binary_body_as_reported(log_file: Path) -> None:
    """Bytes that are no UTF-8 arrive as replacement characters, as the field reports say."""
    with sample_gateway("function-url", log_file) as address:
        event = requests.post(f"{address}/echo", data=b"a\xffb", timeout=30).json()["event"]

    assert event["body"] == "a\N{REPLACEMENT CHARACTER}b"


def test_prefix_of_the_route_is_invisible_to_the_function(url: str) -> None:
    """The callback's function sees the path it has when deployed, without the local prefix."""
    event = requests.post(f"{url}/prefix/to%20ken?T=1&T=2&e=", timeout=30).json()["event"]

    assert event["path"] == "/to%20ken"
    assert event["queryString"] == {"T": "2", "e": ""}
    assert event["httpMethod"] == "POST"


def test_context_has_the_documented_members(url: str) -> None:
    """The context is a plain dict with the fields of doc 583/9210."""
    context = requests.get(f"{url}/echo", timeout=30).json()["context"]

    assert context["function_name"] == "echo"
    assert context["time_limit_in_ms"] == 5_000
    assert context["memory_limit_in_mb"] == 256
    assert len(context["request_id"]) == 36


def test_environment_holds_the_settings_and_no_proxy(log_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function sees what it is configured with, and nothing that would lead it off this machine."""
    monkeypatch.setenv("HTTPS_PROXY", "http://203.0.113.9:3128")
    monkeypatch.setenv("TENCENTCLOUD_SECRETKEY", "of somebody else")
    with sample_gateway("function-url", log_file, environment={"STAGE": "test"}) as address:
        environment = requests.get(f"{address}/echo", timeout=30).json()["environment"]

    assert environment["STAGE"] == "test"
    assert {"HTTPS_PROXY", "TENCENTCLOUD_SECRETKEY"} & set(environment) == set()


def test_second_call_reuses_the_warm_instance(url: str) -> None:
    """Module globals survive from one call to the next, as in a warm instance."""
    first = requests.get(f"{url}/echo", timeout=30).json()
    second = requests.get(f"{url}/echo", timeout=30).json()

    assert second["instance"] == first["instance"]
    assert second["call"] == first["call"] + 1


def test_calls_at_the_same_time_get_an_instance_each(url: str, tmp_path: Path) -> None:
    """One instance works on one request at a time; three calls that wait for one another all end."""
    with ThreadPoolExecutor(3) as callers:
        answers = list(callers.map(lambda _: _scripted(url, {"meet": [str(tmp_path), 3]}), range(3)))

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_status_headers_and_body_of_a_response_are_passed_on(url: str) -> None:
    """A result with statusCode becomes that answer."""
    result = {
        "statusCode": 418,
        "headers": {"X-Kind": "tea"},
        "body": "th\N{LATIN SMALL LETTER E WITH ACUTE}",
    }
    answer = _scripted(url, {"return": result})

    assert (answer.status_code, answer.headers["X-Kind"]) == (418, "tea")
    assert answer.content == b"th\xc3\xa9"


@pytest.mark.parametrize("result", [{"ok": True}, [1, 2], "text", None, 7])
def test_result_without_status_code_is_sent_as_json(url: str, result: object) -> None:
    """Any other JSON result is answered as 200 application/json."""
    answer = _scripted(url, {"return": result})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == result


@pytest.mark.parametrize(
    "script",
    [
        {"return": {"statusCode": "200", "headers": {}, "body": ""}},
        {"return": {"statusCode": 200, "headers": {}, "body": {"not": "text"}}},
        {"return": {"statusCode": 200, "headers": {"X": 1}, "body": ""}},
        {"return": {"statusCode": 200, "headers": {}, "body": "%", "isBase64Encoded": True}},
        {"unserialisable": True},
        {"raise": "secret detail"},
        {"exit": True},
        {"big": 6 * 1024 * 1024 + 1},
    ],
)
def test_broken_function_is_answered_500_without_detail(url: str, script: dict[str, Any]) -> None:
    """Whatever way a function goes wrong, the caller hears 500 and no traceback."""
    answer = _scripted(url, script)

    assert answer.status_code == 500
    assert set(answer.json()) == {"errorCode", "errorMessage", "requestId", "statusCode"}
    assert "secret detail" not in answer.text


def test_exception_is_written_to_the_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback that the caller does not get is in the log."""
    _scripted(url, {"raise": "for the log"})

    assert "LookupError: for the log" in caplog.text


def test_output_of_a_function_goes_to_the_log_file(url: str, log_file: Path) -> None:
    """Prints reach the functions' log and do not disturb the answer."""
    requests.get(f"{url}/echo", timeout=30)

    assert "seen by the log only" in log_file.read_text()


def test_function_over_its_time_limit_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging function costs its instance; the caller hears of the time limit, and the next call works."""
    _scripted(url, {"return": {}})
    monkeypatch.setattr(instances_module, "TIME_LIMIT_SECONDS", {"scripted": 1})
    monkeypatch.setattr(instances_module, "_COLD_START_SECONDS", 0)
    answer = _scripted(url, {"sleep": 30})
    monkeypatch.undo()

    assert (answer.status_code, answer.json()["statusCode"]) == (500, 433)
    assert _scripted(url, {"return": {}}).status_code == 200


def test_request_over_6_mb_never_reaches_the_function(url: str) -> None:
    """The platform's limit on a synchronous request holds here too."""
    fits = requests.post(f"{url}/echo", data=b"x" * (6 * 1024 * 1024), timeout=30)
    too_large = requests.post(f"{url}/echo", data=b"x" * (6 * 1024 * 1024 + 1), timeout=30)

    assert too_large.status_code == 413
    # The echo of 6 MB is itself over the limit of a response.
    assert (fits.status_code, fits.json()["statusCode"]) == (500, 407)


def _scripted(url: str, script: dict[str, Any]) -> requests.Response:
    return requests.post(f"{url}/scripted", json=script, timeout=60)


def test_call_that_ends_with_the_stack_is_no_failure_of_the_function(
    log_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever calls is answered 500, and nobody reads of it after the end of an upload."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def call_after_the_end() -> Response:
        instances = Instances({}, log_file=log_file, package="tests.local.stack.sample_functions")
        await instances.stop()
        return await Gateway(instances).endpoint("echo")(Request(scope, receive))

    assert asyncio.run(call_after_the_end()).status_code == 500
    assert caplog.records == []
