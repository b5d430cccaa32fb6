"""A deployment on a local stack of its own, changed by a test and examined by the doctor.

Every run is checked for secrets and the store's address in its output.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from local.__main__ import main
from local.doctor.vod_calls import VodCalls
from shared.config.settings import VodApiSettings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from local.doctor.vod_calls import EventConfiguration
    from local.stack.stack import Stack

_SECRET = re.compile(r"REDIS_URL|CALLBACK_TOKENS|[A-Z_]*(SECRET|SECRETS|KEY|KEYS|SECRETKEY|SESSIONTOKEN)")
_LEAST_SECRET = 8
_DOTS = 2
"""In a JWT."""
ORIGIN = "https://app.example.test"
"""The one whose pages may call the functions."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run: `document` is standard output, `told` standard error."""

    code: int
    document: dict[str, Any]
    told: str

    @property
    def checks(self) -> list[dict[str, Any]]:
        """Every finding."""
        return list(self.document["checks"])

    def named(self, check: str) -> list[dict[str, Any]]:
        """Return the findings of one check."""
        return [finding for finding in self.checks if finding["check"] == check]

    def level_of(self, check: str) -> str:
        """Return the level of a check's only finding."""
        (finding,) = self.named(check)
        return str(finding["level"])

    def at(self, level: str) -> list[str]:
        """Return the names of the checks with findings of this level, in order."""
        return [str(finding["check"]) for finding in self.checks if finding["level"] == level]


class Patient:
    """A deployment whose services are those of a stack, unless a test changes them."""

    def __init__(self, stack: Stack, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Keep its .env in `folder`."""
        self.stack = stack
        self.callback_base = f"{stack.url}/vod-callback"
        self.file = folder / "deployment.env"
        self._capsys = capsys

    def examine(self, *words: str, **changes: str | None) -> Outcome:
        """Run the doctor on it, with some variables changed; None removes one."""
        environment = self.environment(**changes)
        self.file.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
        urls = {
            "--callback-url": self.callback_base,
            "--signature-url": self.stack.url,
            "--status-url": self.stack.url,
        }
        where = [word for option in urls.items() if option[0] not in words for word in option]
        return self.run(environment, "--env-file", str(self.file), *where, *words)

    def run(self, environment: dict[str, str], *words: str) -> Outcome:
        """Run the doctor, and assert that its output has no secret, nor the token after `--token`."""
        self._capsys.readouterr()
        code = main(["doctor", *words, "--json"])
        captured = self._capsys.readouterr()
        assert_secretless(captured.out + captured.err, environment)
        assert not [word for word in words if words[:1] and word.count(".") == _DOTS and word in captured.out]
        return Outcome(code, json.loads(captured.out), captured.err)

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Return its variables."""
        variables: dict[str, str | None] = {**self.stack.environment, **changes}
        return {name: value for name, value in variables.items() if value is not None}

    def event_configuration(self) -> EventConfiguration:
        """Return VOD's event configuration."""
        return self._calls().event_configuration(None)

    def set_event_configuration(self, configuration: EventConfiguration) -> None:
        """Set VOD's event configuration, as an operator would."""
        self._calls().set_event_configuration(configuration, None, sign_key=None)

    def set_fault(self, **rule: object) -> None:
        """Set the stack's fault dial to one rule that strikes once."""
        rules: dict[str, Any] = {"faults": [{"times": 1, **rule}]}
        requests.put(f"{self.stack.url}/local/faults", json=rules, timeout=10).raise_for_status()

    def _calls(self) -> VodCalls:
        return VodCalls(load_settings(VodApiSettings, self.stack.environment))


def assert_secretless(text: str, environment: dict[str, str]) -> None:
    """Assert that a text holds no secret of the environment, and not the store's address."""
    for name, value in environment.items():
        if _SECRET.fullmatch(name):
            secrets = [entry for entry in value.split(",") if len(entry) >= _LEAST_SECRET]
            assert not [name for secret in secrets if secret in text], name
    store = urlsplit(environment.get("REDIS_URL", ""))
    assert not store.netloc or store.netloc.rpartition("@")[2] not in text
    assert not store.password or store.password not in text
