"""`python -m local violations` against a real store: what is planned, and what is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from local.__main__ import main
from local.operator import enforcement_store
from shared.domain.file_limits import FileLimits
from shared.domain.rejection import DELETED, Rejection
from tests.shared.flows.world import World
from tests.shared.loopback_peer import refused_port
from tests.shared.service import STAGE, Clock, token_of
from tests.shared.uploads import NOW, uploaded

if TYPE_CHECKING:
    from shared.domain.session import UploadSession
    from tests.shared.loopback_peer import HttpPeer

DAY = 86_400


@pytest.fixture
def world(valkey_url: str, app: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> World:
    """Deploy with an empty store, which the command finds."""
    monkeypatch.setenv("REDIS_URL", valkey_url)
    monkeypatch.setenv("STAGE", STAGE)
    return World(valkey_url, {"READ_BACK": "on", "APP_WEBHOOK_URL": app.url}, Clock(), app=app)


def send_file(world: World, user: str, file_id: str) -> UploadSession:
    """Upload a file that is to be deleted."""
    session = world.begin_now(user, limits=FileLimits(max_file_size=1), on_violation="delete")
    world.ingest(uploaded(token_of(session), file_id=world.keep(token_of(session), file_id=file_id)))
    return session


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the planned files."""
    capsys.readouterr()
    assert main(["violations", "list", "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_planned_deletion_is_listed_and_stopped(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stays, whatever VOD tells of it again; the other one is deleted."""
    monkeypatch.setattr(enforcement_store, "_PAGE", 1)
    kept, other = send_file(world, "alice", "1"), send_file(world, "bob", "2")
    send_file(world, "alice", "3")
    world.enforce()
    rows = listed(capsys)

    assert main(["violations", "stop", kept.upload_id]) == 0
    assert capsys.readouterr().out == "Stopped: the file 1 stays as it is.\n"
    world.ingest(uploaded(token_of(kept), file_id="1"), "push")
    world.enforce(after=DAY)

    assert sorted(world.vod.deleted) == ["2", "3"]
    assert {row["fileId"]: row["uploadId"] for row in rows}.items() >= {
        "1": kept.upload_id,
        "2": other.upload_id,
    }.items()
    assert rows[0] | {"fileId": "", "uploadId": "", "user": ""} == {
        "next look": "2026-11-19T11:06:40Z",
        "told": "2026-11-18T11:06:40Z",
        "verdict": "attributed",
        "measure": "delete",
        "user": "",
        "policy": "default",
        "uploadId": "",
        "fileId": "",
    }
    assert NOW == 1_795_000_000
    assert listed(capsys) == []


def test_table_says_when_there_is_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """With a header and a row for each file, or a sentence; also of a file whose upload's record is gone."""
    assert main(["violations", "list"]) == 0
    assert capsys.readouterr().out == "No file is to be looked at.\n"
    session = send_file(world, "alice", "1")
    with redis.Redis.from_url(world.redis_url) as client:
        client.delete(*client.keys(f"*:upload:{session.upload_id}"))

    assert main(["violations", "list"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "next"
    assert row.split()[-2:] == [session.upload_id, "1"]


def test_deletion_that_has_begun_is_not_stopped(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says so, and the app hears of it."""
    session = send_file(world, "alice", "1")
    now = int(world.clock())
    [taken] = world.enforcements.take_enforcements(now=now, lease_ends_at=now + 1, limit=1)
    assert world.enforcements.begin_enforcement(taken, Rejection("1", DELETED, None, []))

    assert main(["violations", "stop", session.upload_id]) == 1
    assert capsys.readouterr().out == "Too late for the file 1.\n"
    assert main(["violations", "stop", session.upload_id, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [{"fileId": "1", "stopped": False}]
    world.enforce(after=DAY)
    assert world.vod.deleted == ["1"]


def test_what_cannot_be_done_is_said(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """In one sentence, with exit code 1 or 2."""
    assert main(["violations", "stop", "01M8198VJ3MSBJV9ZXSG4D2N3J"]) == 1
    assert capsys.readouterr().err == "No file of the upload 01M8198VJ3MSBJV9ZXSG4D2N3J is to be looked at.\n"
    assert world.vod.calls == []
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{refused_port()}/0")
    assert main(["violations", "list"]) == 1
    assert "stopped" not in (told := capsys.readouterr().err)
    assert main(["violations", "stop", "01M8198VJ3MSBJV9ZXSG4D2N3J"]) == 1
    assert capsys.readouterr().err == f"{told.rstrip()} Some files may be stopped.\n"
    monkeypatch.setenv("REDIS_URL", "")
    assert main(["violations", "list", "--folder", str(tmp_path)]) == 2
    assert "Name the store with REDIS_URL" in capsys.readouterr().err
