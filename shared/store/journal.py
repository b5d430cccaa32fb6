"""The journal of events in Redis.

Each method is one round trip, unless it says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.domain.event_status import IngestOutcome, Verdict
from shared.domain.journal import EventKey, Journaled, rank_of
from shared.domain.upload_id import made_at
from shared.errors import StoreUnavailableError
from shared.store.call_budget import CallBudgetStore
from shared.store.connection import (
    PARTITIONS,
    StoreConnection,
    digest,
    open_uploads_key,
    usage_key,
)
from shared.store.deliveries import DeliveryStore, endpoint_key
from shared.store.endpoint import RANK_STEP, BacklogStore, EndpointStore
from shared.store.event_fields import (
    NO_FACTS,
    RECORD_BYTES,
    confirmed_version_of,
    facts_json,
    parted,
    short_name,
    version_of,
)
from shared.store.parked import ParkedStore
from shared.store.proofs import ProofStore
from shared.store.tails import CheckStore, TailStore
from shared.store.uploads import UploadStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.domain.journal import Budget, EventEntry
    from shared.redis.resp import ScriptCall, Word

CLAIM_TOMBSTONE = "-"
"""The tombstone of a delivered event of which the app was told a claim only (`lua/steps/versions.lua`)."""
PIECE_BYTES = 262_144
"""What is sent in one piece; more might take longer than a call may."""


class JournalStore(StoreConnection):
    """The events of one stage."""

    def journal(
        self, entry: EventEntry, *, endpoint: str, now: int, next_attempt_at: int | None
    ) -> Journaled:
        """Ingest one event, once by its name: add its facts to its upload, and schedule its delivery.

        The caller holds the entry's lease until `next_attempt_at` (Unix seconds); after that any worker may
        deliver it. None: there is nothing to deliver. `endpoint` is the app's URL.

        Raises:
            StoreUnavailableError: the store did not answer; the event may or may not be journaled.

        """
        call = self.journal_call(entry, endpoint=endpoint, now=now, next_attempt_at=next_attempt_at)
        return _journaled(self._script("journal_event", *call))

    def journal_all(self, calls: Sequence[ScriptCall]) -> list[Journaled | StoreUnavailableError]:
        """Ingest several events, of which `journal_call` has made the calls; in their order.

        One round trip takes as many as fit into PIECE_BYTES; those of a node of a cluster go to it together.
        An error in place of a result: that event may or may not be journaled.
        """
        journaled: list[Journaled | StoreUnavailableError] = []
        try:
            for piece in _in_pieces(calls):
                replies = self._scripts("journal_event", piece)
                journaled += [
                    it if isinstance(it, StoreUnavailableError) else _journaled(it) for it in replies
                ]
        except StoreUnavailableError as error:
            journaled += [error] * (len(calls) - len(journaled))
        return journaled

    def journal_call(
        self, entry: EventEntry, *, endpoint: str, now: int, next_attempt_at: int | None
    ) -> ScriptCall:
        """Return the keys and arguments by which `journal` ingests an event."""
        at = self.key_of(entry)
        first = EventKey(at.partition, _event_key(at.partition, entry.first_name))
        keys = [
            at.key,
            *at.indexes("journal", "due", "quarantined", "dead"),
            endpoint_key(at, endpoint),
            *_upload_keys(at, entry, now=now),
            first.key,
            at.body,
            at.tombstone,
            first.tombstone,
            *at.indexes("proofs", "enforcements"),
        ]
        rank = rank_of(entry.intended, verified=entry.verified)
        due = "" if next_attempt_at is None else rank * RANK_STEP + next_attempt_at
        # Only what is applied needs all its facts: a script that decodes long ones holds up the store.
        known = (
            entry if entry.intended is IngestOutcome.APPLIED else entry._replace(upload=None, facts=NO_FACTS)
        )
        version = version_of(entry.facts, entry.content_source)
        is_claim = entry.content_source == "c" and not entry.verified
        facts = facts_json(known, version, verified=entry.verified, is_claim=is_claim)
        body, fields = parted((*entry.fields, ("name", short_name(entry.name)), ("lease", entry.lease)))
        size = RECORD_BYTES + len(body) + (0 if known.facts is NO_FACTS else len(facts))
        limits: list[Word] = ["", ""]
        if entry.budget is not None:
            name, *most = entry.budget
            limits = [limit if entry.upload else limit // PARTITIONS for limit in most]
            keys.append(f"{at.partition}:budget:{name}")
        retention = self._scope.retention_seconds
        arguments: list[Word] = [
            now,
            retention,
            due,
            entry.intended.value,
            facts,
            body,
            size,
            *limits,
            *fields,
        ]
        return keys, arguments

    def settle(self, entry: EventEntry, *, now: int, genuine: bool, confirmed: bool = True) -> Journaled:
        """Record the result of verifying a held event: genuine, or to be quarantined.

        A genuine event adds the entry's facts to its upload; they are then VOD's values, as are the fields.
        It is `verified` if VOD `confirmed` the whole event. A further version that VOD does not confirm, or
        that is told already, is dropped: the outcome is `duplicate`.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        at = self.key_of(entry)
        indexes = at.indexes("due", "quarantined", "dead")
        first = EventKey(at.partition, _event_key(at.partition, entry.first_name))
        keys = [
            at.key,
            *indexes,
            *_upload_keys(at, entry, now=now),
            first.key,
            at.body,
            first.tombstone,
            *at.indexes("journal", "proofs", "enforcements"),
        ]
        version = confirmed_version_of(entry.facts)
        facts = facts_json(entry, version, verified=confirmed, is_claim=False) if genuine else ""
        retention = self._scope.retention_seconds
        body, _ = parted(entry.fields if genuine else ())
        arguments: list[Word] = [now, retention, entry.lease, facts, body]
        return _journaled(self._script("settle_event", keys, arguments))

    def are_verified(self, names: Sequence[tuple[str, str]]) -> list[bool]:
        """Return for events of uploads, each a user and a name, whether the journal has VOD's own version.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        partitions = ((self._partition_of(user_id), name) for user_id, name in names)
        events = [EventKey(partition, _event_key(partition, name)) for partition, name in partitions]
        commands = [words for at in events for words in (("HGET", at.key, "verified"), ("GET", at.tombstone))]
        replies = self._pipeline(commands)
        seen = zip(replies[::2], replies[1::2], strict=True)
        return [verified == "1" or tombstone not in (None, CLAIM_TOMBSTONE) for verified, tombstone in seen]

    def remember_task(self, task_id: str, *, token: str) -> None:
        """Store the token of a task flow, unless an event of it has come before.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        retention = self._scope.retention_seconds
        self._execute("SET", self._task_key(task_id), token, "EX", retention, "NX")

    def token_of_task(self, task_id: str, budget: Budget | None) -> str:
        """Return the token of a task flow; empty, from then on for good, if none is stored.

        Otherwise an event of a task flow would be unattributed when it comes first and attributed when VOD
        sends it again: one event with two names. That it is empty is stored out of `budget`, if there is one;
        an event for which that is used up is not journaled either.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        key = self._task_key(task_id)
        name, _, most = budget or ("", 0, 0)
        keys = [key, f"{self._partition_of(task_id)}:budget:{name}"]
        arguments: list[Word] = [
            self._scope.retention_seconds,
            RECORD_BYTES,
            most // PARTITIONS if budget else "",
        ]
        return str(self._script("token_of_task", keys, arguments))

    def _task_key(self, task_id: str) -> str:
        return f"{self._partition_of(task_id)}:task:{digest(task_id)}"

    def key_of(self, entry: EventEntry) -> EventKey:
        """Return the key of an event; its versions are in one partition, of its uploader if it has one."""
        partition = self._partition_of(entry.upload.user_id if entry.upload else entry.first_name)
        event = EventKey(partition, _event_key(partition, entry.name))
        return event.copy_for(entry.endpoint) if entry.endpoint else event


def _in_pieces(calls: Sequence[ScriptCall]) -> Iterator[list[ScriptCall]]:
    """Split calls into pieces of PIECE_BYTES; one that is larger is a piece of its own."""
    piece: list[ScriptCall] = []
    left = PIECE_BYTES
    for call in calls:
        size = sum(len(word) for word in call[1] if isinstance(word, (str, bytes)))
        if piece and size > left:
            yield piece
            piece, left = [], PIECE_BYTES
        piece.append(call)
        left -= size
    if piece:
        yield piece


def _upload_keys(at: EventKey, entry: EventEntry, *, now: int) -> list[str]:
    """Return the keys an event may change: its upload, the checks, its user's open uploads and usage."""
    upload_id, user_id = (entry.upload.upload_id, entry.upload.user_id) if entry.upload else ("", "")
    began_at = made_at(upload_id) if upload_id else now
    return [
        f"{at.partition}:upload:{upload_id}",
        f"{at.partition}:checks",
        open_uploads_key(at.partition, user_id),
        usage_key(at.partition, user_id, at=began_at),
        usage_key(at.partition, user_id, at=now),
    ]


def _event_key(partition: str, name: str) -> str:
    return f"{partition}:event:{digest(name)}"


def _journaled(reply: list[Any]) -> Journaled:
    outcome, verdict, sequence, state, limits, declared = (*reply, "", "")[:6]
    return Journaled(
        IngestOutcome(outcome),
        Verdict(verdict) if verdict else None,
        int(sequence),
        int(state),
        limits or "",
        declared or "",
    )


class Store(
    UploadStore,
    JournalStore,
    DeliveryStore,
    ParkedStore,
    EndpointStore,
    BacklogStore,
    TailStore,
    CheckStore,
    ProofStore,
    CallBudgetStore,
):
    """The store of one stage; any failure of it is a StoreUnavailableError, within a second."""
