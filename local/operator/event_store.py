"""The journal as operators use it: find, read and revive events, see the endpoint's health.

No function uses it; see `shared.store.journal` for how events are written.
"""

from __future__ import annotations

import heapq
import math
import re
from dataclasses import dataclass
from itertools import count, islice
from operator import itemgetter
from typing import TYPE_CHECKING

from shared.domain.event_status import EventStatus, status_of
from shared.domain.journal import EventKey, index_key
from shared.store.connection import pairs
from shared.store.endpoint import RANK_STEP, EndpointStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shared.redis.resp import Command

PAGE = 100
_PAGE_OF_WHOLE = 20
"""Whole events are large: a page of them must arrive within the store's time-out."""

_SUMMARY = (
    "name",
    "received_at",
    "origin",
    "status",
    "verdict",
    "delivery",
    "attempts",
    "failures",
    "upload_id",
    "problem",
)
_ID_OF_KIND = {"event": "evt_", "poison": "parked_"}
_KIND_OF_ID = {id_prefix: kind for kind, id_prefix in _ID_OF_KIND.items()}
_ID = re.compile(r"(evt_|parked_)([0-9a-f]{1,32})(@[a-z0-9-]{1,20})?")
_WHOLE_DIGEST = 32


_INDEXES: Mapping[EventStatus | None, tuple[str, ...]] = {
    None: ("journal", "due", "delivered", "dead", "quarantined", "parked"),
    EventStatus.DUE: ("due",),
    EventStatus.HELD: ("due",),
    # An earlier release listed every event in the journal, also one that is in another index.
    EventStatus.DELIVERED: ("delivered", "journal"),
    EventStatus.DEAD: ("dead",),
    EventStatus.QUARANTINED: ("quarantined",),
    EventStatus.KEPT: ("journal",),
    EventStatus.PARKED: ("parked",),
}
"""Which sorted sets name the events of a status, or of all."""
_ORDERED_BY_RECEIPT = frozenset({"journal", "parked"})
_ORDERED_BY_END = frozenset({"delivered", "dead", "quarantined"})


@dataclass(frozen=True)
class KeptEvent:
    """One event as stored; a `record` from `OperatorStore.find` is without `raw`.

    `next_attempt_at` (Unix seconds) is when the timer attempts it next; None: never. `has_bytes`: it has not
    been delivered, or not for long.
    """

    at: EventKey
    record: Mapping[str, str]
    next_attempt_at: int | None
    has_bytes: bool = True

    @property
    def event_id(self) -> str:
        """The event's id; of an ingested event the one the app sees, made of the same digest as its key.

        Of a copy for an endpoint also that one's name: `evt_…@crm`.
        """
        kind, number = self.at.key.split(":")[-2:]
        return _ID_OF_KIND[kind] + number

    @property
    def received_at(self) -> int:
        """When it was received, in Unix seconds; 0 if its record does not say."""
        return self._number("received_at")

    @property
    def attempts(self) -> int:
        """How often it was tried: deliveries and read-backs, or of a parked event its ingestion."""
        return self._number("failures" if self.status is EventStatus.PARKED else "attempts")

    @property
    def status(self) -> EventStatus:
        """Where it stands."""
        return status_of(self.record, is_due=self.next_attempt_at is not None)

    def _number(self, field: str) -> int:
        text = self.record.get(field, "")
        return int(text) if text.isdecimal() else 0


@dataclass(frozen=True)
class EventQuery:
    """Criteria for events: status, time of receipt (Unix seconds, inclusive) and upload."""

    status: EventStatus | None = None
    since: int | None = None
    until: int | None = None
    upload_id: str | None = None

    def matches(self, event: KeptEvent) -> bool:
        """Return whether an event meets the criteria."""
        return (
            self.status in (None, event.status)
            and (self.since is None or event.received_at >= self.since)
            and (self.until is None or event.received_at <= self.until)
            and self.upload_id in (None, event.record.get("upload_id"))
        )


