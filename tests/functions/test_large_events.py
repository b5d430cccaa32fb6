"""Events of 6 MB, hostile ones among them: what one costs, and what it leaves in the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from random import Random
from typing import TYPE_CHECKING

import pytest
import redis

from local.repository import REPOSITORY
from shared.vod.notification import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functions.conftest import Deploy
    from tests.shared.loopback_peer import HttpPeer

MAX_TIMES, MAX_MEBIBYTES, BESIDE_THE_TEXT = 15, 128, 1024
SECRET = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cy13aXRoLTMyLWJ5dGVz"
HEAD = b'{"EventType":"Strange","Text":'


def list_of(item: bytes) -> bytes:
    """Return an event of one long list."""
    count = (MAX_BODY_BYTES - len(HEAD) - 3) // (len(item) + 1)
    return HEAD + b"[" + b",".join([item] * count) + b"]}"


def of_subtasks() -> bytes:
    """Return the end of a task flow with 24,900 subtasks, which is nearly as many objects as are read."""
    subtasks = b",".join(
        [b'{"Type":"Transcode","TranscodeTask":{"Status":"SUCCESS","Message":"%s"}}' % (b"x" * 50)] * 24_900
    )
    state = b'{"TaskId":"t-1","Status":"PROCESSING","MediaProcessResultSet":[%s]}' % subtasks
    return b'{"EventType":"ProcedureStateChanged","ProcedureStateChangeEvent":%s}' % state


def of_one(text: bytes) -> bytes:
    """Return an event of one long text."""
    return HEAD + b'"' + text + b'"}'


LONGEST = MAX_BODY_BYTES - len(HEAD) - 3
LARGE: dict[str, Callable[[], bytes]] = {
    "one text": lambda: of_one(b"x" * LONGEST),
    "random": lambda: of_one(Random(1).randbytes((LONGEST - 1) // 2).hex().encode()),  # noqa: S311 -- bytes that hardly compress, no secret
    "two bytes a character": lambda: of_one("é".encode() * ((LONGEST - 1) // 2)),
    "a wide character": lambda: of_one(b"x" * (LONGEST - 5) + "\U0001f600".encode()),
    "numbers": lambda: list_of(b"1.1"),
    "twenty digits": lambda: list_of(b"1234567890.123456789"),
    "long numbers": lambda: list_of(b"9" * 1000),
    "empty texts": lambda: list_of(b'""'),
    "empty objects": lambda: list_of(b"{}"),
    "many members": lambda: (
        HEAD + b"{" + b",".join(b'"%020x":1' % number for number in range(230_000)) + b"}}"
    ),
    "subtasks": of_subtasks,
}
"""Large events by what is large in them; each is made when it is sent."""


@pytest.mark.no_cover  # the function runs in a process of its own
@pytest.mark.parametrize("name", LARGE)
def test_large_event_is_cheap_and_kept_once_and_compressed(
    deploy: Deploy, valkey_url: str, app: HttpPeer, tmp_path: Path, name: str
) -> None:
    """Fifteen times what parsing, writing and compressing it once costs; it is kept as it compresses."""
    services = {"APP_WEBHOOK_URL": app.url, "APP_WEBHOOK_SECRETS": SECRET}
    variables = deploy(**services, APP_WEBHOOK_ALLOW_INSECURE="1", FOREIGN_BYTES_PER_DAY=str(2**30))
    body = LARGE[name]()
    (tmp_path / "body").write_bytes(body)

    result = subprocess.run(  # noqa: S603 -- fixed words
        [sys.executable, "-m", "tests.functions.large_event", str(tmp_path / "body")],
        env={**os.environ, **variables},
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )

    status, times, mebibytes = json.loads(result.stdout)
    assert status == 200
    assert times < MAX_TIMES, "both of processor time, in one process"
    assert mebibytes < MAX_MEBIBYTES
    with redis.Redis.from_url(valkey_url) as client:
        # By its length: the memory of a long text is rounded up, to pages or to what was free.
        kept = [client.strlen(key) for key in client.scan_iter("*:body:*")]
        kept += [int(client.memory_usage(key, samples=0) or 0) for key in client.scan_iter("*:event:*")]
    # Two records, and the text of the small one; what cannot be read is parked as Base64.
    assert sum(kept) < len(zlib.compress(body)) + 2 * BESIDE_THE_TEXT
