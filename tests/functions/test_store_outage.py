"""While the store does not answer, requests get 503 within a second; afterwards they succeed."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest
import redis

from functions import upload_signature, upload_status
from local.stack.embedded_store import EmbeddedStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.functions.conftest import Call, Deploy, Sign

UPLOAD = "01KAPVZ9M80000000000000000"


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Accept connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://:canary-of-the-store@127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def stopped(tmp_path: Path) -> str:
    """Stop a Valkey, and return the address it had."""
    with EmbeddedStore(tmp_path) as store:
        return store.url


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[str]:
    """Run a Valkey that a test may freeze."""
    with EmbeddedStore(tmp_path) as store:
        yield store.url


@pytest.mark.parametrize("outage", ["black_hole", "stopped"])
def test_silent_store_is_503_within_a_second(
    call: Call,
    deploy: Deploy,
    outage: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A client hears soon that it should try again; neither it nor the log hears where the store is (S17)."""
    address = request.getfixturevalue(outage)
    deploy(REDIS_URL=address)

    for handler, method, path in (
        (upload_signature.main_handler, "POST", "/signature"),
        (upload_status.main_handler, "GET", f"/uploads/{UPLOAD}"),
        (upload_status.main_handler, "DELETE", f"/uploads/{UPLOAD}"),
    ):
        before = time.monotonic()
        answer = call(handler, method, path)
        assert time.monotonic() - before < 1
        assert answer.status == 503
        assert answer.json["type"].endswith(":store-unavailable")
        logged = capsys.readouterr().out
        assert "canary" not in answer.body + logged
        assert not any(secret in answer.body + logged for secret in re.split("[:@/]+", address)[1:4])


def test_store_that_is_back_is_used_at_once(sign: Sign, deploy: Deploy, own_store: str) -> None:
    """An instance outlives the outage of its store, without a restart."""
    deploy(REDIS_URL=own_store)
    with redis.Redis.from_url(own_store) as client:
        process_id = int(client.info("server")["process_id"])
    assert sign({}).status == 200

    os.kill(process_id, signal.SIGSTOP)
    assert sign({}).status == 503

    os.kill(process_id, signal.SIGCONT)
    assert sign({}).status == 200


def test_who_is_refused_anyway_does_not_wait_for_the_store(
    call: Call, deploy: Deploy, black_hole: str
) -> None:
    """A bad token or a bad request is refused without asking the store."""
    deploy(REDIS_URL=black_hole)

    strange = call(upload_signature.main_handler, "POST", "/signature", user=None)
    wrong = call(upload_signature.main_handler, "POST", "/signature", body={"policy": "nosuch"})

    assert (strange.status, wrong.status) == (401, 403)
