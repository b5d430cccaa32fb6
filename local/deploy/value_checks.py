"""Checks of the values that a deployment would put into `serverless.yml`: their form, and what they name.

No sentence shows a value, except a region's or a stage's.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.deploy.nearest import nearest
from local.deploy.serverless_file import OWN_STAGE, UNDEFINED, variables_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CREDENTIALS = ("TENCENT_SECRET_ID", "TENCENT_SECRET_KEY")
INSTANCES: Mapping[str, tuple[str, int]] = {
    "upload_signature": ("RESERVED_INSTANCES_UPLOAD_SIGNATURE", 50),
    "event_notification": ("RESERVED_INSTANCES_EVENT_NOTIFICATION", 100),
}
"""Function -> the setting of how many instances are its own, and the default; `off` changes nothing."""
OFF = "off"
REGIONS = (
    *("ap-guangzhou", "ap-shanghai", "ap-beijing", "ap-nanjing", "ap-chengdu", "ap-chongqing", "ap-hongkong"),
    *("ap-singapore", "ap-bangkok", "ap-jakarta", "ap-mumbai", "ap-seoul", "ap-tokyo", "na-siliconvalley"),
    *("na-ashburn", "na-toronto", "sa-saopaulo", "eu-frankfurt", "ap-shenzhen-fsi", "ap-shanghai-fsi"),
)
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ROLE = (r"[A-Za-z0-9+=,.@_-]{1,128}", "the role's name alone, as in CAM's list of roles")
_FORMS: Mapping[str, tuple[str, str]] = {
    "DEPLOY_REGION": (r"(ap|na|sa|eu|me|af)-[a-z]+(-[a-z0-9]+)?", "a region such as ap-singapore"),
    "DEPLOY_VPC_ID": (r"vpc-[0-9a-z]{6,}", "the id of a private network, vpc- and 8 letters and digits"),
    "DEPLOY_SUBNET_ID": (r"subnet-[0-9a-z]{6,}", "the id of a subnet, subnet- and 8 letters and digits"),
    "DEPLOY_CLS_LOGSET_ID": (_UUID, "the id of a log set, 32 hexadecimal digits with hyphens, not its name"),
    "DEPLOY_CLS_TOPIC_ID": (_UUID, "the id of a log topic, 32 hexadecimal digits with hyphens, not its name"),
    "DEPLOY_ROLE_EVENT_NOTIFICATION": _ROLE,
    "DEPLOY_ROLE_RELIABLE_NOTIFICATION": _ROLE,
    "DEPLOY_ROLE_EVENT_DELIVERY": _ROLE,
}
_KEY_ID = re.compile(r"(AKID|IKID)[A-Za-z0-9]{4,}")
_REACHED_FROM_THE_CLOUD = (
    *("REDIS_URL", "JWT_JWKS_URL", "JWT_ISSUER", "APP_WEBHOOK_URL", "VOD_API_URL", "INVOKE_API_URL"),
)
_OF_A_DEVELOPER = ("localhost", "host.docker.internal")


def value_faults(text: str, values: Mapping[str, str], stage: str) -> list[str]:
    """Return a sentence for each value that cannot be meant; `text` is that of `serverless.yml`."""
    read = variables_read(text)
    return [
        *_of_placeholders(read, values),
        *_of_forms(read, values),
        *_of_credentials(values),
        *_of_hosts(values),
        *_of_instances(values),
        *_of_bucket(values),
        *_of_stage(values, stage),
    ]


def instances_of(function: str, values: Mapping[str, str]) -> int | None:
    """Return how many instances are to be a function's own; None if they are to be left as they are."""
    name, default = INSTANCES[function]
    value = values.get(name) or str(default)
    return None if value == OFF else int(value)


def _of_placeholders(read: set[str], values: Mapping[str, str]) -> Iterator[str]:
    if missing := sorted(read - values.keys()):
        yield (
            f"No value, not even an empty one, has: {', '.join(missing)}. "
            "Write NAME= for it into the stage's file, as .env.example does."
        )
    for name in sorted(read & values.keys()):
        value = values[name]
        if name.startswith("DEPLOY_") and not value:
            yield f"{name} is empty, and without it nothing can be deployed: .env.example says what it is."
        elif name.startswith("DEPLOY_") and value == UNDEFINED:
            yield f"{name} had no value when it was set: its text is 'undefined'. Set it anew."
        elif "${" in value:
            yield (
                f"{name} holds a dollar sign before a brace, which the CLI would take for a variable: "
                "write its value out."
            )


def _of_forms(read: set[str], values: Mapping[str, str]) -> Iterator[str]:
    for name, (form, meaning) in _FORMS.items():
        value = values.get(name, "")
        if name in read and value not in ("", UNDEFINED) and not re.fullmatch(form, value):
            yield f"{name} must be {meaning}."
    region = values.get("DEPLOY_REGION", "")
    is_one = region in REGIONS or not re.fullmatch(_FORMS["DEPLOY_REGION"][0], region)
    if not is_one and (close := nearest(region, REGIONS)):
        yield f"DEPLOY_REGION is {region}, which is no region that has SCF: {close}"


def _of_bucket(values: Mapping[str, str]) -> Iterator[str]:
    if not re.fullmatch(r"([a-z0-9][a-z0-9-]{0,48}-[0-9]{5,})?", values.get("CODE_BUCKET", "")):
        yield "CODE_BUCKET must be the whole name of a bucket, such as code-1250000000, or empty."


def _of_credentials(values: Mapping[str, str]) -> Iterator[str]:
    for deploying, signing in zip(CREDENTIALS, ("VOD_SECRET_ID", "VOD_SECRET_KEY"), strict=True):
        if values.get(deploying) and values.get(deploying) == values.get(signing):
            yield (
                f"{deploying} is {signing} too: who may deploy is not to sign uploads, so make a key pair "
                "without rights for VOD_SECRET_ID and VOD_SECRET_KEY."
            )
    for name in ("TENCENT_SECRET_KEY", "VOD_SECRET_KEY"):
        if _KEY_ID.fullmatch(values.get(name, "")):
            yield f"{name} begins as an id does: id and key are exchanged, so exchange them."


def _of_hosts(values: Mapping[str, str]) -> Iterator[str]:
    for name in _REACHED_FROM_THE_CLOUD:
        if is_this_machine(values.get(name, "")):
            yield (
                f"{name} names this machine, and in the cloud that is the function's own: "
                "write the address that the functions' network reaches."
            )


def is_this_machine(url: str) -> bool:
    """Return whether the host of a URL is a name or address of the machine that uses it."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False  # a fault of the settings, and named as such
    if host in _OF_A_DEVELOPER or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _of_instances(values: Mapping[str, str]) -> Iterator[str]:
    for name, default in INSTANCES.values():
        value = values.get(name) or str(default)
        if value != OFF and not re.fullmatch(r"[1-9][0-9]{0,3}", value):
            yield f"{name} must be a number of instances, 1 to 9999, or off; empty: {default}."


def _of_stage(values: Mapping[str, str], stage: str) -> Iterator[str]:
    if values.get("STAGE", "") not in ("", stage, OWN_STAGE):
        yield (
            f"STAGE is set to another stage than {stage}, which is deployed: leave it empty, or the commands "
            "that read this file would use the store's other part."
        )