class OperatorStore(EndpointStore):
    """The events of one stage, for operators."""

    def find(self, query: EventQuery) -> Iterator[KeptEvent]:
        """Yield matching events, the newest first, without `raw`; pages are read on demand.

        Raises:
            StoreUnavailableError: the store did not answer, now or at a later page.

        """
        endpoints = self._of_each_partition(lambda partition: [("SMEMBERS", f"{partition}:endpoints")])
        members = [
            self._received_until(partition, index, query, endpoint)
            for partition, names in zip(self._partitions(), endpoints, strict=True)
            for index in _INDEXES[query.status]
            for endpoint in ("", *names)
        ]
        merged = heapq.merge(*members, key=itemgetter(0), reverse=True)
        return filter(query.matches, self._newest_first(merged))

    def read(self, keys: Iterable[EventKey]) -> Iterator[KeptEvent]:
        """Yield events with all their fields; missing ones are skipped.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        return self._read(iter(keys))

    def with_id(self, event_id: str, *, limit: int) -> tuple[KeptEvent, ...]:
        """Return the event with this id, or up to `limit` events whose ids begin with it.

        A whole id takes one round trip, two if only the tombstone of a delivered event is left; a prefix a
        scan of all keys.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        parts = _ID.fullmatch(event_id)
        if parts is None:
            return ()
        kind, number, endpoint = _KIND_OF_ID[parts[1]], parts[2], parts[3] or ""
        places = ((partition, f"{partition}:{kind}:{number}{endpoint}") for partition in self._partitions())
        if len(number) == _WHOLE_DIGEST:
            whole = [EventKey(partition, key) for partition, key in places]
            return tuple(self.read(whole)) or self._with_tombstone(whole)
        if endpoint:
            return ()
        indexes = [index for index in _INDEXES[None] if (index == "parked") is (kind != "event")]
        keys = (
            at
            for partition, start in places
            for index in indexes
            for _, at in self._members(partition, index)
            if at.key.startswith(start)
        )
        return tuple(islice(self.read(dict.fromkeys(keys)), limit))

    def revive(self, at: EventKey, *, now: int) -> bool:
        """Schedule an event at once, with all attempts ahead of it; False if it is withheld or gone.

        Its id stays, so that an app that has it already can tell.

        Raises:
            StoreUnavailableError: the store did not answer; it may or may not be due.

        """
        keys = [at.key, *at.indexes("due", "dead"), at.body, *at.indexes("journal", "delivered")]
        return bool(self._script("revive_event", keys, [now, self._scope.retention_seconds]))

    def _with_tombstone(self, keys: Sequence[EventKey]) -> tuple[KeptEvent, ...]:
        """Return the delivered event of which one of these keys has the tombstone."""
        tombstones = self._pipeline([("EXISTS", at.tombstone) for at in keys])
        left = {"delivery": EventStatus.DELIVERED.value}
        return tuple(
            KeptEvent(at, left, None, has_bytes=False)
            for at, is_left in zip(keys, tombstones, strict=True)
            if is_left
        )

    def _received_until(
        self, partition: str, index: str, query: EventQuery, endpoint: str
    ) -> Iterator[tuple[float, EventKey]]:
        """Yield the members of an index with the last second in which each can have been received."""
        if index in _ORDERED_BY_RECEIPT:
            return self._members(partition, index, endpoint, since=query.since, until=query.until)
        if index in _ORDERED_BY_END:
            return self._members(partition, index, endpoint, since=query.since)
        return ((math.inf, at) for _, at in self._members(partition, index, endpoint))

    def _newest_first(self, members: Iterator[tuple[float, EventKey]]) -> Iterator[KeptEvent]:
        """Yield the events of members, which are in the order of `_received_until`, by their receipt.

        An event waits until none can follow that was received later.
        """
        waiting: list[tuple[int, int, KeptEvent]] = []
        place, seen = count(), set[EventKey]()
        while page := list(islice(members, PAGE)):
            keys = dict.fromkeys(at for _, at in page if at not in seen)
            seen.update(keys)
            for event in self._read(iter(keys), _SUMMARY):
                heapq.heappush(waiting, (-event.received_at, next(place), event))
            while waiting and -waiting[0][0] >= page[-1][0]:
                yield heapq.heappop(waiting)[-1]
        while waiting:
            yield heapq.heappop(waiting)[-1]

    def _members(
        self,
        partition: str,
        index: str,
        endpoint: str = "",
        *,
        since: int | None = None,
        until: int | None = None,
    ) -> Iterator[tuple[float, EventKey]]:
        """Yield the members of a sorted set from the highest score; concurrent changes may be missed."""
        key = index_key(partition, index, endpoint)
        least, greatest = "-inf" if since is None else since, "+inf" if until is None else until
        seen: set[str] = set()
        while True:
            span = (greatest, least, "WITHSCORES", "LIMIT", len(seen), PAGE)
            page = pairs(self._execute("ZREVRANGEBYSCORE", key, *span))
            # A new event shifts the ranks: then a page begins with what the last one ended with.
            fresh = [(float(score), member) for member, score in page.items() if member not in seen]
            for score, member in fresh:
                seen.add(member)
                yield score, EventKey(partition, member)
            if len(page) < PAGE:
                return

    def _read(self, keys: Iterator[EventKey], fields: tuple[str, ...] = ()) -> Iterator[KeptEvent]:
        """Yield events page by page, with all fields or only these."""
        while page := list(islice(keys, PAGE if fields else _PAGE_OF_WHOLE)):
            commands: list[Command] = []
            for at in page:
                commands.append(("HMGET", at.key, *fields) if fields else ("HGETALL", at.key))
                commands.append(("ZSCORE", *at.indexes("due"), at.key))
                # The record of a release that did not compress has the bytes in it.
                commands.append(("HEXISTS", at.key, "raw"))
                commands.append(("EXISTS" if fields or at.body == at.key else "GET", at.body))
            replies = self._pipeline(commands)
            for at, reply, due, is_old, body in zip(
                page, *(replies[place::4] for place in range(4)), strict=True
            ):
                record = dict(zip(fields, reply, strict=True)) if fields else pairs(reply)
                known = {field: text for field, text in record.items() if text is not None}
                if known:
                    next_attempt_at = None if due is None else int(float(due)) % RANK_STEP
                    known |= {"raw": body} if isinstance(body, str) else {}
                    yield KeptEvent(at, known, next_attempt_at, bool(is_old or body))
