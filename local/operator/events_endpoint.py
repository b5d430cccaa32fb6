"""`events endpoint`: the health of the app's endpoint, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.operator.signature_inspection import iso_time

if TYPE_CHECKING:
    from shared.store.endpoint import EndpointHealth


@dataclass(frozen=True)
class EndpointReport:
    """The endpoint's health at `now` (Unix seconds).

    `enabled`: whether this command has enabled it; None: it was not asked to.
    """

    health: EndpointHealth
    now: int
    enabled: bool | None

    def document(self) -> dict[str, object]:
        """Return the report as a JSON document."""
        return {
            "deliveredAt": _time(self.health.delivered_at),
            "failingSince": _time(self.health.failing_since),
            "disabledSince": _time(self.health.disabled_since),
            "unhealthy": self.health.is_unhealthy(now=self.now),
            "enabledNow": bool(self.enabled),
        }

    def text(self) -> str:
        """Return the report as text."""
        unhealthy = "  Unhealthy: for more than 5 days." if self.health.is_unhealthy(now=self.now) else ""
        lines = [
            f"last delivery   {_time(self.health.delivered_at) or 'none'}",
            f"failing since   {_time(self.health.failing_since) or '-'}{unhealthy}",
            f"disabled since  {_time(self.health.disabled_since) or '-'}",
        ]
        if self.enabled:
            lines.append(
                "Enabled. What waits is tried within the hour, or now: events retry --state due --yes"
            )
        elif self.enabled is False:
            lines.append("It was not disabled.")
        elif self.health.disabled_since is not None:
            lines.append("The app has answered 410. Once its people agree, --enable delivers to it again.")
        return "".join(f"{line}\n" for line in lines)


def _time(second: int | None) -> str | None:
    return None if second is None else iso_time(second)
