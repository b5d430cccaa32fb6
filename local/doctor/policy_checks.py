"""Check that what the policies name exists in VOD, which refuses an upload that names anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.doctor.findings import CheckSkippedError, fault, needed, ok
from local.doctor.vod_calls import finding_of
from shared.config.settings import SigningSettings, VodApiSettings
from shared.errors import VodApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from local.doctor.deployment import Deployment
    from local.doctor.findings import Finding
    from local.doctor.vod_calls import VodCalls
    from shared.domain.policy import Policy


def applications(environment: Mapping[str, str]) -> tuple[int | None, ...]:
    """List the applications that uploads may go to, the deployment's own first; None is the main one."""
    own = needed(VodApiSettings, environment).vod_api_sub_app_id
    try:
        policies = needed(SigningSettings, environment).upload_policies
    except CheckSkippedError:
        return (own,)
    return tuple(dict.fromkeys((own, *(policy.vod_sub_app_id or own for policy in policies.values()))))


@dataclass(frozen=True)
class PolicyChecks:
    """The checks of what policies name; `calls` returns the API client."""

    deployment: Deployment
    calls: Callable[[], VodCalls]

    def storage_regions(self) -> Iterator[Finding]:
        """Compare the policies' storage regions with those that are open."""
        return self._compare(
            "storage regions",
            lambda policy: policy.storage_regions,
            lambda _names, application: self.calls().open_regions(application),
            advice="Open the region in VOD's console (storage, regions), or take it out of the policy.",
        )

    def procedures(self) -> Iterator[Finding]:
        """Compare the policies' procedures with the task-flow templates that exist."""
        return self._compare(
            "procedures",
            lambda policy: policy.procedures,
            lambda names, application: self.calls().known_procedures(names, application),
            advice="Make a task-flow template of this name in VOD's console, or correct the policy.",
        )

    def _compare(
        self,
        check: str,
        named_in: Callable[[Policy], Collection[str]],
        existing: Callable[[Collection[str], int | None], frozenset[str]],
        *,
        advice: str,
    ) -> Iterator[Finding]:
        policies = needed(SigningSettings, self.deployment.environment).upload_policies
        every: set[str] = set()
        sound = True
        own, *others = applications(self.deployment.environment)
        for application in (own, *others):
            wanted = {
                name: named_in(policy)
                for name, policy in policies.items()
                if (policy.vod_sub_app_id or own) == application
            }
            names = {entry for entries in wanted.values() for entry in entries}
            every |= names
            try:
                known = existing(names, application) if names else frozenset[str]()
            except VodApiError as error:
                sound = False
                yield finding_of(check, error, answered=self.calls().answered)
                continue
            for policy, entries in wanted.items():
                for entry in entries:
                    if entry not in known:
                        sound = False
                        yield fault(
                            check, f"the policy {policy!r} names {entry!r}, which VOD does not have", advice
                        )
        if sound:
            yield ok(check, f"VOD has all that policies name: {', '.join(sorted(every)) or 'none'}")
