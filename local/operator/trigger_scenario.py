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
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

_COMPLETED, _REPLAYED = "upload.completed", "upload.replayed"
_EXPIRED, _FINISHED = "upload.expired", "procedure.finished"
SCENARIOS = (_COMPLETED, _REPLAYED, _EXPIRED, _FINISHED)
"""The types of the app's events that end a scenario."""
LONGEST_WAIT = 3600
_FILE = REPOSITORY / "tests/samples/media/tiny.mp4"
_POLL_SECONDS = 0.2
_NOT_HEARD = (
    "The app has not heard of {type} in time: GET /local/faults says whether a fault is on, "
    "and the journal where the event is."
)
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
        policy = _policy_for(scenario.type, settings)
        order = UploadOrder(file=_FILE, user=scenario.user, policy=policy, context=scenario.context)
        with contextlib.closing(UploadClient(self._url)) as client:
            issued = client.begin(order)
            everything = contextlib.nullcontext[list[dict[str, object]]]([])
            only = everything if scenario.every else self._receiver.only(issued.upload_id, scenario.type)
            with only as withheld:
                events = _Events(client, issued.upload_id, withheld, time.monotonic() + scenario.wait_seconds)
                if scenario.type == _EXPIRED:
                    _end(scenario.user, issued.upload_id, settings)
                else:
                    client.send(order, issued, _report_nothing)
                if scenario.type == _REPLAYED:
                    # Which of two files is the replay is decided by whose event comes first.
                    events.wait_for(_COMPLETED)
                    client.send(order, client.renew(scenario.user, issued.upload_id), _report_nothing)
                received = events.wait_for(scenario.type)
        return {"event": received["body"], "answered": received["answered"], "withheld": withheld}


@dataclass(frozen=True)
class _Events:
    """The events of one upload: what the app has received, and what was withheld from it."""

    client: UploadClient
    upload_id: str
    withheld: list[dict[str, object]]
    deadline: float

    def wait_for(self, type_: str) -> dict[str, Any]:
        """Return the first event of a type, as GET /local/events has it; of a withheld one the body alone."""
        while True:
            found = [*self.client.received(self.upload_id), *({"body": body} for body in self.withheld)]
            for event in found:
                if event["body"].get("type") == type_:
                    return event
            if time.monotonic() >= self.deadline:
                raise UploadError(_NOT_HEARD.format(type=type_))
            time.sleep(_POLL_SECONDS)


def _end(user: str, upload_id: str, settings: UploadSignatureSettings) -> None:
    """Let the next run of the timer end an upload."""
    uploads = PastUploads(settings.redis_url, StoreScope(settings.stage, settings.retention_seconds))
    uploads.move_back(user, upload_id, now=int(time.time()))


def _policy_for(type_: str, settings: UploadSignatureSettings) -> str:
    """Choose a policy that starts a task flow where that is wanted, and else one that starts none."""
    wanted = type_ == _FINISHED
    policies = settings.upload_policies.items()
    fitting = [name for name, policy in policies if bool(policy.procedures) is wanted]
    if wanted and not fitting:
        raise UploadError(_NO_FLOW)
    return fitting[0] if fitting and DEFAULT_POLICY not in fitting else DEFAULT_POLICY


def _report_nothing(_part: object, _sent: int) -> None:
    """Ignore the progress of a tiny file."""
