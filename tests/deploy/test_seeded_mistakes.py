"""Mistakes that people make in `serverless.yml` and `.env`: the checks and the proof both report each.

The checks run before a deployment; the proof deploys with the published packages to the cloud on this
machine, and would find what the checks miss.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from local.package.checks import check
from local.package.contents import LIBRARIES, folder_of
from local.repository import REPOSITORY
from tests.deploy.filled_example import filled_example
from tests.deploy.loopback_cloud import loopback_cloud
from tests.deploy.proof import COMMAND_LINE, proof_faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from local.package.build import Package

POLICIES = json.dumps({"default": {}, **{f"p{number}": {"procedures": ["p" * 60]} for number in range(50)}})
NETWORK = "        netConfig: {enableExtranet: true, enableIntranet: false}\n"


@dataclass(frozen=True)
class Mistake:
    """One mistake: a replaced text of the file or settings, and the expected reports.

    `ends_it`: the deployment stops there, so that nothing else can be found.
    """

    checked: str
    proved: str
    edit: tuple[str, str] = ("", "")
    settings: dict[str, str | None] = field(default_factory=dict)
    ends_it: bool = False


MISTAKES = {
    "a setting is not in the file": Mistake(
        "No value, not even an empty one, has: REDIS_URL.",
        "gets no REDIS_URL.",
        settings={"REDIS_URL": None},
        ends_it=True,
    ),
    "a setting is misspelt in serverless.yml": Mistake(
        "No value, not even an empty one, has: CONTEXT_KEY.",
        "upload_signature gets no CONTEXT_KEYS.",
        edit=("'${env:CONTEXT_KEYS}'", "'${env:CONTEXT_KEY}'"),
        ends_it=True,
    ),
    "a setting is part of a longer text": Mistake(
        "No value, not even an empty one, has: REDIS_HOST.",
        "A value has the text 'undefined'.",
        edit=("'${env:REDIS_URL}'", "'redis://${env:REDIS_HOST}'"),
    ),
    "a shell had no value for a setting": Mistake(
        "DEPLOY_REGION had no value when it was set",
        "A value has the text 'undefined'.",
        settings={"DEPLOY_REGION": "undefined"},
    ),
    "a role is missing": Mistake(
        "DEPLOY_ROLE_EVENT_DELIVERY",
        "event_delivery has no role.",
        settings={"DEPLOY_ROLE_EVENT_DELIVERY": None},
    ),
    "a role for all": Mistake(
        "a role in common gives every function the rights of all",
        "upload_signature has a role.",
        edit=("  runtime: Python3.10\n", "  runtime: Python3.10\n  role: vod-upload\n"),
    ),
    "no private network": Mistake(
        "DEPLOY_VPC_ID",
        "upload_signature has no VpcConfig.VpcId.",
        settings={"DEPLOY_VPC_ID": None},
    ),
    "no log topic": Mistake(
        "DEPLOY_CLS_TOPIC_ID",
        "upload_signature has no ClsTopicId.",
        settings={"DEPLOY_CLS_TOPIC_ID": None},
    ),
    "policies are too long": Mistake(
        "upload_signature: its variables take",
        "Environment is too large",
        settings={"UPLOAD_POLICIES": POLICIES},
        ends_it=True,
    ),
    "a reserved name": Mistake(
        "the platform takes no variable SCF_STAGE.",
        "Environment has a reserved name",
        edit=("key: STAGE", "key: SCF_STAGE"),
        ends_it=True,
    ),
    "another component": Mistake(
        "component: must be multi-scf.",
        "The component is scf.",
        edit=("component: multi-scf", "component: scf"),
    ),
    "the other spelling of variables": Mistake(
        "upload_signature: environment.variables is dropped without a word; use environments.",
        "upload_signature gets no ",
        edit=(
            "        - {key: REDIS_URL, value: '${env:REDIS_URL}'}\n",
            "      environment: {variables: {REDIS_URL: '${env:REDIS_URL}'}}\n      more:\n",
        ),
    ),
    "an older Python": Mistake(
        "runtime must be Python3.10",
        "upload_signature runs on Python3.9.",
        edit=("runtime: Python3.10", "runtime: Python3.9"),
    ),
    "a handler in a folder": Mistake(
        "upload_status: the platform takes no handler",
        "Handler is not file.function",
        edit=("handler: upload_status.main", "handler: functions/upload_status.main"),
        ends_it=True,
    ),
    "the handler of another function": Mistake(
        "there is no file upload_signature.py in ./upload-status",
        "upload_status has the handler upload_signature.main_handler.",
        edit=("handler: upload_status.main", "handler: upload_signature.main"),
    ),
    "the package of another function": Mistake(
        "there is no file upload_status.py in ./event-delivery",
        "upload_status has the code event-delivery.zip.",
        edit=("src: ./upload-status", "src: ./event-delivery"),
    ),
    "memory that cannot be bought": Mistake(
        "upload_signature: memorySize must be",
        "MemorySize is out of range",
        edit=("memorySize: 256", "memorySize: 200"),
        ends_it=True,
    ),
    "a time-out that is none": Mistake(
        "upload_signature: timeout must be 1 to 900 seconds.",
        "Timeout is out of range",
        edit=("timeout: 5\n", "timeout: 901\n"),
        ends_it=True,
    ),
    "secrets would be uploaded": Mistake(
        "src.exclude must name .env and **/.env*",
        ".env leaves the machine.",
        edit=("[.env, '**/.env*']", "['**/*.md']"),
    ),
    "bytecode would stay here": Mistake(
        "src.exclude drops the bytecode, and SCF writes none.",
        "No bytecode is uploaded.",
        edit=("'**/.env*']", "'**/.env*', '**/*.pyc']"),
    ),
    "a URL for accounts of the cloud": Mistake(
        "authType must be NONE",
        "The URL of upload_signature cannot be called by everybody.",
        edit=("authType: NONE", "authType: CAM"),
    ),
    "a URL for nobody": Mistake(
        "is reachable from nowhere.",
        "The URL of upload_signature cannot be called by everybody.",
        edit=(NETWORK, ""),
    ),
    "CORS in two places": Mistake(
        "CORS is answered by the code; corsConfig would answer a second time.",
        "The URL of upload_signature answers CORS beside the code.",
        edit=(NETWORK, f"{NETWORK}        corsConfig: {{enable: true, origins: ['*']}}\n"),
    ),
    "a timer that is off": Mistake(
        "without enable: true it never fires.",
        "The timer of reliable_notification never fires.",
        edit=("enable: true", "enable: false"),
    ),
    "a trigger for nobody": Mistake(
        "trigger of upload_state: there is no such function.",
        "The component does not take it: ",
        edit=("function: upload_status", "function: upload_state"),
        ends_it=True,
    ),
    "a trigger of a kind that is gone": Mistake(
        "type apigw fails after the functions have been deployed.",
        "trigger for event_notification, upload_status alone.",
        edit=("type: http", "type: apigw"),
        ends_it=True,
    ),
    "a cron of five fields": Mistake(
        "cronExpression needs 7 fields.",
        "TriggerDesc is no cron of 7 fields",
        edit=("'0 * * * * * *'", "'* * * * *'"),
        ends_it=True,
    ),
    "a trigger without its qualifier": Mistake(
        "the second deployment creates it again.",
        "A second deployment calls CreateTrigger again.",
        edit=("        qualifier: $DEFAULT\n", ""),
    ),
    "YAML that is none": Mistake(
        "serverless.yml cannot be read, line ",
        "The component does not take it: ",
        edit=("  triggers:", "\ttriggers:"),
        ends_it=True,
    ),
}


def write_down(mistakes: Iterable[Mistake], folder: Path) -> None:
    """Write the two files with this mistake."""
    text = (REPOSITORY / "serverless.yml").read_text(encoding="utf-8")
    settings: dict[str, str | None] = {}
    for mistake in mistakes:
        assert mistake.edit[0] in text
        text = text.replace(*mistake.edit, 1)
        settings |= mistake.settings
    (folder / ".env").write_text(filled_example(settings), encoding="utf-8")
    (folder / "serverless.yml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", MISTAKES)
def test_check_names_the_mistake(packages: list[Package], tmp_path: Path, name: str) -> None:
    """The checks report the mistake in a sentence, before anything is uploaded."""
    write_down([MISTAKES[name]], tmp_path)
    found = check("dev", repository=tmp_path, build=packages[0].folder.parents[1], environment={})

    assert [fault for fault in found if MISTAKES[name].checked in fault] != [], found
    assert all(fault.endswith(".") for fault in found)


def proved(mistakes: Iterable[Mistake], folder: Path) -> list[str]:
    """Deploy minimal packages; the content of real ones is tested elsewhere."""
    write_down(mistakes, folder)
    for function in LIBRARIES:
        package = folder / "build" / "functions" / folder_of(function)
        package.mkdir(parents=True)
        (package / f"{function}.py").write_text("")
        (package / "library.pyc").write_bytes(b"")
        (package / ".env").write_text("")
    with loopback_cloud() as cloud:
        return proof_faults(cloud, folder)


needs_node = pytest.mark.skipif(
    not COMMAND_LINE.exists() or shutil.which("node") is None,
    reason="the packages that deploy are not installed: make test installs them",
)


@pytest.mark.proof
@needs_node
def test_proof_has_nothing_to_say_without_a_mistake(tmp_path: Path) -> None:
    """The proof reports nothing for a valid deployment."""
    assert proved([], tmp_path) == []


ALONE = [name for name, mistake in MISTAKES.items() if mistake.ends_it]
TOGETHER = [name for name in MISTAKES if name not in ALONE]


@pytest.mark.proof
@needs_node
@pytest.mark.parametrize("names", [*([name] for name in ALONE), TOGETHER[::2], TOGETHER[1::2]], ids="; ".join)
def test_proof_names_the_mistakes(tmp_path: Path, names: list[str]) -> None:
    """The proof reports the mistake as it would show in the cloud."""
    mistakes = [MISTAKES[name] for name in names]
    found = proved(mistakes, tmp_path)

    assert [it.proved for it in mistakes if not any(it.proved in fault for fault in found)] == [], found
