"""`--fix`: set VOD's event configuration to what the deployment needs, in all its applications.

`local.doctor.event_configuration` decides what to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.doctor.event_configuration import PULL, PUSH, changes, wanted_configuration, wish_of
from local.doctor.findings import CheckSkippedError, needed
from local.doctor.policy_checks import applications
from local.doctor.vod_calls import VodCalls
from shared.config.settings import VodApiSettings

if TYPE_CHECKING:
    from local.doctor.deployment import Deployment
    from local.doctor.event_configuration import Change, Wish
    from local.doctor.vod_calls import EventConfiguration


@dataclass(frozen=True)
class Fix:
    """The changes to one application; None is the main one."""

    application: int | None
    changes: tuple[Change, ...]
    wanted: EventConfiguration
    wish: Wish
    calls: VodCalls

    def apply(self) -> None:
        """Set the configuration.

        Raises:
            VodApiError: the API refused, or did not answer; it may or may not be set.

        """
        self.calls.set_event_configuration(self.wanted, self.application, sign_key=self.wish.sign_key)


def planned(deployment: Deployment) -> tuple[Fix, ...]:
    """Return a fix for each application whose configuration differs from the wanted one.

    Raises:
        CheckSkippedError: the wanted configuration is not known.
        VodApiError: the API refused, or did not answer.

    """
    calls = VodCalls(needed(VodApiSettings, deployment.environment))
    fixes = []
    own, *others = applications(deployment.environment)
    for application in (own, *others):
        wish = wish_of(deployment, is_own=application == own)
        if not wish.tokens:
            raise CheckSkippedError("CALLBACK_TOKENS must be mended first")
        present = calls.event_configuration(application)
        wanted = wanted_configuration(present, wish)
        found = changes(present, wish)
        if wanted.mode not in (PUSH, PULL):
            raise CheckSkippedError("VOD names no mode that we know: choose with --mode")
        if wanted.mode == PUSH and not wanted.notification_url:
            raise CheckSkippedError("VOD has no callback URL: name it with --callback-url")
        if found:
            fixes.append(Fix(application, found, wanted, wish, calls))
    return tuple(fixes)
