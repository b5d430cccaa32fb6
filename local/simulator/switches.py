"""The questions about VOD that no text answers, each with the answer that the simulator gives.

    {"switches": {"repeatedApply": "accept", "expiredCredential": "RequestTimeTooSkewed"}}

The first position of each is the default: where one is stricter, what works with it works with the other too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

POSITIONS: Mapping[str, tuple[str, ...]] = {
    "repeatedApply": ("refuse", "accept"),
    "commitExpiry": ("check", "ignore"),
    "expiredCredential": ("AccessDenied", "RequestTimeTooSkewed", "ExpiredToken"),
    "context": ("apply", "commit"),
    "coverChange": ("silent", "event"),
    "createTime": ("commit", "apply"),
    "fileAttributes": ("whole", "md5", "withoutContext"),
}
_FIELDS = {
    "repeatedApply": "repeated_apply",
    "commitExpiry": "commit_expiry",
    "expiredCredential": "expired_credential",
    "context": "context",
    "coverChange": "cover_change",
    "createTime": "create_time",
    "fileAttributes": "file_attributes",
}


@dataclass(frozen=True)
class Switches:
    """One position for each question.

    `repeated_apply`: an Apply that comes again with its one-time signature, for the session that this
    signature opened or resumed, is a repeat (10011), or is answered once more with that session. Mobile SDKs
    send it after a lost reply. `commit_expiry`: Commit refuses an expired signature, or does not check it.
    `expired_credential`: COS's code for a storage credential that has expired (doc 436/7730 lists all
    three); Android applies again on the second only. `context`: the signature whose sourceContext,
    sessionContext, procedure and classId count. `cover_change`: whether a changed cover raises
    NewFileUpload. `create_time`: which call's time is the CreateTime of a media, by which SearchMedia
    lists it. `file_attributes`: whether a task of DescribeFileAttributes has both digests (266/83796) or
    MD5 alone (266/52517), and whether it has the SessionContext of its request.
    """

    repeated_apply: str = "refuse"
    commit_expiry: str = "check"
    expired_credential: str = "AccessDenied"
    context: str = "apply"
    cover_change: str = "silent"
    create_time: str = "commit"
    file_attributes: str = "whole"

    def turned(self, positions: Mapping[str, str]) -> Switches:
        """Return these switches with some in other positions, by the names that `read_switches` checks."""
        return replace(self, **cast("Any", {_FIELDS[name]: position for name, position in positions.items()}))

    def as_json(self) -> dict[str, object]:
        """Return every switch by its name on the wire."""
        return {name: getattr(self, field) for name, field in _FIELDS.items()}


class SwitchBoard:
    """The switches in force."""

    def __init__(self, switches: Switches) -> None:
        self.present = switches

    def turn(self, positions: Mapping[str, str]) -> None:
        """Change the named switches; the others stay."""
        self.present = self.present.turned(positions)


def read_switches(value: object) -> dict[str, str]:
    """Validate positions by name; None is none at all.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("switches: an object of names and positions is expected.")  # noqa: TRY004  # a sentence for the caller
    for name, position in value.items():
        if name not in POSITIONS:
            raise ValueError(f"switches: there is no {str(name)[:40]!r}; there are {', '.join(POSITIONS)}.")
        if position not in POSITIONS[name]:
            raise ValueError(
                f"switches: {name} is {' or '.join(POSITIONS[name])}, not {str(position)[:40]!r}."
            )
    return dict(value)


def read_switch(text: str) -> dict[str, str]:
    """Parse NAME=POSITION, the form of the command line.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    name, _, position = text.partition("=")
    return read_switches({name: position})
