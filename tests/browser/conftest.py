"""Fixtures for a real Chromium and a real stack; `upload_page` drives the page."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Playwright, sync_playwright

from local.chromium import find_chromium
from local.stack.demo_settings import POLICIES
from local.stack.stack import Stack
from tests.browser.app_server import AppServer
from tests.browser.tab import Tab
from tests.browser.upload_page import UploadPage
from tests.clients.packed_client import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OPTIONS = (
    "--no-sandbox",  # a container's root user has no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL_NAMES_ONLY = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
LAN_ADDRESS = "192.168.0.10"
"""No `localhost`: for a page over plain http from this address, the browser is not a secure context."""
HASTY = {"hasty": {"ttlSeconds": 1}}
ADDRESSES: dict[str, Callable[[Stack], str]] = {
    "path": lambda stack: f"{stack.url}/",
    "name": lambda stack: f"{stack.tls_url}/?mapping=off",
    "lan": lambda stack: f"http://{LAN_ADDRESS}:{urlsplit(stack.url).port}/",
}


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker by which these tests can be deselected."""
    config.addinivalue_line("markers", "browser: needs a Chromium and takes seconds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def executable() -> str:
    """Return the system's Chromium, or skip; `make test` has tried to install one."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium was found: apt-get install chromium")
    return path


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start Playwright's driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """Serve the files of an app of one's own, under an origin that the stack's functions allow."""
    with AppServer(tmp_path_factory.mktemp("app")) as server:
        yield server


@pytest.fixture(scope="session")
def stack(
    executable: str, app_server: AppServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Start the whole system, with an additional policy whose signatures expire after a second."""
    assert executable
    policies = json.dumps({**POLICIES, **HASTY})
    overrides = {"UPLOAD_POLICIES": policies, "CORS_ORIGINS": app_server.origin}
    with Stack(folder=tmp_path_factory.mktemp("stack"), overrides=overrides) as stack:
        yield stack


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder `node_modules` with the packed client, for projects to copy."""
    return install(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def browser_by_path(playwright: Playwright, executable: str) -> Iterator[Browser]:
    """Start a browser that resolves only local names: VOD is reached by the page's path mapping.

    `LAN_ADDRESS` leads to this machine, as for a phone in the same network.
    """
    rules = f"MAP {LAN_ADDRESS} 127.0.0.1, {LOCAL_NAMES_ONLY}"
    browser = _launch(playwright, executable, f"--host-resolver-rules={rules}")
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser_by_name(playwright: Playwright, executable: str, stack: Stack) -> Iterator[Browser]:
    """Start a browser that resolves VOD's own names to the stack's TLS port and trusts its key."""
    address = urlsplit(stack.tls_url).netloc.replace("localhost", "127.0.0.1")
    hosts = ("vod2.qcloud.com", "vod2.dnsv1.com", "vodreport.qcloud.com", "*.myqcloud.com", "*.tencentcos.cn")
    rules = ", ".join([*(f"MAP {host}:443 {address}" for host in hosts), LOCAL_NAMES_ONLY])
    browser = _launch(
        playwright,
        executable,
        f"--host-resolver-rules={rules}",
        f"--ignore-certificate-errors-spki-list={_key_digest(stack.ca_file.with_name('server.pem').read_bytes())}",
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def tabs() -> dict[Browser, list[Tab]]:
    """Keep the tabs of each browser, which are of one profile."""
    return {}


@pytest.fixture
def lend_tab(tabs: dict[Browser, list[Tab]]) -> Iterator[Callable[[Browser], Tab]]:
    """Lend a test a tab of a browser, the second time another one; each is cleaned behind it."""
    lent: list[Tab] = []

    def lend(browser: Browser) -> Tab:
        kept = tabs.setdefault(browser, [])
        if all(tab in lent for tab in kept):
            # No test is about a transition, and each of its frames would be painted.
            kept.append(Tab(kept[0].page.context if kept else browser.new_context(reduced_motion="reduce")))
        lent.append(next(tab for tab in kept if tab not in lent))
        return lent[-1]

    yield lend
    for tab in lent:
        tab.clean()


@pytest.fixture
def open_page(
    stack: Stack, request: pytest.FixtureRequest, lend_tab: Callable[[Browser], Tab]
) -> Iterator[Callable[..., UploadPage]]:
    """Open the page `by` one of `ADDRESSES`; fail at the end if it logged errors.

    A second one is another tab of the same browser profile.
    `without` is a script that runs before the page's own and takes features of the browser away.
    """
    opened: list[UploadPage] = []

    def open_one(*, by: str = "path", width: int = 1280, height: int = 900, without: str = "") -> UploadPage:
        browser: Browser = request.getfixturevalue("browser_by_name" if by == "name" else "browser_by_path")
        tab = lend_tab(browser)
        if without:
            tab.run_first(without)
        tab.page.set_viewport_size({"width": width, "height": height})
        page = UploadPage(tab, stack, ADDRESSES[by](stack))
        opened.append(page)
        page.open()
        return page

    yield open_one
    assert [complaint for page in opened for complaint in page.complaints] == []


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[str, int], Path]:
    """Create a file with unique bytes: a random block, repeated and numbered."""

    def make(name: str, size: int) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        block = os.urandom(1 << 20)
        with path.open("wb") as file:
            for number in range(0, size, len(block)):
                file.write((number.to_bytes(8, "big") + block[8:])[: size - number])
        return path

    return make


def _launch(playwright: Playwright, executable: str, *options: str) -> Browser:
    return playwright.chromium.launch(executable_path=executable, args=[*OPTIONS, *options])


def _key_digest(pem: bytes) -> str:
    first = re.search(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    assert first is not None
    key = x509.load_pem_x509_certificate(first[0]).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return base64.b64encode(digest.digest()).decode()
