"""`python -m local serve` as a process: what it prints, and that nothing is left of it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from local.repository import REPOSITORY
from local.stack import serve_command
from tests.waiting import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.stack.stack import Stack

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@linux_only
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_everything(tmp_path: Path, ending: signal.Signals) -> None:
    """With a page open and functions warm, the end is orderly and leaves no process."""
    with _serving(tmp_path) as (process, url):
        requests.post(f"{url}/signature", timeout=30)
        with requests.get(f"{url}/local/events/stream", stream=True, timeout=30):
            children = _descendants(process.pid)
            process.send_signal(ending)
            code = process.wait(PATIENCE_SECONDS)

    assert code == 0
    assert len(children) >= 2
    assert _alive(children) == []


@linux_only
def test_killed_stack_leaves_no_process(tmp_path: Path) -> None:
    """Even SIGKILL leaves neither a Valkey nor a function behind."""
    with _serving(tmp_path) as (process, url):
        requests.post(f"{url}/signature", timeout=30)
        children = _descendants(process.pid)
        process.kill()
        process.wait()

    assert len(children) >= 2
    wait_until(lambda: _alive(children) == [], "the processes to end")


def test_banner_shows_the_address_and_no_secret(tmp_path: Path) -> None:
    """It can be shown to anybody; of the proxy, where it listens, and its name for the functions."""
    with _serving(tmp_path, "--proxy", "0") as (process, url):
        process.terminate()
        rest = process.stdout.read() if process.stdout else ""
    secrets = re.findall(r': "([^"]+)"', (tmp_path / "demo-secrets.json").read_text())

    assert url in rest or url.startswith("http://127.0.0.1:")
    assert re.search(r"Proxy for phones: 127\.0\.0\.1:\d+\. .* http://upload\.test/signature\.", rest)
    assert len(secrets) == 7
    assert [secret for secret in secrets if secret in rest] == []


@pytest.mark.parametrize(
    ("started_as", "shown"), [("/opt/bin/vodup", "vodup"), ("local/__main__.py", ".venv/bin/python -m local")]
)
def test_banner_names_the_command_that_works_here(
    monkeypatch: pytest.MonkeyPatch, started_as: str, shown: str
) -> None:
    """Who has installed `vodup` may be in any folder."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(sys, "argv", [started_as])
    monkeypatch.setattr(sys, "executable", str(REPOSITORY / ".venv/bin/python"))

    assert serve_command._program() == shown  # noqa: SLF001  # the banner of a whole stack has it


def test_taken_port_is_one_sentence_and_exit_1(stack: Stack, tmp_path: Path) -> None:
    """A port in use is said plainly, without a traceback."""
    port = stack.url.rpartition(":")[2]
    outcome = subprocess.run(  # noqa: S603  # our own words
        [*_command(tmp_path), "--port", port], check=False, capture_output=True, text=True, cwd=REPOSITORY
    )

    assert outcome.returncode == 1
    assert outcome.stderr == f"Port {port} is taken: end what listens there, or choose another port.\n"


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "local", "serve", "--port", "0", "--tls-port", "0", "--folder", str(folder)]


@contextlib.contextmanager
def _serving(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command and wait for the address in its banner."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    with subprocess.Popen(  # noqa: S603  # our own words
        [*_command(folder), *options], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            addresses = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
            yield process, next(address for address in addresses if address).group()
        finally:
            process.kill()


def _descendants(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task").glob("*/children")
    direct = [int(child) for file in children for child in file.read_text().split()]
    return direct + [descendant for child in direct for descendant in _descendants(child)]


def _alive(processes: list[int]) -> list[int]:
    return [process for process in processes if Path(f"/proc/{process}/exe").exists()]
