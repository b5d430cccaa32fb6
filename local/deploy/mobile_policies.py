"""Warnings about policies whose signatures can end while a phone still uploads.

The mobile SDKs begin and end an upload with one signature, so that it has to be valid for the whole transfer:
a Commit that is refused loses what has been sent. How much is sent how fast is assumed, as stated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.deploy.deployment_warnings import Caution
from shared.config.settings import SigningSettings, load_settings
from shared.errors import ConfigurationError
from shared.schema.models.policy import MAX_TTL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.domain.policy import Policy

UPLINK_BITS_PER_SECOND = 2_000_000
"""A phone with a weak signal."""
TRANSFER_BYTES = 1024**3
"""One file where the policy has no `maxFileSize`: some ten minutes of a phone's video in 1080p."""
_OTHERWISE = {"VOD_SECRET_ID": "AKIDofNobody", "VOD_SECRET_KEY": "nothing-is-signed"}
_MEGABYTE = 1_000_000


def about_mobile_uploads(policies: Mapping[str, Policy]) -> Iterator[tuple[str, Caution]]:
    """Yield a policy's name and a warning where the stated transfer takes longer than its signatures live.

    Policies without a `client` are for every client, but where one is for mobile, they count as the others'.
    """
    clients = {policy.client for policy in policies.values()}
    meant = "mobile" if "mobile" in clients else None
    for name, policy in policies.items():
        size = policy.max_file_size or TRANSFER_BYTES
        needed = -(-size * 8 // UPLINK_BITS_PER_SECOND)
        if policy.client == meant and policy.ttl_seconds < needed:
            yield name, _caution(name, policy, size // _MEGABYTE, needed)


def policies_in(variables: Mapping[str, str]) -> Mapping[str, Policy]:
    """Read UPLOAD_POLICIES alone; empty where it is invalid, which is a fault and told as such."""
    try:
        own = {"UPLOAD_POLICIES": variables.get("UPLOAD_POLICIES", "")}
        return load_settings(SigningSettings, {**_OTHERWISE, **own}).upload_policies
    except ConfigurationError:
        return {}


def _caution(name: str, policy: Policy, megabytes: int, needed: int) -> Caution:
    megabits = UPLINK_BITS_PER_SECOND // _MEGABYTE
    detail = (
        f"A phone has one signature for an upload, and under the policy {name!r} it lives "
        f"{policy.ttl_seconds} s: {megabytes} MB at {megabits} Mbit/s take {needed} s, and VOD can refuse to "
        "commit what was sent by then"
    )
    if needed > MAX_TTL_SECONDS:
        return Caution(detail, f"Lower its maxFileSize: no signature lives longer than {MAX_TTL_SECONDS} s.")
    if policy.client == "mobile":
        return Caution(detail, f"Set its ttlSeconds to {needed} or more, or lower its maxFileSize.")
    return Caution(
        detail,
        f'Give phones a policy with "client": "mobile" and "ttlSeconds": {needed} or more, or write '
        '"client": "web" into this one if no phone uses it; docs/clients.md has the rest.',
    )
