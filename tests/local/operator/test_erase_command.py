"""`python -m local erase` against a real store, with the real functions beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from functions import upload_signature, upload_status
from local.__main__ import main
from local.operator import erasure
from shared.runtime import bootstrap
from tests.functions.deployment import VARIABLES, WITH_TINY, environment, start_anew, user_token
from tests.functions.scf import Answer, event_of, read_answer
from tests.functions.vod import announce_procedure, announce_upload
from tests.shared.loopback_peer import refused_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TASK = "1500012345-Procedure-0f1e2d3c4b5a69788796a5b4c3d2e1f0t0"


def sign(user: str, **wish: object) -> Answer:
    """Ask for a signature."""
    headers = {"authorization": f"Bearer {user_token(user)}", "content-type": "application/json"}
    event = event_of("POST", "/signature", headers=headers, body=json.dumps(wish))
    return read_answer(upload_signature.main_handler(event, {"request_id": "r-1"}))


def status_of(user: str, upload_id: str) -> int:
    """Ask how an upload stands."""
    headers = {"authorization": f"Bearer {user_token(user)}"}
    event = event_of("GET", f"/uploads/{upload_id}", headers=headers)
    return read_answer(upload_status.main_handler(event, {"request_id": "r-1"})).status


def contents(client: redis.Redis) -> str:
    """Return all keys and values, in an order that does not change."""
    read: dict[object, Callable[[Any], object]] = {
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"string": client.get,
        b"set": client.smembers,
    }
    return "\n".join(f"{key!r} {read[client.type(key)](key)!r}" for key in sorted(client.scan_iter()))


@pytest.fixture
def _deployed(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment(valkey_url, READ_BACK="off", UPLOAD_POLICIES=WITH_TINY).items():
        monkeypatch.setenv(name, value)
    start_anew()
    yield
    start_anew()


@pytest.mark.usefixtures("_deployed")
def test_user_is_erased_and_nobody_else(
    valkey_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """First a dry run; then no key and no value holds him any more, and others' records are as they were."""
    monkeypatch.setattr(erasure, "_PAGE", 3)
    measured = {"policy": "tiny", "fileSize": 1, "md5": "0" * 32}
    alice, cancelled, bob = (sign(user, **measured).json for user in ("alice", "alice", "bob"))
    sign("alice", uploadId=alice["uploadId"])
    for upload, file_id in ((alice, "1"), (bob, "2")):
        announce_upload(upload["signature"], procedure_task_id=f"{TASK}{file_id}")
    announce_procedure(alice["signature"], status="FINISH")
    store = bootstrap.event_notification().store
    store.keep_proof_task(store.find_upload("alice", alice["uploadId"]), "task")
    capsys.readouterr()

    with redis.Redis.from_url(valkey_url) as client:
        before = contents(client)
        assert main(["erase", "--user", "alice"]) == 0
        told = capsys.readouterr().out
        assert contents(client) == before
        assert main(["erase", "--user", "alice", "--yes", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        after = contents(client)

    assert told == "Would erase 2 uploads and 2 events; --yes erases them.\n"
    assert (document["uploads"], document["events"], document["erased"]) == (2, 2, True)
    assert document["keys"] > 4
    for text in ("alice", alice["uploadId"], cancelled["uploadId"]):
        assert text in before
        assert text not in after
    assert [status_of("alice", it["uploadId"]) for it in (alice, cancelled)] == [404, 404]
    assert status_of("bob", bob["uploadId"]) == 200
    capsys.readouterr()
    assert main(["erase", "--user", "alice", "--yes"]) == 0
    assert capsys.readouterr().out == "Erased 0 uploads and 0 events: 0 keys.\n"


def test_store_that_is_away_or_not_named_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """In one sentence, with exit code 1 or 2."""
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{refused_port()}/0")
    assert main(["erase", "--user", "alice"]) == 1
    assert "erased" not in (told := capsys.readouterr().err)
    assert main(["erase", "--user", "alice", "--yes"]) == 1
    assert capsys.readouterr().err == f"{told.rstrip()} Some records may be erased.\n"
    monkeypatch.setenv("REDIS_URL", "")
    assert main(["erase", "--user", "alice", "--folder", str(tmp_path)]) == 2
    assert "Name the store with REDIS_URL" in capsys.readouterr().err
