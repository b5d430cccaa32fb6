"""The journal's values: what is written of an event, and what the journal answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.domain.event_status import IngestOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from shared.domain.event_status import AttemptOutcome, EventStatus, Verdict
    from shared.domain.session import Facts, UploadOrigin, UploadSession

    Word: TypeAlias = str | bytes
    Budget: TypeAlias = tuple[str, int, int]
    """What pushed events may take that share it: its name, their number, and their bytes in the store.

    Those of one upload share one, and all others of a day another, of which each partition has an equal part.
    """


class Rank:
    """Whose attempts go first: those of a lower rank, so that no forgery delays what VOD has confirmed.

    `confirmed`: VOD vouches for it, or the read-back is off. `sealed`: pushed under a seal of ours, and not
    confirmed yet. `foreign`: pushed without one, and not confirmed.
    """

    CONFIRMED, SEALED, FOREIGN = ALL = 0, 1, 2


def rank_of(outcome: IngestOutcome, *, verified: bool) -> int:
    """Return the rank of an event by what the journal did with it, or is to do."""
    if outcome is IngestOutcome.HELD:
        return Rank.SEALED
    return Rank.CONFIRMED if verified or outcome is not IngestOutcome.RECORDED else Rank.FOREIGN


class EndpointState:
    """What the journal knows of the app's endpoint when it takes in or hands out an event.

    `disabled`: the app has asked to be left alone (410). `failing`: it has taken nothing of the event's
    partition for more than a minute. `paused`: for more than five days; of its events one an hour is a
    `probe`.
    """

    OPEN, DISABLED, FAILING, PAUSED, PROBE = 0, 1, 2, 3, 4


class Journaled(NamedTuple):
    """What the journal made of an event.

    `verdict`: None until the event has moved its upload, or was quarantined. `sequence`: its number among
    the events of that upload, from 1; 0 without one. `endpoint_state`: one of EndpointState. `limits`: of an
    upload whose file this event tells of, as they are kept; `declared`: of one whose file's digests it has,
    the declared ones, as in `AppEvent`. With the outcome `other-version`, `sequence` is the number of VOD's
    own versions that are told.
    """

    outcome: IngestOutcome
    verdict: Verdict | None = None
    sequence: int = 0
    endpoint_state: int = EndpointState.OPEN
    limits: str = ""
    declared: str = ""


class EventEntry(NamedTuple):
    """One event as it goes into the journal, under the lease of whoever brings it.

    `name` tells it from every other event, a version from the others of its event. `upload` is what
    the upload that its token names began with, as the token alone tells it; None if it is none of ours.
    `intended` is what the journal is to do with it, should it be new: `applied` moves the upload by `facts`
    at once, `held` once VOD has confirmed them, `recorded` and `quarantined` never. `verified` says that VOD
    itself vouches for it. `may_replace`: it is VOD's own, or a claim that VOD can be asked about, and so
    takes the place of one that VOD has not confirmed. `content_source`: `a` for an answer of VOD's API, `e`
    for VOD's own event, `c` for a claim. `fields` are kept with it as they are. `budget` is the one it takes
    from; None: it is VOD's own answer. `endpoint`: this is the copy for the endpoint of this name.
    """

    name: str
    upload: UploadOrigin | UploadSession | None
    facts: Facts
    intended: IngestOutcome
    verified: bool
    lease: str
    fields: tuple[tuple[str, Word], ...] = ()
    budget: Budget | None = None
    may_replace: bool = False
    content_source: str = "c"
    endpoint: str = ""

    @property
    def first_name(self) -> str:
        """The name of the first version of this event."""
        return self.name.partition(_VERSION)[0]

    @property
    def is_further_version(self) -> bool:
        """True if another version of this event came before."""
        return _VERSION in self.name


_VERSION = ".v"
"""Between the name of an event, in which it cannot be, and the number of a further version."""


def version_name(name: str, versions_told: int) -> str:
    """Return the name of the next version of an event, of which VOD's own were told so often."""
    return f"{name}{_VERSION}{versions_told + 1}"


class AttemptEnding(NamedTuple):
    """How an attempt to verify or deliver an event ended, by the holder of its lease.

    `status`: where the event stands now, `due` for another attempt at `next_attempt_at` (Unix seconds), or
    for good `delivered`, `dead` or `kept`. `outcome`: how the endpoint answered, None if it was not asked.
    `fields` are kept with the event; `endpoint` is the app's URL, whose health is kept as well. `rank` is
    that of another attempt. What a delivered event consists of is kept for `keep_seconds`, and its
    tombstone for the whole retention.
    """

    lease: str
    endpoint: str
    now: int
    status: EventStatus
    outcome: AttemptOutcome | None
    next_attempt_at: int | None
    fields: Mapping[str, Word]
    rank: int = Rank.CONFIRMED
    keep_seconds: int = 0


class EventKey(NamedTuple):
    """The key of an event's record, and the prefix of its partition."""

    partition: str
    key: str

    @property
    def body(self) -> str:
        """The key of the event's bytes, which do not live as long as its record."""
        return self.key.replace(":event:", ":body:", 1)

    @property
    def endpoint(self) -> str:
        """The name of the endpoint for which this is a copy of an event; empty for the event itself."""
        return self.key.partition("@")[2]

    def copy_for(self, endpoint: str) -> EventKey:
        """Return the key of an event's copy for the endpoint of this name."""
        return EventKey(self.partition, f"{self.key}@{endpoint}")

    @property
    def original(self) -> EventKey:
        """The key of the event of which this is a copy."""
        return EventKey(self.partition, self.key.partition("@")[0])

    def indexes(self, *names: str) -> list[str]:
        """Return the keys of sorted sets of the event's partition, of a copy those of its endpoint."""
        endpoint = self.endpoint
        return [index_key(self.partition, name, endpoint) for name in names]

    @property
    def tombstone(self) -> str:
        """The key of what is left of a delivered event for the rest of the retention, to know its copies."""
        return self.key.replace(":event:", ":told:", 1)


def index_key(partition: str, name: str, endpoint: str = "") -> str:
    """Return the key of a sorted set of a partition, or of its one for an endpoint of APP_WEBHOOKS."""
    return f"{partition}:{name}:{endpoint}" if endpoint else f"{partition}:{name}"


class TakenEvent(NamedTuple):
    """A due event under our lease, until that ends: its record, as journaled and since updated."""

    record: Mapping[str, str]
    lease: str
    endpoint_state: int
