"""The Web SDK as a bundler imports it: `lib/` of 1.8.0 in S3 mode, which brings another AWS SDK than `dist/`.

Bundles for script tags, of this and older versions, run in a browser: tests/browser/test_web_sdk_versions.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY
from tests.clients.node_program import NodeProgram, needs_node
from tests.clients.stack_client import completed, is_at, parts_sent, signatures_of, tls_names

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.stack import Stack

SDK = REPOSITORY / "local/page/node_modules/vod-js-sdk-v6"
MIB = 1024 * 1024
pytestmark = [needs_node, pytest.mark.skipif(not SDK.is_dir(), reason="needs the packages of the page")]


def test_s3_mode_uploads_in_parts_and_cancels(stack: Stack, tmp_path: Path) -> None:
    """Two parts and a cover arrive; a cancelled upload is aborted, and leaves no session to resume."""
    media, cover = tmp_path / "lesson.mp4", tmp_path / "cover.png"
    media.write_bytes(os.urandom(5 * MIB + 1))
    cover.write_bytes(os.urandom(500))
    options = {"chunkSize": 5 * MIB}
    once, reusable = (signatures_of(stack, user="web", policy=policy) for policy in ("default", "reusable"))
    whole = {"media": str(media), "cover": str(cover), "signatures": once, "options": options}
    cancelled = {"media": str(media), "signatures": reusable, "options": options, "cancel": True}
    job = {"sdk": str(SDK), "uploads": [whole, cancelled]}
    with NodeProgram("web_upload.cjs", job, preload="vod_names.cjs", **tls_names(stack)) as program:
        first, second = program.outcome()["results"]
    event = completed(stack, first["uploadId"])

    assert (event["fileId"], first["asked"]) == (first["fileId"], 3)
    assert is_at(event["mediaUrl"], media)
    assert is_at(event["coverUrl"], cover)
    assert parts_sent(stack, event["mediaUrl"]) == 2
    assert (second["error"], second["asked"], second["sessions"]) == ("AbortError", 2, 0)
