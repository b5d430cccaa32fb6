"""The previous revision beside this one on one store: each reads what the other writes.

PREVIOUS_REVISION names another one than the commit before, for example the last release's tag.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import redis

from local.repository import REPOSITORY
from local.stack.instances import Instances
from local.stack.timers import timer_event
from tests.functions.deployment import CALLBACK_TOKEN, environment, services_of, user_token
from tests.functions.scf import Answer, event_of, read_answer
from tests.functions.vod import token_in
from tests.shared.loopback_peer import HttpPeer, Reply
from tests.shared.uploads import changed, uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.local.simulator.account import Account

PREVIOUS = os.environ.get("PREVIOUS_REVISION", "HEAD~1")
REQUEST, KEY = {"policy": "course", "context": "lesson 3"}, '"8e03978e-40d5-43e8-bc93-6894a57f9324"'


@dataclass(frozen=True)
class Revision:
    """The functions of one revision; alice is their user."""

    instances: Instances
    loop: asyncio.AbstractEventLoop

    def invoke(self, function: str, event: dict[str, object]) -> Any:  # noqa: ANN401  # whatever it returns
        """Return the function's result."""
        return self.loop.run_until_complete(self.instances.invoke(function, event))

    def ask(self, function: str, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request of alice, or of VOD."""
        sent = {"authorization": f"Bearer {user_token()}", "content-type": "application/json", **headers}
        event = event_of(method, path, body=json.dumps(body) if body else "", headers=sent)
        answer = read_answer(self.invoke(function, event))
        assert answer.status in (200, 204), answer.body
        return answer

    def sign(self, body: object, **headers: str) -> tuple[str, str]:
        """Request a signature; return the upload's id and its token."""
        answer = self.ask("upload_signature", "POST", "/signature", body, **headers).json
        return answer["uploadId"], token_in(answer["signature"])


Pair = tuple[Revision, Revision]


@pytest.fixture(scope="module")
def previous_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the previous revision; a shallow clone may lack it, but not if it was asked for by name."""
    folder = tmp_path_factory.mktemp("previous")
    command = ["git", "-C", str(REPOSITORY), "archive", f"--output={folder}/tree.zip", PREVIOUS]
    if subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603  # git
        missing = pytest.fail if "PREVIOUS_REVISION" in os.environ else pytest.skip
        missing(f"This clone does not have the revision {PREVIOUS}: fetch more of its history.")
    shutil.unpack_archive(folder / "tree.zip", folder / "tree")
    return folder / "tree"


@pytest.fixture(params=["previous first", "this first"])
def pair(
    request: pytest.FixtureRequest, previous_tree: Path, valkey_url: str, vod: Account, app: HttpPeer
) -> Iterator[Pair]:
    """Run both revisions with the same settings, in either order."""
    variables = environment(valkey_url, **services_of(vod.url, app.url), READ_BACK="on")
    trees = (previous_tree, REPOSITORY) if request.param == "previous first" else (REPOSITORY, previous_tree)
    log = previous_tree.with_name("functions.log")
    with closing(asyncio.new_event_loop()) as loop:
        one, other = (Revision(Instances(variables, log_file=log, tree=tree), loop) for tree in trees)
        yield one, other
        for revision in (one, other):
            loop.run_until_complete(revision.instances.stop())


def status_of(upload_id: str, pair: Pair) -> dict[str, Any]:
    """Return the members of the status that both revisions have, which have to be equal."""
    one, other = (revision.ask("upload_status", "GET", f"/uploads/{upload_id}").json for revision in pair)
    common = {name: one[name] for name in one.keys() & other.keys()}
    assert common == {name: other[name] for name in common}
    return common


def test_event_of_one_revisions_upload_is_told_once(
    pair: Pair, valkey_url: str, vod: Account, app: HttpPeer
) -> None:
    """Begun by one, renewed and ingested by the other, delivered by the first: to the right owner."""
    one, other = pair
    upload_id, token = one.sign(REQUEST)
    assert other.sign({"uploadId": upload_id}) == (upload_id, token)
    assert status_of(upload_id, pair)["state"] == "issued"

    file_id = str(vod.upload(source_context=token)["data"]["fileId"])
    events = [uploaded(token, file_id=file_id), changed(token, file_id=file_id)]
    vod.emit(events[1])  # VOD's API knows the task flow from now on; nothing is pushed by this
    app.answer = lambda _request: Reply(503)
    for revision in (other, one):
        for event in events:
            revision.ask("event_notification", "POST", f"/{CALLBACK_TOKEN}", event)
    app.answer, refused = (lambda _request: Reply(204)), len(app.received)
    with redis.Redis.from_url(valkey_url, decode_responses=True) as store:
        for index in tuple(store.scan_iter("vuf:*:due")):
            for member in store.zrange(index, 0, -1):
                store.zincrby(index, -60, member)  # the next attempt, as if a minute had passed
    runs = [revision.invoke("event_delivery", timer_event("event_delivery")) for revision in pair]

    assert [run["deliveries"] for run in runs] == [{"delivered": 2}, {}]
    heard = [json.loads(request.body) for request in app.received[refused:]]
    assert sorted((it["type"], it["data"]["uploadId"], it["data"]["uploader"]) for it in heard) == [
        (kind, upload_id, "alice") for kind in ("procedure.finished", "upload.completed")
    ]
    told = status_of(upload_id, pair)
    assert (told["state"], told["fileId"], told["context"]) == ("ready", file_id, "lesson 3")


def test_key_and_cancellation_are_known_to_both_revisions(pair: Pair) -> None:
    """A request that is repeated at the other gets the same upload, also after it was cancelled."""
    one, other = pair
    upload_id, token = one.sign(REQUEST, **{"idempotency-key": KEY})
    one.ask("upload_status", "DELETE", f"/uploads/{upload_id}")
    assert status_of(upload_id, pair)["state"] == "cancelled"

    assert other.sign(REQUEST, **{"idempotency-key": KEY}) == (upload_id, token)
    assert status_of(upload_id, pair)["state"] == "issued"
