"""The mini program SDK `vod-wx-sdk-v2`, unmodified under a `wx` of ours: whole uploads, and the switches.

It asks for one signature, which it sends to Apply and to Commit, and its storage traffic goes to the control
host, or to `MiniProgramAccelerateHost`, with the storage's name in `Vod-Forward-Cos`.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.clients.node_program import NodeProgram, needs_node, run_node
from tests.clients.stack_client import completed, is_at, parts_sent, signatures_of
from tests.local.simulator.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.stack.stack import Stack

pytestmark = needs_node

SCRIPT = "mini_program.cjs"
MIB = 1024 * 1024
IN_PARTS = {"chunkSize": MIB, "chunkParallelLimit": 1}
EXPIRED, REPEATED, INVALID = 10010, 10011, 10001


@dataclass(frozen=True)
class MiniProgram:
    """A mini program with its storage, and two files that a user has chosen in it."""

    folder: Path
    media: Path
    cover: Path

    def job(self, url: str, signatures: dict[str, object], **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
        """Return the job of one upload; options of the SDK are given as `options`."""
        options = {"mediaFile": str(self.media), **changes.pop("options", {})}
        return {
            "port": int(url.rpartition(":")[2]),
            "storage": str(self.folder / "storage.json"),
            "libraryVersion": "3.7.0",
            "signatures": signatures,
            "options": options,
            **changes,
        }

    def upload(self, url: str, signatures: dict[str, object], **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # as above
        """Run one upload and return its outcome."""
        return run_node(SCRIPT, self.job(url, signatures, **changes))


@pytest.fixture
def mini_program(tmp_path: Path) -> MiniProgram:
    """Create a mini program; a chosen file has a name of 32 characters, under which the SDK resumes it."""
    media, cover = tmp_path / f"{'a' * 32}.mp4", tmp_path / f"{'b' * 32}.png"
    media.write_bytes(os.urandom(3 * MIB + 1000))
    cover.write_bytes(os.urandom(5000))
    return MiniProgram(tmp_path, media, cover)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Start one account whose events are pulled."""
    with Account(tmp_path_factory.mktemp("mini_program"), mode="PULL") as running:
        yield running


@pytest.fixture
def account(served: Account) -> Iterator[Account]:
    """Return the account, and put its switches, its faults and its clock back afterwards."""
    yield served
    served.reset()


def _turn(account: Account, **positions: str) -> None:
    address = f"{account.url}/local/simulator/faults"
    requests.put(address, json={"switches": positions}, timeout=10).raise_for_status()


def _sent(outcome: dict[str, Any]) -> Counter[str]:
    """Count the requests of an upload by their kind, the SDK's statistics left out."""
    return Counter(request["kind"] for request in outcome["requests"] if request["kind"] != "Statistics")


def test_small_file_goes_with_one_signature(stack: Stack, mini_program: MiniProgram) -> None:
    """A one-time string is good for Apply and Commit; the file has the SDK's own name for it."""
    source = signatures_of(stack, user="mini", policy="default", context="lesson 3")
    outcome = mini_program.upload(stack.url, source)
    event = completed(stack, outcome["uploadId"])
    storage = [request for request in outcome["requests"] if request["forwarded"]]

    assert (outcome["outcome"], outcome["asked"]) == ("finish", 1)
    assert outcome["value"]["fileId"] == event["fileId"]
    assert (event["uploader"], event["context"], event["verdict"]) == ("mini", "lesson 3", "attributed")
    assert event["fileName"] == "来自小程序"
    assert is_at(event["mediaUrl"], mini_program.media)
    assert {request["host"] for request in storage} == {"vod2.qcloud.com"}
    assert all(".cos.ap-" in request["forwarded"] for request in storage)
    assert "PrepareUploadUGC" not in _sent(outcome)


@pytest.mark.parametrize("policy", ["default", "reusable"])
def test_parts_and_cover_arrive_whole(stack: Stack, mini_program: MiniProgram, policy: str) -> None:
    """Four parts of 1 MiB and a cover, all by way of the host that Apply's reply names."""
    address = f"{stack.url}/local/simulator/config"
    host = {"mini_program_accelerate_host": "mini.example.com"}
    requests.put(address, json=host, timeout=10).raise_for_status()
    options = {**IN_PARTS, "coverFile": str(mini_program.cover), "mediaName": "Lektion 3"}
    try:
        source = signatures_of(stack, user="mini", policy=policy)
        outcome = mini_program.upload(stack.url, source, options=options)
    finally:
        requests.put(address, json={**host, "mini_program_accelerate_host": ""}, timeout=10)
    event = completed(stack, outcome["uploadId"])

    assert event["fileName"] == "Lektion 3"
    assert is_at(event["mediaUrl"], mini_program.media)
    assert is_at(event["coverUrl"], mini_program.cover)
    assert _sent(outcome)["UploadPart"] == 4 + 1
    assert {r["host"] for r in outcome["requests"] if r["forwarded"]} == {"mini.example.com"}


def test_old_base_library_sends_a_form(stack: Stack, mini_program: MiniProgram) -> None:
    """Below base library 2.10 the SDK cannot read a part of a file: one POST Object has all of it."""
    source = signatures_of(stack, user="mini", policy="default")
    outcome = mini_program.upload(stack.url, source, libraryVersion="2.9.0")
    event = completed(stack, outcome["uploadId"])

    assert _sent(outcome) == {"ApplyUploadUGC": 1, "PostObject": 1, "CommitUploadUGC": 1}
    assert is_at(event["mediaUrl"], mini_program.media)


