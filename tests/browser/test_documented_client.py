"""The Web example of docs/clients.md as a module of an app's page: its imports are found as by a bundler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients.clients_page import block
from tests.clients.stack_client import events_about

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from local.stack.stack import Stack
    from tests.browser.tab import Tab

PAGE = """<!doctype html><title>An app</title><input type="file">
<script src="/local_mapping.js"></script><script src="/vod-js-sdk-v6.js"></script>
<script type="importmap">
{"imports": {"vod-js-sdk-v6": "data:text/javascript,export default TcVod.default",
             "vod-upload-client": "/clients/web/index.js",
             "vod-upload-client/texts": "/clients/web/texts/index.js"}}
</script>
<script type="module">
%s
globalThis.documented = { createClient, upload, goOn };
</script>
"""
UPLOAD = """async (token) => {
  const [file] = document.querySelector("input").files;
  const client = documented.createClient({ service: location.origin, token: () => token, user: "alice" });
  const stages = new Set();
  const status = await documented.upload(client, file, (stage) => stages.add(stage));
  return { fileId: status.fileId, stages: [...stages], goesOn: await documented.goOn(client, file) };
}"""


def test_documented_client_uploads(
    stack: Stack,
    browser_by_path: Browser,
    lend_tab: Callable[[Browser], Tab],
    make_file: Callable[[str, int], Path],
) -> None:
    """An upload from a user's File to the file's id at VOD; nothing is remembered afterwards."""
    page = lend_tab(browser_by_path).page
    token = page.request.get(f"{stack.url}/local/token").text()
    # A page of the stack's, so that its modules are found.
    page.goto(f"{stack.url}/page.css")
    page.set_content(PAGE % block("Web", "js"))
    page.wait_for_function("globalThis.documented")
    page.set_input_files("input", make_file("lesson.mp4", 9_000_000))
    heard = page.evaluate(UPLOAD, token)
    [event] = events_about(stack, id_=heard["fileId"])

    assert (event["type"], event["data"]["context"]) == ("upload.completed", "lesson 3")
    assert heard["stages"][-2:] == ["following", "settled"]
    assert heard["goesOn"] is None  # nothing is left to go on with
