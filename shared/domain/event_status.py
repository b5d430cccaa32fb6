"""Where an event stands: the words for it, and which status may follow which.

Four dimensions, each an enum of its own; their values are what Redis, the log and the commands spell:

- `Verdict`: whose event it is. Field `verdict` of the record, member `verdict` of the app's event.
- `IngestOutcome`: what the journal did with it. Its stored members are the field `status` of the record.
- `AttemptOutcome`: how the app's endpoint answered one attempt. An argument of a script, stored nowhere.
- `EventStatus`: where it stands as a whole, derived from its record by `status_of`. Names of the indexes
  `due`, `dead`, `quarantined` and `parked`, and of `events list --state`.

                  unverified          VOD confirms it         the app takes it
             new ------------> held -----------------> due -----------------> delivered
              | |               | |                    ^ |
              | | trusted       | | the last           | | the last attempt fails
              | +---------------|-|--------------------+ +------------------> dead
              |                 | | attempt fails        |                     ^
              |                 | +----------------------|---------------------+
              |                 |                        | no webhook
              |                 | VOD contradicts it     +------------------> kept
              | broken seal     v                        |
              +----------> quarantined <-----------------+ VOD contradicts it
              |
              | unreadable
              +----------> parked

             new -- trusted, no webhook --> kept;  kept -- VOD contradicts it --> quarantined
             dead, delivered, kept -- events retry --> due, or held if VOD has not confirmed it
             quarantined, dead and unconfirmed or unreadable -- it comes again --> held, due or kept

A record is deleted at the end of its retention, whatever its status.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


# Enums rather than constants, so that mypy refuses a word of another dimension. They cost the start of an
# event function two of its 420 million instructions; a signature imports none of them.
class Verdict(str, Enum):
    """Whose event it is.

    `attributed`: of an upload we allowed. `late`: likewise, after the session had ended or was
    cancelled. `replayed`: a second file under a session that has one. `cover_changed`: a file of ours
    that is known has another cover. `unattributed`: made without us, from the console or the server
    API. `quarantined`: claims to be ours and is not; kept, and never delivered.
    """

    ATTRIBUTED = "attributed"
    LATE = "late"
    REPLAYED = "replayed"
    COVER_CHANGED = "cover_changed"
    UNATTRIBUTED = "unattributed"
    QUARANTINED = "quarantined"


class IngestOutcome(str, Enum):
    """What the journal did with an event.

    Stored: `recorded` (moves no upload of ours), `held` (waits for the read-back), `applied` (its upload has
    moved), `verified` (VOD has confirmed all the event says; its upload, if it has one, has moved).

    Not stored, because nothing was written: `duplicate` (known already), `other-version` (known as a claim,
    or with another end or cover: to be journaled as a further version), `superseded` (the upload was used or
    cancelled, so it does not expire), `over budget` (pushed events have taken all they may), `lost` (the
    lease has passed to another worker). `quarantined` (broken seal, or contradicted by VOD) is stored as
    `recorded`, with that verdict.
    """

    RECORDED = "recorded"
    HELD = "held"
    APPLIED = "applied"
    VERIFIED = "verified"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    OTHER_VERSION = "other-version"
    SUPERSEDED = "superseded"
    OVER_BUDGET = "over budget"
    LOST = "lost"


class AttemptOutcome(str, Enum):
    """How the app's endpoint answered one attempt: 2xx, 410, or anything else, no answer included."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"


class EventStatus(str, Enum):
    """Where an event stands as a whole.

    `due`: waits for its next attempt. `held`: waits until VOD has confirmed it. `delivered`: the app has
    taken it. `dead`: the last attempt has failed. `quarantined`: is never delivered. `kept`: no webhook was
    set up when it would have been sent. `parked`: could not be read, so that only its text is kept.
    """

    DUE = "due"
    HELD = "held"
    DELIVERED = "delivered"
    DEAD = "dead"
    QUARANTINED = "quarantined"
    KEPT = "kept"
    PARKED = "parked"


WITHHELD = "withheld"
"""`quarantined`, as the field `delivery` of a record spells it; `due`, `kept`, `delivered` and `dead` stand
there as they are."""

TRANSITIONS: Mapping[EventStatus | None, frozenset[EventStatus]] = {
    None: frozenset(
        {EventStatus.HELD, EventStatus.DUE, EventStatus.KEPT, EventStatus.QUARANTINED, EventStatus.PARKED}
    ),
    EventStatus.HELD: frozenset({EventStatus.DUE, EventStatus.DEAD, EventStatus.QUARANTINED}),
    EventStatus.DUE: frozenset(
        {EventStatus.DELIVERED, EventStatus.DEAD, EventStatus.KEPT, EventStatus.QUARANTINED}
    ),
    EventStatus.KEPT: frozenset({EventStatus.DUE, EventStatus.QUARANTINED}),
    EventStatus.DELIVERED: frozenset({EventStatus.DUE}),
    EventStatus.DEAD: frozenset({EventStatus.HELD, EventStatus.DUE, EventStatus.KEPT}),
    EventStatus.QUARANTINED: frozenset({EventStatus.HELD, EventStatus.DUE, EventStatus.KEPT}),
    EventStatus.PARKED: frozenset(),
}
"""Which status may follow which; None: the event is not in the journal yet."""


def status_of(record: Mapping[str, str], *, is_due: bool) -> EventStatus:
    """Derive where an event stands from its record, and from whether the index `due` names it."""
    if "failures" in record:
        return EventStatus.PARKED
    if record.get("verdict") == Verdict.QUARANTINED:
        return EventStatus.QUARANTINED
    delivery = record.get("delivery")
    if delivery in (EventStatus.DELIVERED, EventStatus.DEAD):
        return EventStatus(delivery)
    if record.get("status") == IngestOutcome.HELD:
        return EventStatus.HELD
    return EventStatus.DUE if is_due else EventStatus.KEPT


def log_word(outcome: EventStatus | IngestOutcome) -> str:
    """Return the word for it in log lines and figures: `retrying` for an event that is due again."""
    return "retrying" if outcome is EventStatus.DUE else outcome.value
