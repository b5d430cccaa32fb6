"""The releases of a stage, and the way back to one: the alias of each function moves, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.deploy.by_api.cloud_state import read_aliases, read_versions
from local.deploy.by_api.errors import about
from local.deploy.by_api.reconcile import switch
from local.deploy.by_api.release_decision import live_alias, release_of, version_of
from local.package.contents import PackageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.deploy.by_api.cloud_state import Version
    from local.deploy.scf_calls import ScfCalls


@dataclass(frozen=True)
class Releases:
    """The versions of each function, the newest first, and the release that its alias is at."""

    names: Mapping[str, str]
    """Key of a function -> its name in the cloud."""
    versions: Mapping[str, list[Version]]
    live: Mapping[str, str]

    def complete(self) -> list[str]:
        """Return the releases that every function has a version of, the newest first."""
        first = next(iter(self.versions.values()), [])
        listed = dict.fromkeys(version.release for version in first if version.release)
        return [release for release in listed if self.has(release)]

    def has(self, release: str) -> bool:
        """Return whether every function has a version of the release."""
        return all(version_of(release, found) for found in self.versions.values())

    def table(self) -> str:
        """Return the complete releases, with when they were published."""
        rows = []
        first = next(iter(self.versions.values()), [])
        for release in self.complete():
            version = version_of(release, first)
            at = sum(live == release for live in self.live.values())
            share = (
                "" if at == 0 else "live" if at == len(self.names) else f"{at} of {len(self.names)} functions"
            )
            rows.append(f"| {release} | {version.published if version else ''} | {share} |\n")
        return "| Release | Published | |\n|---|---|---|\n" + "".join(rows)


def releases_of(calls: ScfCalls, names: Mapping[str, str]) -> Releases:
    """Read the versions and the alias of each function.

    Raises:
        DeploymentError: the API refused to show them, or a function is not there.

    """
    versions, live = {}, {}
    for key, name in names.items():
        with about(key):
            versions[key] = read_versions(calls, name)
            alias = live_alias(read_aliases(calls, name))
        live[key] = "" if alias is None else release_of(alias.version, versions[key])
    return Releases(names, versions, live)


def roll_back(calls: ScfCalls, releases: Releases, to: str, said: Callable[[str], object]) -> None:
    """Point every alias at its version of the release `to`; the next run finishes one that was cut off.

    Raises:
        PackageError: no such release is complete.
        DeploymentError: the API refused a step.

    """
    if not releases.has(to):
        raise PackageError(f"No release {to} is there with all functions: choose one of the table.")
    for key, name in releases.names.items():
        with about(key):
            switch(calls, key, name, to, said)
