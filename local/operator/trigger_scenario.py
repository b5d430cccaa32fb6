"""The scenarios of `trigger`: real uploads of a tiny file, each of which ends with one event for the app.

They run in the stack itself, which withholds the other events of such an upload from the app.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from local.operator.past_uploads import PastUploads
from local.repository import REPOSITORY
from local.upload.client import UploadClient
from local.upload.order import UploadError, UploadOrder
from shared.config.settings import UploadSignatureSettings, load_settings
from shared.domain.policy import DEFAULT_POLICY
from shared.store.connection import StoreScope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

_COMPLETED, _REPLAYED = "upload.completed", "upload.replayed"
_EXPIRED, _FINISHED = "upload.expired", "procedure.finished"
SCENARIOS = (_COMPLETED, _REPLAYED, _EXPIRED, _FINISHED)
"""The types of the app's events that end a scenario."""
LONGEST_WAIT = 3600
_FILE = REPOSITORY / "tests/samples/media/tiny.mp4"
_POLL_SECONDS = 0.2
_NO_FLOW = "No policy of this stack starts a task flow: give it one that has procedures."


class Receiver(Protocol):
    """The app's side of the stack."""

    def only(self, upload_id: str, type_: str) -> AbstractContextManager[list[dict[str, object]]]:
        """Withhold all of an upload's events but one type from the app; yield the bodies withheld so far."""


@dataclass(frozen=True)
class Scenario:
    """What to trigger, for which user.

    With `every` the app also gets the events that lead to the one of this `type`, one of SCENARIOS.
    """

    type: str
    user: str = "alice"
    context: str | None = None
    every: bool = False
    wait_seconds: float = 15.0


class ScenarioRunner:
    """Runs scenarios against the stack at an address, whose functions have this environment."""

    def __init__(self, url: str, environment: Mapping[str, str], receiver: Receiver) -> None:
        self._url = url
        self._environment = environment
        self._receiver = receiver

    def run(self, scenario: Scenario) -> dict[str, Any]:
        """Return the `event` that the app has received, its status `answered`, and the events `withheld`.

        Raises:
            UploadError: a step was refused, or the event has not come within `wait_seconds`.
            ServiceError: the settings or the store do not allow it.

        """
        settings = load_settings(UploadSignatureSettings, self._environment)
        with_flow = {name: bool(policy.procedures) for name, policy in settings.upload_policies.items()}
        policy = _policy_for(scenario.type, with_flow)
        order = UploadOrder(file=_FILE, user=scenario.user, policy=policy, context=scenario.context)
        with contextlib.closing(UploadClient(self._url)) as client:
            issued = client.begin(order)
            upload_id = issued.upload_id
            nothing = contextlib.nullcontext[list[dict[str, object]]]([])
            only = nothing if scenario.every else self._receiver.only(upload_id, scenario.type)
            with only as withheld:

                def event_of(type_: str) -> dict[str, Any] | None:
                    received = client.received(upload_id)
                    found = [*received, *({"body": body} for body in withheld)]
                    return next((one for one in found if one["body"].get("type") == type_), None)

                deadline = time.monotonic() + scenario.wait_seconds
                if scenario.type == _EXPIRED:
                    scope = StoreScope(settings.stage, settings.retention_seconds)
                    past = PastUploads(settings.redis_url, scope)
                    user = f"{settings.jwt_user_prefix}{scenario.user}"
                    past.move_back(user, upload_id, now=int(time.time()))
                else:
                    client.send(order, issued, _report_nothing)
                if scenario.type == _REPLAYED:
                    # Which of two files is the replay is decided by whose event comes first.
                    _await(_COMPLETED, event_of, deadline)
                    client.send(order, client.renew(scenario.user, upload_id), _report_nothing)
                received = _await(scenario.type, event_of, deadline)
        return {"event": received["body"], "answered": received["answered"], "withheld": withheld}


def _policy_for(type_: str, with_flow: Mapping[str, bool]) -> str:
    """Choose a policy that starts a task flow, or none; `with_flow` says of each whether it does."""
    wanted = type_ == _FINISHED
    fitting = [name for name, has_flow in with_flow.items() if has_flow is wanted]
    if wanted and not fitting:
        raise UploadError(_NO_FLOW)
    return fitting[0] if fitting and DEFAULT_POLICY not in fitting else DEFAULT_POLICY


def _report_nothing(_part: object, _sent: int) -> None:
    """Ignore the progress of a tiny file."""


def _await(type_: str, event_of: Callable[[str], dict[str, Any] | None], deadline: float) -> dict[str, Any]:
    while (found := event_of(type_)) is None:
        if time.monotonic() >= deadline:
            raise UploadError(
                f"The app has not heard of {type_} in time: GET /local/faults says whether a fault is on, "
                "and the journal where the event is."
            )
        time.sleep(_POLL_SECONDS)
    return found
