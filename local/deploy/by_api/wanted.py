"""What a deployment is to come to: `serverless.yml` with the values of a stage, as members of SCF's API."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.deploy.by_api.code_bucket import object_key
from local.deploy.serverless_file import (
    deployed_name,
    entries,
    filled,
    functions_in,
    inputs_of,
    mapping,
    sent_environment,
    triggers_in,
)
from local.deploy.value_checks import INSTANCES, instances_of
from local.package.build import package_at
from local.package.contents import PackageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.deploy.by_api.code_bucket import CodeBucket

LIVE = "live"
"""The alias that URLs and timers are bound to; `$DEFAULT` belongs to the way by the CLI."""
RELEASE_DIGITS = 12
_URL_NAME = "live-url"
_ONLY_BY_THE_CLI = ("description", "eip", "isAutoPublish", "tags")
_OF_A_URL = ("authType", "netConfig", "apiGwCompatible")


@dataclass(frozen=True)
class WantedTrigger:
    """A URL or a timer; `described` is its TriggerDesc as ListTriggers shows it, parsed."""

    kind: str
    name: str
    described: Mapping[str, Any]
    argument: str = ""

    @property
    def members(self) -> dict[str, Any]:
        """What CreateTrigger and UpdateTrigger take, but for the function's name."""
        timer = self.kind == "timer"
        sent = self.described["cron"] if timer else json.dumps(self.described)
        members = {"TriggerName": self.name, "Type": self.kind, "TriggerDesc": sent, "Qualifier": LIVE}
        return {**members, "Enable": "OPEN", **({"CustomArgument": self.argument} if timer else {})}


@dataclass(frozen=True)
class WantedFunction:
    """One function; `megabytes` is its share of the concurrency, None if that is left as it is."""

    key: str
    name: str
    configuration: Mapping[str, Any]
    code: bytes
    triggers: tuple[WantedTrigger, ...]
    megabytes: int | None
    bucket: CodeBucket | None = None
    """Where the package is put; None: it is part of the request."""

    @property
    def object_key(self) -> str:
        """The place of the package in the bucket."""
        return object_key(self.name, self.code_digest)

    @property
    def code_members(self) -> dict[str, str]:
        """The Code of a request."""
        if self.bucket is not None:
            return self.bucket.members(self.object_key)
        return {"ZipFile": base64.b64encode(self.code).decode()}

    @property
    def code_digest(self) -> str:
        """SHA-256 of the zip, in hexadecimal."""
        return hashlib.sha256(self.code).hexdigest()


@dataclass(frozen=True)
class WantedRelease:
    """All functions, and the name of exactly this code with exactly these settings."""

    functions: tuple[WantedFunction, ...]
    name: str


def wanted_release(
    file: object, values: Mapping[str, str], stage: str, build: Path, bucket: CodeBucket | None = None
) -> WantedRelease:
    """Return what the file, the values of the stage and the packages below `build` come to.

    Raises:
        PackageError: the file has something that this way of deploying does not know.

    """
    inputs = inputs_of(file)
    functions = []
    for key, function in functions_in(file).items():
        members = {**inputs, **function}
        if unknown := [name for name in _ONLY_BY_THE_CLI if name in members]:
            raise PackageError(
                f"serverless.yml: {', '.join(unknown)} of {key}: VIA=api does not set it; remove it, or "
                "deploy by the CLI."
            )
        instances = instances_of(key, values) if key in INSTANCES else None
        functions.append(
            WantedFunction(
                key,
                deployed_name(file, stage, key),
                _configuration(members, values, sent_environment(function, values, stage)),
                _zip_of(key, build),
                tuple(_trigger(it) for it in triggers_in(file) if it.get("function") == key),
                None if instances is None else instances * members["memorySize"],
                bucket,
            )
        )
    content = [[it.name, it.configuration, it.code_digest] for it in functions]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return WantedRelease(tuple(functions), digest[:RELEASE_DIGITS])


def _configuration(
    members: Mapping[str, Any], values: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, Any]:
    def text(value: object) -> str:
        return filled(str(value), values)

    network, logs = mapping(members.get("vpc")), mapping(members.get("cls"))
    public = "ENABLE" if members.get("publicAccess") else "DISABLE"
    return {
        "Handler": members["handler"],
        "Runtime": members["runtime"],
        "Type": str(members["type"]).capitalize(),
        "MemorySize": members["memorySize"],
        "Timeout": members["timeout"],
        "InitTimeout": members["initTimeout"],
        "Role": text(members.get("role", "")),
        "VpcConfig": {"VpcId": text(network.get("vpcId")), "SubnetId": text(network.get("subnetId"))},
        "ClsLogsetId": text(logs.get("logsetId")),
        "ClsTopicId": text(logs.get("topicId")),
        "PublicNetConfig": {"PublicNetStatus": public, "EipConfig": {"EipStatus": "DISABLE"}},
        "Layers": [
            {"LayerName": text(it["name"]), "LayerVersion": int(text(it["version"]))}
            for it in entries(members.get("layers"))
        ],
        "Environment": {
            "Variables": [{"Key": name, "Value": value} for name, value in sorted(environment.items())]
        },
    }


def _zip_of(key: str, build: Path) -> bytes:
    try:
        return package_at(build, key).archive.read_bytes()
    except FileNotFoundError:
        raise PackageError(f"{key} has no zip: run make package.") from None


def _trigger(trigger: Mapping[str, Any]) -> WantedTrigger:
    parameters = mapping(trigger.get("parameters"))
    if trigger["type"] == "timer":
        described = {"cron": parameters["cronExpression"]}
        return WantedTrigger("timer", parameters["name"], described, parameters.get("argument", ""))
    return WantedTrigger(
        "http", _URL_NAME, {_capital(name): _capitals(parameters[name]) for name in _OF_A_URL}
    )


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _capitals(value: object) -> object:
    return {_capital(name): member for name, member in value.items()} if isinstance(value, dict) else value