def test_interrupted_upload_is_resumed(stack: Stack, mini_program: MiniProgram) -> None:
    """The next start finds its session and its parts; cover fields beside the session key do no harm."""
    options = {**IN_PARTS, "coverFile": str(mini_program.cover)}
    source = signatures_of(stack, user="mini", policy="default")
    job = mini_program.job(stack.url, source, options=options, hold="UploadPart 5")
    with NodeProgram(SCRIPT, job) as ended:
        upload_id = ended.wait_until_held()["uploadId"]
    source = signatures_of(stack, user="mini", upload_id=upload_id)
    again = mini_program.upload(stack.url, source, options=options)
    event = completed(stack, upload_id)

    assert is_at(event["mediaUrl"], mini_program.media)
    assert is_at(event["coverUrl"], mini_program.cover)
    assert _sent(again)["ListParts"] >= 1
    assert parts_sent(stack, event["mediaUrl"]) == 4


def test_paused_upload_goes_on(stack: Stack, mini_program: MiniProgram) -> None:
    """Pause stops before the third part and restart sends what is missing, with the same signature."""
    source = signatures_of(stack, user="mini", policy="default")
    outcome = mini_program.upload(stack.url, source, options=IN_PARTS, pause="UploadPart 3")
    event = completed(stack, outcome["uploadId"])

    assert (outcome["outcome"], outcome["asked"]) == ("finish", 1)
    assert is_at(event["mediaUrl"], mini_program.media)
    assert parts_sent(stack, event["mediaUrl"]) == 4


def test_async_get_signature_is_refused(account: Account, mini_program: MiniProgram) -> None:
    """The SDK wants a function with a callback, and calls an async one none."""
    outcome = mini_program.upload(account.url, {"strings": []}, options={"asynchronous": True})

    assert outcome["value"] == {
        "code": -1,
        "message": "getSignature, error, progress, finish must be a Function.",
    }
    assert outcome["requests"] == []


def test_refused_session_is_never_dropped(account: Account, mini_program: MiniProgram) -> None:
    """A session that VOD has closed is sent four times, and again at the next start of the same file."""
    signature = account.signature
    hold = mini_program.job(account.url, {"strings": [signature()]}, hold="CommitUploadUGC")
    with NodeProgram(SCRIPT, hold) as ended:
        ended.wait_until_held()
    account.clock.moved_by = account.settings.session_seconds + 10
    fresh: dict[str, object] = {"strings": [signature() for _ in range(4)]}
    for _ in range(2):
        outcome = mini_program.upload(account.url, fresh)

        assert outcome["value"]["code"] == INVALID
        assert _sent(outcome) == {"ApplyUploadUGC": 4}


@pytest.mark.parametrize(("position", "code"), [("refuse", REPEATED), ("accept", None)])
@pytest.mark.parametrize("lost", ["reply", "process"])
def test_kept_signature_is_applied_again(
    account: Account, mini_program: MiniProgram, lost: str, position: str, code: int | None
) -> None:
    """An app that starts again with the string it has: refused four times with 10011, or it goes on."""
    _turn(account, repeatedApply=position)
    kept: dict[str, object] = {"strings": [account.signature(one_time_valid=True)]}
    if lost == "reply":
        first = mini_program.upload(account.url, kept, lose="ApplyUploadUGC")
        assert first["value"] == {"errMsg": "request:fail the reply was lost"}
        assert _sent(first) == {"ApplyUploadUGC": 1}
    else:
        with NodeProgram(SCRIPT, mini_program.job(account.url, kept, hold="UploadPart")) as ended:
            ended.wait_until_held()
    outcome = mini_program.upload(account.url, kept)

    assert outcome["value"].get("code") == code
    assert _sent(outcome)["ApplyUploadUGC"] == (1 if code is None else 4)
    fresh: dict[str, object] = {"strings": [account.signature(one_time_valid=True)]}
    assert mini_program.upload(account.url, fresh)["outcome"] == "finish"


@pytest.mark.parametrize(("position", "code", "commits"), [("check", EXPIRED, 4), ("ignore", None, 1)])
def test_signature_expires_during_the_transfer(
    account: Account, mini_program: MiniProgram, position: str, code: int | None, commits: int
) -> None:
    """Commit has the string of Apply: where VOD checks it, a finished transfer is lost after four times."""
    _turn(account, commitExpiry=position)
    source: dict[str, object] = {"strings": [account.signature(lives=600)]}
    with NodeProgram(SCRIPT, mini_program.job(account.url, source, hold="CommitUploadUGC")) as program:
        program.wait_until_held()
        account.clock.moved_by = 700
        program.go_on()
        outcome = program.outcome()

    assert outcome["value"].get("code") == code
    assert _sent(outcome)["CommitUploadUGC"] == commits


@pytest.mark.parametrize("code", ["AccessDenied", "RequestTimeTooSkewed", "ExpiredToken"])
def test_expired_credential_ends_the_upload(account: Account, mini_program: MiniProgram, code: str) -> None:
    """The SDK applies for no new one and hides COS's code; the next start with a fresh string goes on."""
    _turn(account, expiredCredential=code)
    source: dict[str, object] = {"strings": [account.signature(lives=86_400)]}
    job = mini_program.job(account.url, source, options=IN_PARTS, hold="UploadPart 2")
    with NodeProgram(SCRIPT, job) as program:
        program.wait_until_held()
        account.clock.moved_by = 2 * account.settings.credential_seconds
        program.go_on()
        outcome = program.outcome()

    assert outcome["value"] == {"code": -2, "message": "cos error"}
    assert _sent(outcome)["ApplyUploadUGC"] == 1
    account.clock.moved_by = 0
    fresh: dict[str, object] = {"strings": [account.signature()]}
    again = mini_program.upload(account.url, fresh, options=IN_PARTS)
    assert (again["outcome"], _sent(again)["UploadPart"]) == ("finish", 3)
