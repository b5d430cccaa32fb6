"""Decide what to do about a function's versions and its alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.deploy.by_api.change import Call, Change, Decision
from local.deploy.by_api.function_decision import NOTHING
from local.deploy.by_api.mark import version_description
from local.deploy.by_api.wanted import LIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from local.deploy.by_api.cloud_state import Alias, Version

KEPT_VERSIONS = 10
"""How many of our versions a function keeps; how many the API allows is not documented."""
_NOT_YET = "a new version"


def decide_version(key: str, name: str, release: str, versions: Sequence[Version]) -> Decision:
    """Publish the function as it is, if no version belongs to the release."""
    if version_of(release, versions) is not None:
        return Decision()
    call = Call("PublishVersion", {"FunctionName": name, "Description": version_description(release)})
    change = Change(
        key, "version", "publish", NOTHING, release, "code or settings of some function are others"
    )
    return Decision((change,), call)


def decide_alias(
    key: str, name: str, release: str, versions: Sequence[Version], aliases: Collection[Alias]
) -> Decision:
    """Point the alias at the version of the release, and all its calls there."""
    target, alias = version_of(release, versions), live_alias(aliases)
    before = NOTHING if alias is None else release_of(alias.version, versions)
    number = _NOT_YET if target is None else target.number
    members = {"FunctionName": name, "Name": LIVE, "FunctionVersion": number}
    if alias is None:
        change = Change(key, f"alias {LIVE}", "create", before, release, "URLs and timers are bound to it")
        return Decision((change,), Call("CreateAlias", members))
    if alias.version == number and alias.whole:
        return Decision()
    why = "" if alias.whole else "a part of its calls goes to another version"
    change = Change(key, f"alias {LIVE}", "move", before, release, why or "the release is another")
    whole: dict[str, object] = {"RoutingConfig": {"AdditionalVersionWeights": []}}
    return Decision((change,), Call("UpdateAlias", {**members, **whole}))


def decide_old_versions(
    key: str, name: str, versions: Sequence[Version], aliases: Collection[Alias]
) -> Decision:
    """Delete our versions behind the newest ones, unless an alias points at them."""
    held = {alias.version for alias in aliases}
    ours = [version for version in versions if version.release]
    old = [version for version in ours[KEPT_VERSIONS:] if version.number not in held]
    if not old:
        return Decision()
    why = f"the newest {KEPT_VERSIONS} are kept"
    changes = [Change(key, f"version {it.number}", "delete", it.release, NOTHING, why) for it in old]
    call = Call("DeleteFunctionVersion", {"FunctionName": name, "Qualifier": old[-1].number})
    return Decision(tuple(changes), call)


def version_of(release: str, versions: Sequence[Version]) -> Version | None:
    """Return the newest version of a release."""
    return next((version for version in versions if version.release == release), None)


def release_of(number: str, versions: Sequence[Version]) -> str:
    """Return the release of a version, or what it is called if it belongs to none."""
    found = next((version.release for version in versions if version.number == number), "")
    return found or f"version {number}"


def live_alias(aliases: Collection[Alias]) -> Alias | None:
    """Return the alias that URLs and timers are bound to."""
    return next((alias for alias in aliases if alias.name == LIVE), None)
