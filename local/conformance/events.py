"""The application's events during a run: pulled from its queue, or pushed to the kit's receiver.

Both need the application's event configuration to be set, which is restored at the end.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from local.conformance.called import NotAskedError, expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.conformance.account import Pace
    from local.conformance.called import Called
    from local.conformance.push_receiver import Push, PushReceiver

    Event = dict[str, Any]
    IsWanted = Callable[[Event], bool]

_KEPT = (
    "Mode",
    "NotificationUrl",
    "UploadMediaCompleteEventSwitch",
    "DeleteMediaCompleteEventSwitch",
    "PersistenceCompleteEventSwitch",
)
_ON = {"UploadMediaCompleteEventSwitch": "ON", "DeleteMediaCompleteEventSwitch": "ON"}


class Events:
    """What has come so far is kept, so that each question finds its own among the others'."""

    def __init__(
        self, api: Callable[..., Called], pace: Pace, receiver: PushReceiver | None, *, sign_key: str
    ) -> None:
        """Call the server API with `api`; `sign_key` is the SignKey to be there afterwards."""
        self._api, self._pace, self._receiver, self._sign_key = api, pace, receiver, sign_key
        self._before: dict[str, Any] = {}
        self._set: dict[str, Any] = {}
        self._pulled: list[Event] = []

    @property
    def are_set(self) -> bool:
        """Return whether the configuration is not what it was before the run."""
        return bool(self._before)

    def configure_pull(self, *, sign_key: str = "") -> None:
        """Have events queued from now on."""
        self._configure({"Mode": "PULL", **_ON}, sign_key)

    def configure_push(self, *, sign_key: str = "") -> PushReceiver:
        """Have events pushed to the receiver from now on, and return it."""
        if self._receiver is None:
            raise NotAskedError("there is no receiver")
        self._receiver.status = 200
        self._configure({"Mode": "PUSH", "NotificationUrl": self._receiver.url, **_ON}, sign_key)
        return self._receiver

    def pull(self) -> list[Event]:
        """Pull once, and keep what came; the events stay in the queue."""
        reply = self._api("PullEvents")
        found = [event for event in reply.members.get("EventSet") or [] if isinstance(event, dict)]
        self._pulled += found
        return found

    def confirm(self, *events: Event) -> str:
        """Take events off the queue and return how that ended."""
        handles = [str(event.get("EventHandle", "")) for event in events]
        return self._api("ConfirmEvents", EventHandles=handles).word

    def pulled(self, is_wanted: IsWanted, *, confirm: bool = True) -> Event | None:
        """Return the first event that is wanted; None if none has come when the patience ends."""
        found: Event | None = self._awaited(lambda: next(filter(is_wanted, self._pulled), None), self.pull)
        if found is not None and confirm:
            self.confirm(found)
        return found

    def forget(self, event: Event) -> None:
        """Do not find an event again that was pulled."""
        self._pulled.remove(event)

    def take(self, is_wanted: IsWanted) -> list[Event]:
        """Return all events pulled so far that are wanted, and take them off the queue."""
        found = list(filter(is_wanted, self._pulled))
        for event in found:
            self.confirm(event)
            self.forget(event)
        return found

    def pushed(self, is_wanted: IsWanted) -> Push | None:
        """Return the first push whose event is wanted; None if none has come when the patience ends."""
        if self._receiver is None:
            return None
        received = self._receiver.received
        found: Push | None = self._awaited(
            lambda: next((push for push in received if is_wanted(push.event)), None), lambda: None
        )
        return found

    def restore(self) -> str:
        """Set the configuration that was there before; return why it could not be, or an empty text.

        Its SignKey cannot be read: it is the account's afterwards, or empty.
        """
        if not self._before:
            return ""
        word = self._api("ModifyEventConfig", **self._before, SignKey=self._sign_key).word
        if word != "200 ok":
            return word
        self._before = {}
        return ""

    def _configure(self, wanted: dict[str, Any], sign_key: str) -> None:
        if not self._before:
            present = expected("DescribeEventConfig", self._api("DescribeEventConfig"))
            self._before = {name: present.get(name) or "" for name in _KEPT}
        wanted = {**wanted, "SignKey": sign_key}
        if wanted != self._set:
            expected("ModifyEventConfig", self._api("ModifyEventConfig", **wanted))
            self._set = wanted

    def _awaited(self, find: Callable[[], Any], ask: Callable[[], Any]) -> Any:  # noqa: ANN401  # what `find` returns
        ends = time.monotonic() + self._pace.patience
        while (found := find()) is None and time.monotonic() < ends:
            if ask():
                continue
            time.sleep(self._pace.poll)
        return found
