"""The web client from its tarball, in an app of one's own in strict TypeScript."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest
from playwright.sync_api import expect

from local.repository import REPOSITORY
from tests.browser.parts import TWO_PARTS, hold_last_part, parts_sent
from tests.browser.upload_page import PATIENCE, digest_at, digest_of_file
from tests.clients.packed_client import CLIENT, EXAMPLES, MANIFEST, check_types, needs_bundler, run
from tests.clients.stack_client import events_about

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from local.stack.stack import Stack
    from tests.browser.app_server import AppServer
    from tests.browser.tab import Tab

APP = REPOSITORY / "tests/clients/web_app"
LIMIT, ELEMENT_LIMIT = 6 * 1024, 9 * 1024
pytestmark = needs_bundler


class Built(NamedTuple):
    """The bundled app, and the bytes of createUploader, and of the element in one language, without the SDK.

    They are minified and gzipped.
    """

    folder: Path
    size: int
    element_size: int


@pytest.fixture(scope="module")
def built(
    stack: Stack, app_server: AppServer, packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    """Bundle the app with the client from its tarball, and serve it from its own origin."""
    project = tmp_path_factory.mktemp("app")
    shutil.copytree(APP, project, dirs_exist_ok=True)
    shutil.copyfile(EXAMPLES / "react/main.tsx", project / "example.tsx")
    shutil.copytree(packages, project / "node_modules", symlinks=True)
    (project / "package.json").write_text(MANIFEST)
    sizes = run("node", "build.mjs", cwd=project, VITE_ENDPOINT=stack.url).split()[:2]
    shutil.copytree(project / "dist", app_server.folder / "app")
    return Built(project, *map(int, sizes))


@pytest.fixture
def tab(
    built: Built, app_server: AppServer, browser_by_path: Browser, lend_tab: Callable[[Browser], Tab]
) -> Tab:
    """Open the app."""
    assert built.size
    tab = lend_tab(browser_by_path)
    tab.page.set_default_timeout(PATIENCE)
    tab.page.goto(f"{app_server.origin}/app/index.html")
    tab.page.wait_for_function("globalThis.app")
    return tab


def _context(stack: Stack, file_id: str, file: Path) -> object:
    """Return the context in the app's event of a file at VOD, which has to have the same bytes."""
    [event] = events_about(stack, id_=file_id)
    assert digest_at(event["data"]["mediaUrl"]) == digest_of_file(file)
    return event["data"]["context"]


def test_strict_typescript_accepts_both_packages_and_the_example(built: Built) -> None:
    """Their declarations are enough for a project with every strict rule on."""
    check_types(built.folder)


def test_client_is_small_and_has_the_licence(built: Built) -> None:
    """The uploader has less than 6 KB, with the element 9; the package has the licence that it names."""
    assert built.size < LIMIT
    assert built.element_size < ELEMENT_LIMIT
    installed = built.folder / "node_modules/vod-upload-client/LICENSE"
    assert (
        installed.read_bytes() == (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
    )


def test_upload_pauses_resumes_and_settles_with_the_file(
    tab: Tab, stack: Stack, make_file: Callable[[str, int], Path]
) -> None:
    """After a pause the missing part alone is sent, and `done` gives the file of the event."""
    page, line, file = tab.page, tab.line, make_file("film.mp4", TWO_PARTS)
    before = parts_sent(stack)
    page.set_input_files("#file", file)
    hold_last_part(tab, stack, lambda: page.evaluate("app.begin()"), parts=2)
    page.evaluate("app.pause()")
    line.restore()
    assert page.evaluate("app.stage()") == "paused"
    assert page.evaluate("app.fraction()") < 1
    page.evaluate("app.resume()")

    assert _context(stack, page.evaluate("app.done()"), file) == "lesson 3"
    assert parts_sent(stack) - before == 2


def test_cancelled_upload_ends_and_a_refused_one_is_explained_in_three_languages(
    tab: Tab, make_file: Callable[[str, int], Path]
) -> None:
    """`done` rejects with an AbortError; a failure has a code, and words in the uploader's language."""
    page, line = tab.page, tab.line
    line.hold("*ApplyUploadUGC*")
    page.set_input_files("#file", make_file("film.mp4", 10_000))
    page.evaluate("app.begin()")
    assert page.evaluate("app.cancel()") == "AbortError"
    line.restore()
    refused = {
        language: page.evaluate("language => app.refused(language)", language)
        for language in ("en", "ko", "zh-CN")
    }

    assert {failure["code"] for failure in refused.values()} == {"forbidden"}
    assert {language: failure["advice"] for language, failure in refused.items()} == {
        "en": "Choose another policy or another user.",
        "ko": "다른 정책이나 다른 사용자를 선택하세요.",
        "zh-CN": "请选择其他策略或其他用户。",
    }
    assert refused["ko"]["reasons"] == [refused["en"]["title"], *refused["en"]["reasons"]]
    assert page.evaluate("() => app.explained(10010, 'zh-CN')") == "签名已过期。"


def test_element_goes_on_after_a_reload(
    tab: Tab, stack: Stack, make_file: Callable[[str, int], Path]
) -> None:
    """It asks in Korean for the file that was cut off, sends what is missing, and tells the app."""
    page, line, file = tab.page, tab.line, make_file("강의.mp4", TWO_PARTS)
    before = parts_sent(stack)
    choice = page.get_by_label("동영상 선택")
    hold_last_part(tab, stack, lambda: choice.set_input_files(file), parts=2)
    page.reload()
    line.restore()
    again = page.get_by_label("계속하려면 강의.mp4 파일을 다시 선택하세요")
    again.set_input_files(make_file("다른.mp4", 10))
    expect(page.get_by_role("alert")).to_contain_text("원래 파일 강의.mp4")
    again.set_input_files(file)
    expect(page.get_by_role("status")).to_have_text("완료")

    assert _context(stack, page.title(), file) == "lesson 4"
    assert parts_sent(stack) - before == 2
