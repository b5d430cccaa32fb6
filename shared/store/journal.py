"""The journal of events and of due deliveries in Redis.

Each method is one round trip, unless it says otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

from shared.domain.event_status import IngestOutcome, Verdict
from shared.domain.journal import EventKey, Journaled, TakenEvent
from shared.domain.session import FINISHED_RANK
from shared.store.connection import StoreConnection, digest, flat, open_uploads_key, pairs, usage_key
from shared.store.endpoint import BacklogStore, EndpointStore
from shared.store.upload_record import session_fields, write_outcome
from shared.store.uploads import UploadStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.journal import AttemptEnding, EventEntry
    from shared.store.resp import Word

ATTEMPTS_PER_SECOND = 10
"""The send slots of one endpoint: a limit on the timer, for the time after an outage."""
FAILURES_BEFORE_PARKING = 5
PARKED_BYTES = 16 * 1024 * 1024
"""The default of the setting: what the parked bodies of a stage may take."""
PARKED_HEAD = 4096


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
        at = self.key_of(entry)
        indexes = [f"{at.partition}:{index}" for index in ("journal", "due", "quarantined", "dead")]
        first = _event_key(at.partition, entry.first_name)
        keys = [at.key, *indexes, _endpoint_key(at, endpoint), *_upload_keys(at, entry), first]
        due = "" if next_attempt_at is None else next_attempt_at
        facts = _facts_json(entry, verified=entry.verified, content_source=entry.content_source)
        fields = flat((*entry.fields, ("name", entry.name), ("lease", entry.lease)))
        retention = self._scope.retention_seconds
        arguments = [now, retention, due, entry.intended.value, facts, *fields]
        return _journaled(self._script("journal_event", keys, arguments))

    def settle(self, entry: EventEntry, *, now: int, genuine: bool, confirmed: bool = True) -> Journaled:
        """Record the result of verifying a held event: genuine, or to be quarantined.

        A genuine event adds the entry's facts to its upload; they are then VOD's values, as are the fields.
        It is `verified` if VOD `confirmed` the whole event. A further version that VOD does not confirm, or
        that is told already, is dropped: the outcome is `duplicate`.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        at = self.key_of(entry)
        indexes = [f"{at.partition}:{index}" for index in ("due", "quarantined", "dead")]
        first = _event_key(at.partition, entry.first_name)
        keys = [at.key, *indexes, *_upload_keys(at, entry), first]
        facts = _facts_json(entry, verified=confirmed, content_source="a") if genuine else ""
        retention = self._scope.retention_seconds
        arguments: list[Word] = [now, retention, entry.lease, facts, *flat(entry.fields)]
        return _journaled(self._script("settle_event", keys, arguments))

    def due_events(self, *, now: int, limit: int) -> tuple[EventKey, ...]:
        """List the events whose next attempt is due, at most `limit` of each partition.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        return tuple(
            EventKey(partition, key)
            for partition, keys in self._due_members("due", now=now, limit=limit).items()
            for key in keys
        )

    def take(
        self, at: EventKey, *, endpoint: str, now: int, lease: str, lease_ends_at: int
    ) -> TakenEvent | None:
        """Take a due event under a lease; None if another worker has it, or it is gone.

        Raises:
            StoreUnavailableError: the store did not answer; the lease may have been given.

        """
        keys = [at.key, f"{at.partition}:due", _endpoint_key(at, endpoint)]
        record, disabled = self._script("take_event", keys, [now, lease, lease_ends_at])
        return TakenEvent(pairs(record), lease, bool(disabled)) if record else None

    def finish_attempt(self, at: EventKey, ending: AttemptEnding) -> bool:
        """Record the outcome of an attempt; False if the lease has passed to another worker.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        keys = [at.key, f"{at.partition}:due", f"{at.partition}:dead", _endpoint_key(at, ending.endpoint)]
        due = "" if ending.next_attempt_at is None else ending.next_attempt_at
        outcome = "" if ending.outcome is None else ending.outcome.value
        fields = flat(tuple(ending.fields.items()))
        retention = self._scope.retention_seconds
        arguments = [ending.lease, ending.now, ending.status.value, outcome, due, retention, *fields]
        return bool(self._script("finish_attempt", keys, arguments))

    def send_slot(self, endpoint: str, *, now: float) -> float:
        """Reserve a send slot of an endpoint; return 0, or the seconds to wait before asking again.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        key = f"{self._partition_of(endpoint)}:turn:{digest(endpoint)}"
        interval = 1000 // ATTEMPTS_PER_SECOND
        return float(self._script("send_slot", [key], [int(now * 1000), interval])) / 1000

    def remember_task(self, task_id: str, *, token: str) -> None:
        """Store the token of a task flow, unless an event of it has come before.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        retention = self._scope.retention_seconds
        self._execute("SET", self._task_key(task_id), token, "EX", retention, "NX")

    def token_of_task(self, task_id: str) -> str:
        """Return the token of a task flow; empty, from then on for good, if none is stored.

        Otherwise an event of a task flow would be unattributed when it comes first and attributed when VOD
        sends it again: one event with two names. Two round trips.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        self.remember_task(task_id, token="")
        return str(self._execute("GET", self._task_key(task_id)) or "")

    def count_failure(self, raw: str, *, problem: str, now: int, budget: int = PARKED_BYTES) -> int:
        """Count a failed ingestion of a pulled event, which is parked after FAILURES_BEFORE_PARKING.

        Returns 0 before that, 1 once it is parked, 2 if only its first part is kept.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        failures = FAILURES_BEFORE_PARKING
        return self._park(raw, {"problem": problem}, now=now, failures=failures, budget=budget)

    def park(self, body: bytes, *, problem: str, now: int, budget: int = PARKED_BYTES) -> bool:
        """Keep a pushed body that cannot be read, for people to see; False if only its first part is kept.

        All parked bodies of a stage share `budget` bytes for their retention: beyond that digest, length,
        reason and the first 4 KB are kept. `raw` is the Base64 of the compressed body.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        fields = {
            "problem": problem,
            "length": str(len(body)),
            "sha256": hashlib.sha256(body).hexdigest(),
            "encoding": "zlib",
        }
        raw = base64.b64encode(zlib.compress(body)).decode("ascii")
        return self._park(raw, fields, now=now, failures=1, budget=budget) == 1

    def _park(self, raw: str, fields: Mapping[str, str], *, now: int, failures: int, budget: int) -> int:
        name = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        # All in one partition, so that one script sees the whole budget.
        partition = self._partition_of("parked")
        keys = [f"{partition}:poison:{name}", f"{partition}:parked", f"{partition}:parked-bytes"]
        arguments: list[Word] = [
            *(now, self._scope.retention_seconds, failures),
            *(budget, len(raw), raw, raw[:PARKED_HEAD]),
            *flat(tuple(fields.items())),
        ]
        return int(self._script("park_event", keys, arguments))

    def _task_key(self, task_id: str) -> str:
        return f"{self._partition_of(task_id)}:task:{digest(task_id)}"

    def key_of(self, entry: EventEntry) -> EventKey:
        """Return the key of an event; its versions are in one partition, of its uploader if it has one."""
        partition = self._partition_of(entry.upload.user_id if entry.upload else entry.first_name)
        return EventKey(partition, _event_key(partition, entry.name))


def _upload_keys(at: EventKey, entry: EventEntry) -> list[str]:
    """Return the keys an event may change: its upload, the checks, its user's open uploads and usage."""
    upload_id, user_id = (entry.upload.upload_id, entry.upload.user_id) if entry.upload else ("", "")
    return [
        f"{at.partition}:upload:{upload_id}",
        f"{at.partition}:checks",
        open_uploads_key(at.partition, user_id),
        usage_key(at.partition, user_id, upload_id),
    ]


