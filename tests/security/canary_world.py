"""A stack whose secrets are canaries, the actions on it, and all of its output."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import requests

from local.__main__ import main
from local.repository import REPOSITORY
from local.stack.demo_settings import DEMO_AUDIENCE, user_token
from tests.security.canaries import CANARIES, STORE_PASSWORD, canary_environment
from tests.security.canary_stack import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Self

KEPT_FOR_COMMANDS = ("demo-secrets.json", "environment.json")
"""Files that hold the secrets on purpose, readable by their owner only."""
_OF_VOD = "simulator"
"""The folder of the simulated VOD, which is given keys and callback URL."""
_SECONDS = 60


@dataclass
class CanaryWorld:
    """A running stack; `outputs` are name and text of everything it has output so far."""

    folder: Path
    outputs: list[tuple[str, str]] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        """Start the stack as a process of its own, so that all of its output is captured."""
        context = get_context("spawn")
        self._orders, orders = context.Pipe()
        self._process = context.Process(
            target=serve, args=(self.state, self.folder / "stack.output", orders), daemon=True
        )
        self._process.start()
        self.url = self._orders.recv()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the stack."""
        self._orders.send("stop the stack")
        self._process.join(_SECONDS)

    def lose_store(self) -> None:
        """Stop the store for good."""
        self._orders.send("stop the store")
        assert self._orders.recv()

    @property
    def state(self) -> Path:
        """The folder of the stack."""
        return self.folder / "state"

    def settings_file(self, variables: Mapping[str, str]) -> Path:
        """Write a file of settings, which is to be deleted again: it holds secrets."""
        file = self.folder / "settings.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()), encoding="utf-8")
        return file

    def log_lines(self) -> list[str]:
        """Read the functions' log."""
        return (self.state / "functions.log").read_text(encoding="utf-8").splitlines()

    def ask(self, method: str, path: str, status: int, **parts: Any) -> requests.Response:  # noqa: ANN401 -- of requests
        """Send one request, as alice unless it has headers; assert its status, and record the answer."""
        sent = {"headers": {"Authorization": f"Bearer {self.token('alice')}"}, **parts}
        answer = requests.request(method, self.url + path, timeout=_SECONDS, **sent)
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        if path == "/signature" and status == 200:
            is_text = answer.headers["content-type"].startswith("text/plain")
            self.signatures.append(answer.text if is_text else answer.json()["signature"])
        kind = path.split("/")[1]
        self.outputs.append((f"{method} /{kind} {status}", f"{answer.headers} {answer.text}"))
        return answer

    def command(self, code: int | None, *words: str, given: str = "", **changes: str) -> str:
        """Run `python -m local …` with the canaries in its environment; keep its output and exit code.

        `code` is the exit code it must have; None allows faults to be found. The first run of each command
        is a process of its own, which the process list shows; further ones run in this process.
        """
        canaries = canary_environment(f"redis://:{STORE_PASSWORD}@127.0.0.1:9/0")
        variables = {name: value for name, value in {**os.environ, **canaries, **changes}.items() if value}
        is_known = any(name == f"local {words[0]}" for name, _ in self.outputs)
        ended, out, err = (_called if is_known else self._started)(words, given, variables)
        self.outputs.append((f"local {words[0]}", out + err))
        assert ended in ((0, 1) if code is None else (code,)), out + err
        return out

    def _started(self, words: tuple[str, ...], given: str, variables: dict[str, str]) -> tuple[int, str, str]:
        command, pipe = [sys.executable, "-m", "local", *words], subprocess.PIPE
        process = subprocess.Popen(  # noqa: S603 -- our own commands
            command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=REPOSITORY, env=variables, text=True
        )
        self.record_processes()
        out, err = process.communicate(given, timeout=_SECONDS)
        return process.returncode, out, err

    def record_processes(self) -> None:
        """Record what every user of this machine can see of its processes."""
        seen = []
        for process in Path("/proc").iterdir():
            for shown in ("cmdline", "comm") if process.name.isdigit() else ():
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    seen.append((process / shown).read_text(errors="replace"))
        assert seen
        self.outputs.append(("process list", "\n".join(seen)))

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield every file that the stack has written, except those that hold the secrets on purpose."""
        for path in sorted(self.folder.rglob("*")):
            place = path.relative_to(self.folder)
            if path.is_file() and path.name not in KEPT_FOR_COMMANDS and _OF_VOD not in place.parts:
                yield str(place), path.read_bytes().decode("latin-1")

    def token(self, user: str, *, secret: int = 0) -> str:
        """Sign a user's token with one of the canary keys."""
        login = {"JWT_SECRETS": CANARIES["JWT_SECRETS"][secret], "JWT_AUDIENCE": DEMO_AUDIENCE}
        return user_token(login, user=user, ttl_seconds=600)

    def read_events(self) -> None:
        """Record the events that the app has received; there must be some."""
        answer = requests.get(f"{self.url}/local/events", timeout=_SECONDS)
        assert answer.json()
        self.outputs.append(("the app's events", answer.text))


def _called(words: tuple[str, ...], given: str, variables: dict[str, str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch.dict(os.environ, variables, clear=True),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()))),
    ):
        try:
            ended = main(words)
        except SystemExit as wrong:
            ended = int(wrong.code or 0)
    return ended, out.getvalue(), err.getvalue()
