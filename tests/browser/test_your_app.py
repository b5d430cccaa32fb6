"""docs/your-app.md, typed as it stands: an app of one's own, on a stack that takes it.

Ports are replaced by free ones, and `make demo` by the command that it runs; the packages come from tarballs.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import requests
from playwright.sync_api import expect

from local.repository import REPOSITORY
from tests.browser.upload_page import PATIENCE
from tests.clients.packed_client import EXAMPLES, MANIFEST, needs_bundler
from tests.deploy.console_blocks import shown_on
from tests.shared.loopback_peer import refused_port
from tests.test_repository import make_targets
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.browser.tab import Tab

PAGE = (REPOSITORY / "docs/your-app.md").read_text(encoding="utf-8")
SAMPLE = REPOSITORY / "tests/samples/media/tiny.mp4"
LINKED = ("local", "shared", "functions", "clients/python")
pytestmark = needs_bundler


class Clone:
    """A folder like a clone, with terminals in which the commands of the page are typed."""

    def __init__(self, folder: Path, packages: Path) -> None:
        """Lay out what the commands use; `packages` are those of the examples."""
        self.folder = folder
        self._ports = {port: str(refused_port()) for port in ("3000", "5173", "8000")}
        self._terminals: list[subprocess.Popen[bytes]] = []
        for name in LINKED:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).symlink_to(REPOSITORY / name)
        (folder / ".venv").symlink_to(sys.prefix)
        examples = folder / "clients/examples"
        shutil.copytree(EXAMPLES, examples, ignore=shutil.ignore_patterns("node_modules", "package*", "__*"))
        for file in filter(Path.is_file, examples.rglob("*.*")):
            file.write_text(self.with_ports(file.read_text("utf-8")), encoding="utf-8")
        shutil.copytree(packages, examples / "node_modules", symlinks=True)
        (examples / "package.json").write_text(MANIFEST)
        self._commands = [shown.command for block in shown_on(PAGE) for shown in block]

    def with_ports(self, text: str) -> str:
        """Return a text with the ports of this clone."""
        return re.sub(r"\b(3000|5173|8000)\b", lambda found: self._ports[found[1]], text)

    def url(self, text: str) -> str:
        """Return an address that the page names, which answers."""
        address = self.with_ports(text)
        wait_until(lambda: _answers(address), f"{address}: {self.printed()}", pause_seconds=0.2)
        return address

    def type(self, *starts: str) -> subprocess.Popen[bytes]:
        """Type the commands of the page that contain these words, in one new terminal."""
        found = [next(it for it in self._commands if words in it) for words in starts]
        typed = self.with_ports(" && ".join(found))
        serve = rf".venv/bin/python -m local serve --port {self._ports['8000']} --tls-port 0 \1"
        typed = re.sub(r'make demo ARGS="(.*)"', serve, typed)
        with (self.folder / f"terminal-{len(self._terminals)}").open("wb") as output:
            terminal = subprocess.Popen(  # noqa: S603  # the page's commands
                ["/bin/bash", "-c", typed],
                cwd=self.folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "REDIS_URL": ""},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._terminals.append(terminal)
        return terminal

    def printed(self) -> str:
        """Return what all terminals show."""
        return "".join(file.read_text("utf-8") for file in sorted(self.folder.glob("terminal-*")))

    def end(self, terminal: subprocess.Popen[bytes]) -> None:
        """Press Ctrl-C in a terminal, until it has ended."""
        os.killpg(terminal.pid, signal.SIGINT)
        try:
            terminal.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(terminal.pid, signal.SIGKILL)
            terminal.wait()

    def close(self) -> None:
        """End all terminals."""
        for terminal in self._terminals:
            if terminal.poll() is None:
                self.end(terminal)


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).status_code > 0
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def clone(executable: str, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """Start the stack as the page says."""
    assert executable
    clone = Clone(tmp_path_factory.mktemp("clone"), packages)
    try:
        clone.type("make demo")
        clone.url("http://127.0.0.1:8000/local/info")
        yield clone
    finally:
        clone.close()


def test_commands_before_the_apps_exist() -> None:
    """The page begins with words of the Makefile."""
    assert (
        set(re.findall(r"^\$ make ([a-z-]+)", PAGE, re.MULTILINE)) == {"examples", "demo"} <= make_targets()
    )


class Pair(NamedTuple):
    """A receiver and a page: words of the commands that start them, its address, and what is printed."""

    receiver: str
    server: str
    address: str
    printed: str


@pytest.mark.parametrize(
    "pair",
    [
        Pair("express", "vite", "http://localhost:5173/react/", "from React true"),
        Pair("fastapi", "vite", "http://localhost:5173/vue/", "from Vue True"),
        Pair("django", "http.server", "http://localhost:5173/html/", "from HTML True"),
    ],
    ids=lambda pair: pair.receiver,
)
def test_receiver_hears_of_an_upload_from_the_page(
    clone: Clone, browser_by_path: Browser, lend_tab: Callable[[Browser], Tab], pair: Pair, tmp_path: Path
) -> None:
    """Typed from the page, each pair uploads two files of one name and receives their signed events."""
    terminals = [clone.type("export WEBHOOK", pair.receiver), clone.type(pair.server)]
    clone.url("http://127.0.0.1:3000/webhook")
    tab = lend_tab(browser_by_path)
    page = tab.page
    lines: list[str] = []
    tab.on("console", lambda line: lines.append(line.text))
    page.goto(clone.url(pair.address))
    for file in (SAMPLE, shutil.copy(SAMPLE, tmp_path)):
        page.locator('input[type="file"]').first.set_input_files(file)
    expect(page.locator("body")).to_contain_text(re.compile(r"\b\d{19}\b"), timeout=PATIENCE)
    event = f"upload.completed alice {pair.printed}"
    wait_until(lambda: clone.printed().count(event) == 2, "the events")
    assert [line for line in lines if "same key" in line] == []
    for terminal in terminals:
        clone.end(terminal)
