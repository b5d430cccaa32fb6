"""Carry a deployment through with the published packages, and return what is wrong with the result.

The cloud is on this machine; the expected result is written here and not read from `serverless.yml`.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.deploy.serverless_file import settings_of
from local.package.contents import folder_of
from local.package.function_settings import ROLE_VARIABLES, SETTINGS
from shared.config.settings import variables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deploy.loopback_cloud import LoopbackCloud

NODE = Path(__file__).parent / "node"
COMMAND_LINE = NODE / "node_modules" / "serverless" / "bin" / "serverless.js"
STAGE = "dev"
PREFIX = f"scf-{STAGE}-vod-upload"
WITH_URL = frozenset({"upload_signature", "upload_status", "event_notification"})
WITH_TIMER = frozenset({"reliable_notification", "event_delivery"})
WITH_ROLE = frozenset({"event_notification", "reliable_notification", "event_delivery"})
SET_BY_SCF = frozenset({*ROLE_VARIABLES, "SCF_FUNCTIONNAME", "TENCENTCLOUD_RUNENV"})
NEVER_DEPLOYED = SET_BY_SCF | {"APP_WEBHOOK_ALLOW_INSECURE"}
PUBLIC = {"EnableExtranet": True, "EnableIntranet": False}
_LAST_WORDS = 300


class NodeFailedError(Exception):
    """A program under Node failed; the message is the end of its output."""


def run_node(
    cloud: LoopbackCloud, command: list[str], *, folder: Path, given: str = "", **variables: str
) -> None:
    """Run a program under Node that can reach nothing but the loopback cloud.

    Raises:
        NodeFailedError: it ended with a fault.

    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NODE_OPTIONS": f"--require {NODE / 'to_loopback.cjs'}",
        "LOOPBACK_PORT": str(cloud.port),
        "SLS_TRACKING_DISABLED": "1",
        "TENCENT_SECRET_ID": "AKIDexample",
        "TENCENT_SECRET_KEY": "example",
        **variables,
    }
    run = subprocess.run(  # noqa: S603  # pinned packages
        ["node", *command],  # noqa: S607  # whichever is installed
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if run.returncode != 0:
        raise NodeFailedError((run.stdout + run.stderr)[-_LAST_WORDS:])


def run_command_line(cloud: LoopbackCloud, folder: Path) -> dict[str, Any]:
    """Deploy the stage `dev` with the CLI; return what its engine was asked to deploy.

    Raises:
        NodeFailedError: it refused.

    """
    command = [str(COMMAND_LINE), "deploy", "--stage", "dev"]
    run_node(cloud, command, folder=folder, SERVERLESS_PLATFORM_VENDOR="tencent", CI="1")
    if cloud.deployed is None:
        raise NodeFailedError("it ended without a fault and had nothing deployed")
    return dict(cloud.deployed["inputs"])


def run_component(
    cloud: LoopbackCloud, inputs: dict[str, Any], folder: Path, *, times: int = 1, stage: str = STAGE
) -> None:
    """Run the library of the engine's component with these inputs.

    Raises:
        NodeFailedError: the library, or the cloud, refused.

    """
    prefix = PREFIX.replace(STAGE, stage)
    given = json.dumps({"prefix": prefix, "stage": stage, "inputs": inputs, "times": times})
    run_node(cloud, [str(NODE / "deploy_functions.cjs")], folder=folder, given=given)


def proof_faults(cloud: LoopbackCloud, folder: Path) -> list[str]:
    """Deploy what is in `folder`, twice, and return a sentence for each thing that is wrong."""
    try:
        inputs = run_command_line(cloud, folder)
    except NodeFailedError as error:
        return [f"The CLI does not deploy it: {error}"]
    found = [*_of_zip(cloud.uploaded), *_of_inputs(inputs)]
    if cloud.deployed is not None and cloud.deployed["componentName"] != "multi-scf":
        found.append(f"The component is {cloud.deployed['componentName']}.")
    try:
        run_component(cloud, inputs, folder, times=2)
    except NodeFailedError as error:
        return [*found, f"The component does not take it: {error}"]
    found += cloud.scf.refused
    created = Counter(
        (action, asked.get("FunctionName"), asked.get("Type"))
        for action, asked in cloud.calls
        if action.startswith("Create")
    )
    if again := sorted({action for (action, *_), times in created.items() if times > 1}):
        found.append(f"A second deployment calls {', '.join(again)} again.")
    return [*found, *_of_functions(cloud), *_of_triggers(cloud)]


def _of_zip(content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
    if secret := [name for name in names if "/.env" in f"/{name}"]:
        yield f"{secret[0]} leaves the machine."
    if not any(name.endswith(".pyc") for name in names):
        yield "No bytecode is uploaded."


def _of_inputs(inputs: dict[str, Any]) -> Iterator[str]:
    if "undefined" in json.dumps(inputs):
        yield "A value has the text 'undefined'."
    for key, function in inputs.get("functions", {}).items():
        wanted = variables_of(SETTINGS[key]) - NEVER_DEPLOYED
        wanted -= {"VOD_SECRET_ID", "VOD_SECRET_KEY"} if key in WITH_ROLE else set()
        if missing := sorted(wanted - settings_of(function).keys()):
            yield f"{key} gets no {', '.join(missing)}."


def _of_functions(cloud: LoopbackCloud) -> Iterator[str]:
    made = {name.removeprefix(f"{PREFIX}-"): asked for name, asked in cloud.functions.items()}
    if made.keys() != SETTINGS.keys():
        yield f"The functions are {', '.join(sorted(made))}."
    for key, asked in made.items():
        if asked["Runtime"] != "Python3.10":
            yield f"{key} runs on {asked['Runtime']}."
        if asked["Handler"] != f"{key}.main_handler":
            yield f"{key} has the handler {asked['Handler']}."
        if asked["Code"].get("CosObjectName") != f"/{folder_of(key)}.zip":
            yield f"{key} has the code {asked['Code'].get('CosObjectName')}."
        if bool(asked.get("Role")) != (key in WITH_ROLE):
            yield f"{key} has {'a' if asked.get('Role') else 'no'} role."
        network = asked.get("VpcConfig", {})
        parts = {**asked, **network}
        for part in ("VpcId", "SubnetId", "ClsLogsetId", "ClsTopicId", "InitTimeout"):
            if not parts.get(part):
                yield f"{key} has no {part}."
        if asked.get("PublicNetConfig", {}).get("PublicNetStatus") != "ENABLE":
            yield f"{key} cannot reach the public network."


def _of_triggers(cloud: LoopbackCloud) -> Iterator[str]:
    made = {name.removeprefix(f"{PREFIX}-"): kept for name, kept in cloud.triggers.items()}
    for key, asked in ((key, asked) for key, kept in made.items() for asked in kept):
        if asked["Type"] == "http":
            described = json.loads(asked["TriggerDesc"])
            if described.get("AuthType") != "NONE" or not PUBLIC.items() <= described["NetConfig"].items():
                yield f"The URL of {key} cannot be called by everybody."
            if described.get("ApiGwCompatible") is not True:
                yield f"The URL of {key} may answer with the result as it is."
            if "CorsConfig" in described:
                yield f"The URL of {key} answers CORS beside the code."
        elif asked["Enable"] != 1:
            yield f"The timer of {key} never fires."
        elif not re.fullmatch(r'\{"cron":"(0|30) \* \* \* \* \* \*"\}', asked["TriggerDesc"]):
            yield f"The timer of {key} does not fire each minute."
    for kind, wanted in (("http", WITH_URL), ("timer", WITH_TIMER)):
        having = {key for key, kept in made.items() if any(asked["Type"] == kind for asked in kept)}
        if having != wanted:
            yield f"There is a {kind} trigger for {', '.join(sorted(having))} alone."
