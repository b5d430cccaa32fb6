"""Checks of the variables alone and of this machine; no service is called."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from local.deploy.claim_rules import impossible_rules
from local.deploy.deployment_warnings import about_callers
from local.deploy.mobile_policies import about_mobile_uploads, policies_in
from local.deploy.serverless_file import MAX_ENVIRONMENT_BYTES
from local.doctor.findings import Check, Group, fault, ok, warning
from local.package.runtime import PYTHON, VERSION
from shared.config.separate_keys import shared_keys
from shared.config.settings import (
    EventDeliverySettings,
    EventNotificationSettings,
    ReliableNotificationSettings,
    SettingsGroup,
    UploadSignatureSettings,
    UploadStatusSettings,
    load_settings,
    variables_of,
)
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding

FUNCTIONS: Mapping[str, type[SettingsGroup]] = {
    "upload_signature": UploadSignatureSettings,
    "upload_status": UploadStatusSettings,
    "event_notification": EventNotificationSettings,
    "reliable_notification": ReliableNotificationSettings,
    "event_delivery": EventDeliverySettings,
}
CLOUD_VARIABLES: Mapping[str, str] = {"TENCENTCLOUD_RUNENV": "SCF"}
"""The variable by which a function recognizes that it runs in the cloud."""
_RESERVED = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")
"""Prefixes of variable names that SCF reserves (doc 583/32748)."""
_DEVELOPER_ONLY = "APP_WEBHOOK_ALLOW_INSECURE"
_SIGNING_PAIR = frozenset({"VOD_SECRET_ID", "VOD_SECRET_KEY"})
_ROLE = frozenset({"TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"})
_WHERE_IT_RUNS = frozenset({"SCF_FUNCTIONNAME", "TENCENTCLOUD_RUNENV"})
_NEARLY_FULL = 0.9


def settings_group(deployment: Deployment) -> Group:
    """Return the checks of the settings and of this machine."""
    return Group(
        "settings",
        (
            Check("settings", lambda: _each_function(deployment)),
            Check("keys", lambda: _keys(deployment)),
            Check("callers", lambda: _callers(deployment)),
            Check("claim rules", lambda: _claim_rules(deployment)),
            Check("mobile uploads", lambda: _mobile_uploads(deployment)),
            Check("environment size", lambda: _sizes(deployment)),
            Check("variable names", lambda: _names(deployment)),
            Check("Python", _runtime),
        ),
    )


def deployed_variables(kind: type[SettingsGroup]) -> frozenset[str]:
    """Return the names of the variables that a function is deployed with.

    A function that has a role's credentials is deployed without the signing key pair.
    """
    read = variables_of(kind)
    pair = _SIGNING_PAIR if read >= _ROLE else frozenset()
    return frozenset(read - _ROLE - _WHERE_IT_RUNS - {_DEVELOPER_ONLY} - pair)


def _each_function(deployment: Deployment) -> Iterator[Finding]:
    for name, kind in FUNCTIONS.items():
        # A file is written for the cloud, where less is allowed than here.
        there = CLOUD_VARIABLES if deployment.origin == "file" else {}
        yield _of_function(name, kind, {**deployment.environment, **there})


def _of_function(name: str, kind: type[SettingsGroup], environment: Mapping[str, str]) -> Finding:
    try:
        load_settings(kind, environment)
    except ConfigurationError as error:
        return fault(
            name, error.detail, "Set them where the deployment reads them; .env.example explains each."
        )
    return ok(name, "its settings are complete and valid")


def _keys(deployment: Deployment) -> Iterator[Finding]:
    # No function has all the keys, and so none sees all of this.
    shared = list(shared_keys(deployment.environment))
    for name, other in shared:
        advice = "Make a new one for either: who learns one of them holds both."
        yield fault("keys", f"{name} has a key that {other} has too", advice)
    if not shared:
        yield ok("keys", "each serves one purpose")


def _callers(deployment: Deployment) -> Iterator[Finding]:
    told = [
        warning("callers", caution.detail, caution.advice)
        for caution in about_callers(deployment.environment)
    ]
    yield from told or [ok("callers", "each shows a token of his own, for an audience of ours")]


def _claim_rules(deployment: Deployment) -> Iterator[Finding]:
    advice = "Correct the rule in UPLOAD_POLICIES: python -m local token explain shows what a token claims."
    told = [fault("claim rules", sentence, advice) for sentence in impossible_rules(deployment.environment)]
    yield from told or [ok("claim rules", "none that every token fails")]


def _mobile_uploads(deployment: Deployment) -> Iterator[Finding]:
    told = [
        warning("mobile uploads", caution.detail, caution.advice)
        for _policy, caution in about_mobile_uploads(policies_in(deployment.environment))
    ]
    yield from told or [ok("mobile uploads", "no policy's signatures end before a phone has sent a file")]


def _sizes(deployment: Deployment) -> Iterator[Finding]:
    sizes = {
        name: sum(
            len(f"{variable}{deployment.environment.get(variable, '')}".encode())
            for variable in deployed_variables(kind)
        )
        for name, kind in FUNCTIONS.items()
    }
    advice = "Most of it is UPLOAD_POLICIES and keys: shorten the policies, and drop keys that have served."
    large = False
    for name, size in sizes.items():
        told = f"{name} gets {size} of {MAX_ENVIRONMENT_BYTES} bytes"
        if size >= MAX_ENVIRONMENT_BYTES:
            yield fault("environment size", f"{told}, and SCF takes less", advice)
        elif size > MAX_ENVIRONMENT_BYTES * _NEARLY_FULL:
            yield warning("environment size", f"{told}: a second key for a rotation may not fit", advice)
        large = large or size > MAX_ENVIRONMENT_BYTES * _NEARLY_FULL
    if not large:
        largest = max(sizes, key=lambda name: sizes[name])
        yield ok(
            "environment size",
            f"{largest} gets the most, {sizes[largest]} of {MAX_ENVIRONMENT_BYTES} bytes",
        )


def _names(deployment: Deployment) -> Iterator[Finding]:
    own = deployment.environment.keys() - deployment.ambient
    reserved = sorted(name for name in own if name.startswith(_RESERVED))
    # In a process's own environment they are the role's credentials, there to try its rights.
    if reserved and deployment.origin == "file":
        yield fault(
            "variable names",
            f"SCF sets these itself and takes no such names: {', '.join(reserved)}",
            "Remove them from the file; to try the role's rights, set them for this command alone.",
        )
    elif (
        deployment.environment.get(_DEVELOPER_ONLY, "0") not in ("", "0")
        and deployment.origin != "local stack"
    ):
        yield warning(
            "variable names",
            f"{_DEVELOPER_ONLY} is for a developer's machine, and is not deployed",
            "Remove it: the functions will refuse a webhook over http or in a private network.",
        )
    else:
        yield ok("variable names", "none that SCF reserves")


def _runtime() -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info[:2] == PYTHON:
        yield ok("Python", f"{version} here, {VERSION} on SCF")
    else:
        yield warning(
            "Python",
            f"{version} here, {VERSION} on SCF",
            f"Package and test with Python {VERSION}: bytecode of another version is none to SCF.",
        )
