"""The due deliveries of the journal in Redis: listed, taken under a lease, and finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.domain.journal import EventKey, Rank, TakenEvent, index_key
from shared.store.connection import StoreConnection, digest, pairs
from shared.store.endpoint import RANK_STEP
from shared.store.event_fields import long_name, parted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.domain.journal import AttemptEnding
    from shared.redis.resp import Command, Reply, ScriptCall


class SendSlots(NamedTuple):
    """So many events may be sent now, and one more after `wait_seconds`."""

    granted: int
    wait_seconds: float


class DeliveryStore(StoreConnection):
    """The due deliveries of one stage; each method is one round trip, unless it says otherwise."""

    def due_events(
        self,
        *,
        now: int,
        limit: int,
        endpoint: str = "",
        timer: str = "",
        has: Callable[[int], bool] = lambda _partition: True,
    ) -> tuple[EventKey, ...]:
        """List the events whose next attempt is due, by rank, at most `limit` of each partition and rank.

        `has` returns whether a partition, by its number, is listed. With the name of an `endpoint`, the
        copies for it are listed.

        Of the ranks that whoever knows the callback URL can fill there are fewer at a time. The listed ones
        of an upload are in the order of their sequence. For a `timer`, the name of its function, `now` is
        kept as the time of its last run. Two round trips, if there are several.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        limits = {Rank.CONFIRMED: limit, Rank.SEALED: -(-limit // 5), Rank.FOREIGN: -(-limit // 10)}

        def commands(partition: str) -> list[Command]:
            starts = ((rank * RANK_STEP, most) for rank, most in limits.items())
            return [
                ("ZRANGEBYSCORE", index_key(partition, "due", endpoint), start, start + now, "LIMIT", 0, most)
                for start, most in starts
            ]

        partitions = [partition for number, partition in enumerate(self._partitions()) if has(number)]
        listing = [words for partition in partitions for words in commands(partition)]
        last_run = ("SET", self._timer_key(timer), now, "EX", self._scope.retention_seconds)
        replies = self._pipeline([*listing, last_run] if timer else listing)[: len(listing)]
        events = [
            EventKey(partition, key)
            for rank in limits
            for partition, keys in zip(partitions, replies[rank :: len(limits)], strict=True)
            for key in keys
        ]
        return tuple(self._in_sequence(events) if len(events) > 1 else events)

    def _in_sequence(self, events: Sequence[EventKey]) -> list[EventKey]:
        """Order the events of each upload by their sequence, in the places that they have."""
        numbers = self._pipeline([("HMGET", at.key, "upload_id", "sequence") for at in events])
        places: dict[str, list[int]] = {}
        for place, (upload_id, _) in enumerate(numbers):
            places.setdefault(upload_id or f"none {place}", []).append(place)
        ordered = list(events)
        for of_one in places.values():
            by_sequence = sorted(of_one, key=lambda place: _digits(numbers[place][1]))
            for place, source in zip(of_one, by_sequence, strict=True):
                ordered[place] = events[source]
        return ordered

    def send_slots(
        self, endpoint: str, *, now: float, rate: int, wanted: int, since: tuple[int, int] = (0, 0)
    ) -> SendSlots:
        """Reserve send slots of an endpoint, `rate` a second at most for all runs together.

        `since` are the deliveries and failures since the last call. After ten failures without a delivery
        there is one slot a second; with deliveries it doubles each second, until it is `rate`.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        key = f"{self._partition_of(endpoint)}:pace:{digest(endpoint)}"
        arguments = [int(now * 1000), rate, wanted, *since, self._scope.retention_seconds]
        granted, wait_ms = self._script("send_slots", [key], arguments)
        return SendSlots(int(granted), int(wait_ms) / 1000)

    def take(
        self, due: Sequence[EventKey], *, endpoint: str, now: int, lease: str, lease_ends_at: int
    ) -> list[tuple[EventKey, TakenEvent]]:
        """Take due events under a lease, and return those that could be taken.

        The others are taken by another worker, are gone, or wait: of one upload one is in flight. One that
        waits is due when that has ended. The copy of a claim for an endpoint is dropped once the journal has
        VOD's own version of its event.

        Raises:
            StoreUnavailableError: the store did not answer; the lease may have been given.

        """

        def call(at: EventKey) -> ScriptCall:
            (index,), in_flight = at.indexes("due"), at.indexes("in-flight", "waiting")
            keys = [at.key, index, endpoint_key(at, endpoint), at.body, *in_flight]
            if at.endpoint:
                keys += [*at.indexes("journal"), at.original.key, at.original.tombstone]
            return keys, [now, lease, lease_ends_at, self._scope.retention_seconds]

        taken = self._script_for_each("take_event", [(at, call(at)) for at in due])
        return [(at, _taken(reply, lease)) for at, reply in taken if reply[0]]

    def finish_attempt(self, at: EventKey, ending: AttemptEnding) -> bool:
        """Record the outcome of an attempt; False if the lease has passed to another worker.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        listed = at.indexes("journal", "delivered", "in-flight", "waiting")
        health = endpoint_key(at, ending.endpoint)
        keys = [at.key, *at.indexes("due", "dead"), health, at.body, at.tombstone, *listed]
        due = "" if ending.next_attempt_at is None else ending.rank * RANK_STEP + ending.next_attempt_at
        outcome = "" if ending.outcome is None else ending.outcome.value
        body, fields = parted(tuple(ending.fields.items()))
        retention = self._scope.retention_seconds
        times = (due, retention, min(ending.keep_seconds, retention))
        arguments = [ending.lease, ending.now, ending.status.value, outcome, *times, body, *fields]
        return bool(self._script("finish_attempt", keys, arguments))

    def fan_out(
        self, at: EventKey, ending: AttemptEnding, *, endpoints: Mapping[str, str], lease: str
    ) -> list[int]:
        """End an event as delivered, with a copy due for each of these endpoints, URLs by name.

        The copies' first attempt is at the ending's `next_attempt_at`, and `lease` is theirs until then.
        Returns the EndpointState of each; none: the event's own lease has passed to another worker.

        Raises:
            StoreUnavailableError: the store did not answer; it may have been done.

        """
        indexes = at.indexes("due", "journal", "delivered", "in-flight", "waiting", "endpoints")
        keys = [at.key, at.body, at.tombstone, *indexes]
        for name, url in endpoints.items():
            copy = at.copy_for(name)
            keys += [copy.key, copy.body, *copy.indexes("due", "dead"), endpoint_key(at, url)]
        retention = self._scope.retention_seconds
        times = (ending.now, retention, min(ending.keep_seconds, retention))
        due = ending.rank * RANK_STEP + (ending.next_attempt_at or ending.now)
        return list(map(int, self._script("fan_out", keys, [ending.lease, *times, due, lease, *endpoints])))


def endpoint_key(at: EventKey, endpoint: str) -> str:
    """Return the key of an endpoint's health in the partition of an event."""
    return f"{at.partition}:endpoint:{digest(endpoint)}"


def _taken(reply: Reply, lease: str) -> TakenEvent:
    record, state, *body = reply
    known = pairs(record)
    known |= {"name": long_name(known.get("name", ""))} | ({"raw": body[0]} if any(body) else {})
    return TakenEvent(known, lease, int(state))


def _digits(sequence: str | None) -> tuple[int, str]:
    """Return what orders sequences as numbers; an event that has none is the last of its upload."""
    return (len(sequence), sequence) if sequence else (100, "")
