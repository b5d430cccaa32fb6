"""The journal's values: what is written of an event, and what the journal answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.session import Facts, UploadOrigin

Rule = Literal["record", "hold", "apply", "quarantine", "unless used"]
Outcome = Literal["delivered", "failed", "gone", "waiting", "kept"]


@dataclass(frozen=True)
class Journaled:
    """What the journal made of an event.

    `status`: `duplicate` (known already), `recorded` (moves no upload of ours), `held` (waits for
    the read-back), `applied` (its upload has moved), `verified` (moved, and the read-back has
    confirmed all of it), `quarantined`, `superseded` (the upload was used after all), `lost` (somebody
    else works on it now). `endpoint_disabled`: the app has asked to be left alone (410).
    `limits`: of an upload whose file this event tells of, as they are kept.
    """

    status: str
    verdict: str = ""
    sequence: int = 0
    endpoint_disabled: bool = False
    limits: str = field(default="", compare=False)


@dataclass(frozen=True)
class EventEntry:
    """One event as it goes into the journal, under the lease of whoever brings it.

    `name` tells it from every other event. `upload` is what the upload that its token names began
    with, as the token alone tells it; None if it is none of ours. `rule` says what the journal does
    with `facts`: `apply` them at once, `hold` them until the read-back, only `record` or `quarantine`
    the event, or apply them `unless used`, unless the upload has got a file. `verified` says that VOD
    itself vouches for it. `fields` are kept with it as they are.
    """

    name: str
    upload: UploadOrigin | None
    facts: Facts
    rule: Rule
    verified: bool
    lease: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class AttemptEnding:
    """How an attempt to verify or deliver an event ended, by the holder of its lease.

    `next_attempt_at` (Unix seconds) None ends it for good: the event is delivered or dead, or kept,
    because no webhook is set up.
    `fields` are kept with the event; `endpoint` is the app's URL, whose health is kept as well.
    """

    lease: str
    endpoint: str
    now: int
    outcome: Outcome
    next_attempt_at: int | None
    fields: Mapping[str, str]


@dataclass(frozen=True)
class EventKey:
    """Where an event is kept: the prefix of its partition, and its own key."""

    partition: str
    key: str


@dataclass(frozen=True)
class TakenEvent:
    """A due event that is ours until its lease ends: its record, as it was journaled and since."""

    record: Mapping[str, str]
    lease: str
    endpoint_disabled: bool
