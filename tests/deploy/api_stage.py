"""A stage that is deployed by the API to the cloud on this machine, from packages of a few bytes."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from local.deploy.by_api.code_bucket import COS_URL
from local.deploy.by_api.deployment import Choices, deploy_by_api, roll_back_by_api
from local.deploy.opened_stage import OpenedStage, open_stage
from local.deploy.scf_calls import API_URL, ScfCalls, ScfRefusedError
from local.package.archive import write_zip
from local.package.build import package_at
from local.package.contents import LIBRARIES
from local.repository import REPOSITORY
from tests.deploy.filled_example import SECRET, filled_example

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

    from tests.deploy.loopback_cloud import LoopbackCloud
    from tests.deploy.scf_cloud import ScfCloud

PREFIX = "scf-dev-vod-upload"
DEPLOYER: dict[str, str | None] = {"TENCENT_SECRET_ID": "AKIDexample", "TENCENT_SECRET_KEY": f"{SECRET}-9"}


class Done(NamedTuple):
    """A call that was answered: both as JSON, and the state that it left."""

    asked: str
    answered: str
    state: ScfCloud


class DirectCalls(ScfCalls):
    """Calls a cloud, or its state alone, without a connection, and is cut off at one of its calls."""

    cloud: LoopbackCloud | ScfCloud
    count: int = 0
    cut_after: int | None = None
    """The last call that has an effect, and its answer is lost; 0: none has one."""
    recorded: list[Done] | None = None
    """Where calls of a cloud's state are recorded."""
    known: Sequence[Done] = ()
    """The same calls of an earlier deployment, which are answered as then; the cloud does not see them."""

    def _once(self, action: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        self.count += 1
        if self.cut_after is not None and self.count > self.cut_after:
            raise ScfRefusedError("ClientNetworkError", "cut off")
        asked = json.dumps(parameters)
        if self.count <= len(self.known):
            known = self.known[self.count - 1]
            assert known.asked == f"{action} {asked}"
            answered = known.answered
        else:
            # A copy each, so that what is kept is no object of the caller.
            answered = json.dumps(self.cloud.answer(action, json.loads(asked)))
        if self.recorded is not None:
            state = copy.deepcopy(cast("ScfCloud", self.cloud))
            self.recorded.append(Done(f"{action} {asked}", answered, state))
        answer: dict[str, Any] = json.loads(answered)
        answer = answer.get("Response", answer)
        if self.count == self.cut_after:
            raise ScfRefusedError("ClientNetworkError", "cut off")
        if "Error" in answer:
            raise ScfRefusedError(answer["Error"]["Code"], answer["Error"]["Message"])
        return answer


@dataclass
class ApiStage:
    """The stage `dev`: its settings, its file and its packages, which a test changes."""

    cloud: LoopbackCloud
    folder: Path
    capsys: pytest.CaptureFixture[str]
    settings: dict[str, str | None] = field(default_factory=dict)
    edits: list[tuple[str, str]] = field(default_factory=list)
    calls: ScfCalls | None = None
    """Instead of calls by HTTP."""
    _opened: tuple[object, OpenedStage] | None = None

    def __post_init__(self) -> None:
        """Package every function."""
        for function in LIBRARIES:
            self.package(function, "first")

    def package(self, function: str, code: str) -> None:
        """Write the zip of a function anew."""
        write_zip(package_at(self.folder, function).archive, {f"{function}.py": code.encode()})

    def opened(self) -> OpenedStage:
        """Return the stage as a command opens it, but for the pauses; read once as long as it is the same."""
        state = (dict(self.settings), list(self.edits))
        if self._opened is None or self._opened[0] != state:
            self._opened = (state, self._read())
        calls = self.calls or self._opened[1].calls
        return dataclasses.replace(self._opened[1], calls=calls)

    def _read(self) -> OpenedStage:
        text = (REPOSITORY / "serverless.yml").read_text("utf-8")
        for before, after in self.edits:
            assert before in text
            text = text.replace(before, after, 1)
        (self.folder / "serverless.yml").write_text(text, "utf-8")
        (self.folder / ".env").write_text(filled_example({**DEPLOYER, **self.settings}), "utf-8")
        url = f"http://127.0.0.1:{self.cloud.port}"
        opened = open_stage("dev", repository=self.folder, environment={API_URL: url, COS_URL: url})
        return dataclasses.replace(opened, calls=ScfCalls(opened.values, url=url, pause=lambda _: None))

    def deploy(self, choices: Choices = Choices()) -> list[str]:  # noqa: B008  # a frozen value
        """Deploy, and return the faults."""
        return deploy_by_api(self.opened(), choices, build=self.folder)

    def deployed(self, choices: Choices = Choices()) -> str:  # noqa: B008  # as above
        """Deploy without a fault, and return what was printed."""
        self.capsys.readouterr()
        assert self.deploy(choices) == []
        return self.capsys.readouterr().out

    def plan(self) -> dict[str, Any]:
        """Return the plan."""
        return dict(json.loads(self.deployed(Choices(plan_only=True, as_json=True, change_urls=True))))

    def changes(self) -> list[tuple[str, str, str]]:
        """Return function, subject and action of each planned change, but for those of a release."""
        return [
            (it["function"], it["subject"], it["action"])
            for it in self.plan()["changes"]
            if it["subject"] not in ("version", "alias live")
        ]

    def roll_back(self, to: str) -> str:
        """Go back to a release, or list them all, and return what was printed."""
        self.capsys.readouterr()
        assert roll_back_by_api(self.opened(), to) == []
        return self.capsys.readouterr().out

    def directly(self, cloud: LoopbackCloud | ScfCloud, cut_after: int | None = None) -> DirectCalls:
        """Call this cloud without a connection from now on, and see no answer from call `cut_after` on."""
        calls = DirectCalls(self.opened().values, pause=lambda _: None)
        calls.cloud, calls.cut_after = cloud, cut_after
        self.calls = calls
        return calls


def name_of(function: str) -> str:
    """Return a function's name in the cloud."""
    return f"{PREFIX}-{function}"


def state_of(scf: ScfCloud) -> dict[str, Any]:
    """Return all that the cloud keeps, the code by its digest."""

    def short(function: Mapping[str, Any]) -> dict[str, Any]:
        code = json.dumps(function["Code"], sort_keys=True).encode()
        return {**function, "Code": hashlib.sha256(code).hexdigest()}

    return {
        "functions": {name: short(it) for name, it in scf.functions.items()},
        "versions": {name: [short(it) for it in listed] for name, listed in scf.versions.items()},
        "aliases": scf.aliases,
        "triggers": scf.triggers,
        "reserved": scf.reserved,
    }