def _event_key(partition: str, name: str) -> str:
    return f"{partition}:event:{digest(name)}"


def _endpoint_key(at: EventKey, endpoint: str) -> str:
    return f"{at.partition}:endpoint:{digest(endpoint)}"


def _journaled(reply: list[Any]) -> Journaled:
    outcome, verdict, sequence, disabled, *limits = reply
    return Journaled(
        IngestOutcome(outcome),
        Verdict(verdict) if verdict else None,
        int(sequence),
        bool(disabled),
        "".join(limits),
    )


def _content_digest(version: list[object]) -> str:
    return hashlib.sha256(json.dumps(version).encode("ascii")).hexdigest()[:16]


def _facts_json(entry: EventEntry, *, verified: bool, content_source: str) -> str:
    facts = entry.facts
    return json.dumps(
        {
            "file_id": facts.file_id,
            "first": dict(facts.first),
            "rank": facts.rank,
            "outcome": "" if facts.outcome is None else write_outcome(facts.outcome),
            "finished_rank": FINISHED_RANK,
            "check_after": facts.check_after,
            "size": "unknown" if facts.size is None else str(facts.size),
            "verified": verified,
            "is_claim": content_source == "c",
            "may_replace": entry.may_replace,
            "content": f"{content_source}:{_content_digest(facts.version)}" if facts.version else "",
            "upload_id": entry.upload.upload_id if entry.upload else "",
            "origin": session_fields(entry.upload) if entry.upload else {},
        }
    )


class Store(UploadStore, JournalStore, EndpointStore, BacklogStore):
    """The store of one stage; any failure of it is a StoreUnavailableError, within a second."""
