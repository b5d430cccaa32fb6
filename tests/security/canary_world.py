"""A stack whose secrets are canaries, the actions on it, and all of its output."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from local.repository import REPOSITORY
from local.stack.demo_settings import user_token
from tests.security.canaries import CANARIES, STORE_PASSWORD, canary_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

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
        with (self.folder / "stack.stderr").open("wb") as told:
            self._process = subprocess.Popen(  # noqa: S603 -- our own program
                [sys.executable, "-m", "tests.security.canary_stack", str(self.folder / "state")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                cwd=REPOSITORY,
                text=True,
            )
        self.url = json.loads(self._line())["url"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stack."""
        self._process.communicate(timeout=_SECONDS)

    def lose_store(self) -> None:
        """Stop the store for good."""
        if self._process.stdin is not None:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        self._line()

    @property
    def state(self) -> Path:
        """The folder of the stack."""
        return self.folder / "state"

    def ask(
        self,
        method: str,
        path: str,
        status: int,
        *,
        user: str | None = "alice",
        headers: Mapping[str, str] | None = None,
        **parts: Any,  # noqa: ANN401 -- the arguments of requests
    ) -> requests.Response:
        """Send one request, assert its status, and record the answer."""
        sent = {} if user is None else {"Authorization": f"Bearer {self.token(user)}"}
        answer = requests.request(
            method, self.url + path, headers={**sent, **(headers or {})}, timeout=_SECONDS, **parts
        )
        assert answer.status_code == status, answer.text
        if path == "/signature" and status == 200:
            is_text = answer.headers["content-type"].startswith("text/plain")
            self.signatures.append(answer.text if is_text else answer.json()["signature"])
        kind = path.split("/")[1]
        self.outputs.append((f"{method} /{kind} {status}", f"{answer.headers} {answer.text}"))
        return answer

    def command(self, code: int | None, *words: str, given: str = "", **changes: str) -> str:
        """Run `python -m local …` with the canaries in its environment, and record output and process list.

        `code` is the expected exit code; None allows faults to be found.
        """
        canaries = canary_environment(f"redis://:{STORE_PASSWORD}@127.0.0.1:9/0")
        variables = {**os.environ, **canaries, **changes}
        process = subprocess.Popen(  # noqa: S603 -- our own commands
            [sys.executable, "-m", "local", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=REPOSITORY,
            env={name: value for name, value in variables.items() if value},
            text=True,
        )
        self.record_processes()
        out, err = process.communicate(given, timeout=_SECONDS)
        self.outputs.append((f"local {words[0]}", out + err))
        assert process.returncode in ((0, 1) if code is None else (code,)), out + err
        return out

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
        return user_token({"JWT_SECRETS": CANARIES["JWT_SECRETS"][secret]}, user=user, ttl_seconds=600)

    def read_events(self) -> None:
        """Record the events that the app has received; there must be some."""
        answer = requests.get(f"{self.url}/local/events", timeout=_SECONDS)
        assert answer.json()
        self.outputs.append(("the app's events", answer.text))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.outputs.append(("stack's output", line))
        assert line, (self.folder / "stack.stderr").read_text()
        return line
