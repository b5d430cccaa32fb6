"""The Web example of docs/clients.md as a module of an app's page: its imports are found as by a bundler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from tests.clients.clients_page import block
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from local.stack.stack import Stack

PAGE = """<!doctype html><title>An app</title><input type="file">
<script src="/local_mapping.js"></script><script src="/vod-js-sdk-v6.js"></script>
<script type="importmap">
{"imports": {"vod-js-sdk-v6": "data:text/javascript,export default TcVod.default"}}
</script>
<script type="module">
%s
globalThis.documented = { upload };
</script>
"""
UPLOAD = """async (token) => {
  const [file] = document.querySelector("input").files;
  const heard = { ids: [], sessions: [], progress: 0 };
  const done = await documented.upload(file, {
    service: location.origin,
    token,
    onUploadId: (uploadId) => heard.ids.push(uploadId),
    onSession: (key) => heard.sessions.push(key !== null),
    onProgress: (share) => (heard.progress = share),
  });
  return { ...heard, fileId: done.fileId };
}"""


def test_documented_client_uploads(
    stack: Stack, browser_by_path: Browser, make_file: Callable[[str, int], Path]
) -> None:
    """One upload under one id, from a File of the user's to the file's id at VOD."""
    context = browser_by_path.new_context()
    page = context.new_page()
    token = context.request.get(f"{stack.url}/local/token").text()
    # A file of the stack's root, beside which the module finds upload_signature.js.
    page.goto(f"{stack.url}/page.css")
    page.set_content(PAGE % block("Web", "js"))
    page.wait_for_function("globalThis.documented")
    page.set_input_files("input", make_file("lesson.mp4", 9_000_000))
    heard = page.evaluate(UPLOAD, token)
    context.close()
    [upload_id] = heard["ids"]
    headers = {"Authorization": f"Bearer {token}"}
    found: list[str] = []

    def is_there() -> bool:
        answer = requests.get(f"{stack.url}/uploads/{upload_id}", headers=headers, timeout=10).json()
        found[:] = [answer["fileId"]]
        return found != [None]

    wait_until(is_there, "the event")
    assert found == [heard["fileId"]]
    assert (heard["progress"], heard["sessions"]) == (1, [True, False])
