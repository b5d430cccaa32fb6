"""How a timer's work is shared among several invocations of its function."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from local.simulator.tc3_authorization import verify_tc3
from shared.config.settings import ShardSettings, load_settings
from shared.errors import InvalidRequestError
from shared.runtime.shards import MOST, Share, share_of, starter
from tests.shared.loopback_peer import HOST, HttpPeer, Reply, refused_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMER = {"Type": "Timer", "TriggerName": "every-minute", "Message": "{}"}
CONTEXT = {
    "request_id": "r-1",
    "function_name": "vod-upload-reliable-notification",
    "function_version": "7",
    "namespace": "prod",
    "tencentcloud_region": "ap-singapore",
}
VARIABLES = {
    "SCF_FUNCTIONNAME": "from-the-environment",
    "SCF_FUNCTIONVERSION": "8",
    "SCF_NAMESPACE": "stage",
    "TENCENTCLOUD_REGION": "ap-seoul",
}
ROLE = {
    "TENCENTCLOUD_SECRETID": "AKIDrole",
    "TENCENTCLOUD_SECRETKEY": "canary-of-the-role-key",
    "TENCENTCLOUD_SESSIONTOKEN": "role-token",
}
STARTED = {"Response": {"Result": {"FunctionRequestId": "id", "InvokeResult": 0}, "RequestId": "id"}}


def share(event: object, count: int, start: Callable[[dict[str, object]], str] = lambda _: "") -> Share:
    """Return the share of an invocation by an event."""
    return share_of(event, count=count, start=start, request_id="r-1")


def no_start(_event: object) -> str:
    """Start nothing, and fail."""
    pytest.fail("A shard was started.")


@contextmanager
def scf_api(*answers: dict[str, Any]) -> Iterator[HttpPeer]:
    """Serve SCF's API with these answers in turn, the last one for good."""
    left = list(answers)

    def answer(_request: object) -> Reply:
        body = json.dumps(left.pop(0) if len(left) > 1 else left[0]).encode()
        return Reply(200, body, headers={"Content-Type": "application/json"})

    with HttpPeer(answer) as peer:
        yield peer


def settings_at(url: str) -> ShardSettings:
    """Return the settings of a function with a role."""
    return load_settings(ShardSettings, {**ROLE, "INVOKE_API_URL": url})


def test_timer_starts_each_other_shard_and_does_its_own() -> None:
    """Every partition falls to exactly one of the invocations."""
    events: list[dict[str, object]] = []

    def start(event: dict[str, object]) -> str:
        events.append(event)
        return ""

    timer = share(TIMER, 4, start)
    others = [share(event, 4, no_start) for event in events]

    assert timer.figures == {"shards": {"started": 3, "failed": 0}}
    assert [it.figures for it in others] == [{}] * 3
    assert [[one.has(partition) for one in (timer, *others)].count(True) for partition in range(16)] == [
        1
    ] * 16


def test_single_shard_starts_nothing() -> None:
    """Without the setting a timer's function works as one."""
    assert share(TIMER, 1, no_start) == Share((0,), 1, {})


def test_shards_that_cannot_be_started_are_taken_over(capsys: pytest.CaptureFixture[str]) -> None:
    """After the first refusal no further start is tried; the log names its code."""
    codes = iter(["", "UnauthorizedOperation.CAM"])

    timer = share(TIMER, 5, lambda _event: next(codes))

    assert (timer.shards, timer.of) == ((0, 2, 3, 4), 5)
    assert timer.figures == {"shards": {"started": 1, "failed": 3}}
    line = json.loads(capsys.readouterr().out)
    told = [line[name] for name in ("event", "level", "code", "shard", "requestId")]
    assert told == ["shards.notStarted", "error", "UnauthorizedOperation.CAM", 2, "r-1"]


@pytest.mark.parametrize(
    ("number", "count"), [(4, 4), (-1, 4), (0, MOST + 1), ("0", 4), (0, None), (True, 4), (0, 0)]
)
def test_shard_with_wrong_numbers_is_refused(number: object, count: object) -> None:
    """Whoever may invoke the function cannot have it work on what there is not."""
    with pytest.raises(InvalidRequestError):
        share({"Type": "Shard", "Shard": number, "Shards": count}, 4)


def test_start_is_a_signed_asynchronous_invocation_of_the_running_version() -> None:
    """SCF's Invoke (doc 583/17243), by the credentials of the function's role."""
    event: dict[str, object] = {"Type": "Shard", "Shard": 1, "Shards": 2}
    with scf_api(STARTED) as peer:
        assert starter(settings_at(peer.url), CONTEXT)(event) == ""
        [request] = peer.received

    headers = request.headers
    now = float(headers["x-tc-timestamp"])
    verify_tc3(headers, request.body, keys={"AKIDrole": ("canary-of-the-role-key", "role-token")}, now=now)
    told = [headers[f"x-tc-{name}"] for name in ("action", "version", "region")]
    assert told == ["Invoke", "2018-04-16", "ap-singapore"]
    asked = json.loads(request.body)
    assert json.loads(asked.pop("ClientContext")) == event
    assert asked == {
        "FunctionName": "vod-upload-reliable-notification",
        "Namespace": "prod",
        "Qualifier": "7",
        "InvocationType": "Event",
    }


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (VARIABLES, ("from-the-environment", "stage", "8")),
        (dict.fromkeys(VARIABLES, ""), ("", "default", "$LATEST")),
    ],
)
def test_function_is_known_by_the_environment_where_the_context_has_nothing(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: tuple[str, str, str]
) -> None:
    """CustomRuntime's context has an id and limits alone."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with scf_api(STARTED) as peer:
        starter(settings_at(peer.url), {"request_id": "r-1"})({})
        [request] = peer.received

    asked = json.loads(request.body)
    assert (asked["FunctionName"], asked["Namespace"], asked["Qualifier"]) == told


def test_refusal_and_silence_have_a_code() -> None:
    """The API's own word, or what prevented an answer."""
    refusal = {"Response": {"Error": {"Code": "UnauthorizedOperation", "Message": "no"}, "RequestId": "id"}}
    with scf_api(refusal) as peer:
        refused = starter(settings_at(peer.url), CONTEXT)({})
    silent = starter(settings_at(f"http://{HOST}:{refused_port()}"), CONTEXT)({})

    assert refused == "UnauthorizedOperation"
    assert silent == "ClientNetworkError"
