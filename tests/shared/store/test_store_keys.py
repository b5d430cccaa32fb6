from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
import redis

from shared.domain.event_status import AttemptOutcome, EventStatus, IngestOutcome
from shared.domain.journal import AttemptEnding
from shared.domain.rate_limits import UploadLimits
from shared.store.connection import StoreScope
from shared.store.journal import Store
from tests.shared.uploads import ENDPOINT, NOW, facts_in, new_entry, new_session, uploaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.domain.journal import EventEntry
    from shared.domain.session import UploadSession

RETENTION_SECONDS = 7200
CANARY_USER = "canary-user@example.test"
CANARY_CONTEXT = "canary-context"
ENDLESS = {"due", "checks", "journal", "quarantined", "dead", "parked", "endpoint"}
"""The indexes, whose members are removed; and the endpoint's health, which has no expiry."""


@dataclass
class Story:
    """A store, and one upload with its event, to call each method with."""

    store: Store
    session: UploadSession
    entry: EventEntry

    def begin(self) -> object:
        """Begin the upload."""
        return self.store.begin_upload(self.session, randoms=(1, 2, 3), now=NOW, limits=UploadLimits(60))

    def renew(self) -> object:
        """Request a second signature."""
        user_id, upload_id = self.session.user_id, self.session.upload_id
        return self.store.renew_upload(user_id, upload_id, randoms=(4, 5), now=NOW, per_minute=60)

    def find(self) -> object:
        """Read the upload."""
        return self.store.find_upload(self.session.user_id, self.session.upload_id)

    def cancel(self) -> object:
        """Cancel the upload."""
        return self.store.cancel_upload(self.session.user_id, self.session.upload_id, now=NOW)

    def check_again(self) -> None:
        """Schedule the next check."""
        self.store.check_again(self.session, at=NOW + 9000)

    def journal(self) -> object:
        """Journal an event that waits for its read-back."""
        return self.store.journal(self.entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 10)

    def quarantine(self) -> object:
        """Journal an event that is never delivered."""
        entry = new_entry(None, intended=IngestOutcome.QUARANTINED, name=f"forged-{CANARY_USER}")
        return self.store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=None)

    def settle(self) -> object:
        """Settle the event as genuine."""
        return self.store.settle(self.entry, now=NOW, genuine=True)

    def due(self) -> object:
        """List what is due."""
        return self.store.due_events(now=NOW, limit=10)

    def take(self) -> object:
        """Take the due event."""
        at = self.store.key_of(self.entry)
        return self.store.take(at, endpoint=ENDPOINT, now=NOW + 10, lease="lease-2", lease_ends_at=NOW + 40)

    def finish(self) -> object:
        """Record an attempt that failed for good."""
        ending = AttemptEnding("lease-2", ENDPOINT, NOW + 11, EventStatus.DEAD, AttemptOutcome.GONE, None, {})
        return self.store.finish_attempt(self.store.key_of(self.entry), ending)

    def send_slot(self) -> object:
        """Reserve a send slot of the endpoint."""
        return self.store.send_slot(ENDPOINT, now=NOW)

    def park(self) -> object:
        """Count failed ingestions of an event."""
        return [self.store.count_failure(f"raw {CANARY_USER}", problem="x", now=NOW) for _ in range(9)]


STEPS: list[Callable[[Story], object]] = [
    Story.begin,
    Story.renew,
    Story.find,
    Story.check_again,
    Story.journal,
    Story.quarantine,
    Story.settle,
    Story.due,
    Story.take,
    Story.finish,
    Story.send_slot,
    Story.park,
    Story.cancel,
]
ONE_COMMAND = [step for step in STEPS if step not in (Story.due, Story.park)]


@pytest.fixture
def story(valkey_url: str) -> Story:
    """Return a story that has not begun."""
    store = Store(valkey_url, StoreScope("test", RETENTION_SECONDS))
    session = new_session(CANARY_USER, context=CANARY_CONTEXT)
    return Story(store, session, new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD))


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    """Open a connection of the test's own."""
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        # Both of its connections are opened before anything is counted.
        commands_of(client, client.ping)
        yield client


def commands_of(client: redis.Redis, call: Callable[[], object]) -> list[tuple[str, bool]]:
    """Return the commands that a call makes the server run, and whether a script ran them."""
    with client.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis-py gives it no types
        call()
        client.echo("the end")
        seen: list[tuple[str, bool]] = []
        for command in monitor.listen():
            if command["command"] == "ECHO the end":
                return seen
            seen.append((str(command["command"]), command["client_type"] == "lua"))
    return seen


def tell(story: Story) -> None:
    """Run the whole story."""
    for step in STEPS:
        step(story)


def test_every_method_is_one_command(story: Story, client: redis.Redis) -> None:
    """Once the server knows the scripts, a method costs one round trip."""
    tell(story)

    counts = {
        step.__name__: sum(not inner for _, inner in commands_of(client, partial(step, story)))
        for step in ONE_COMMAND
    }

    assert counts == {step.__name__: 1 for step in ONE_COMMAND}


def test_keys_of_one_script_share_a_hash_tag(story: Story, client: redis.Redis) -> None:
    """On Redis Cluster a script may touch one slot only: all of its keys name one partition."""
    for step in STEPS:
        commands = commands_of(client, partial(step, story))
        inside = [command for command, is_inner in commands if is_inner]
        tags = {tag for command in inside for tag in re.findall(r"\{[^}]*\}", command.split(" ")[1])}

        assert len(tags) <= 1, step
        assert all(command.split(" ")[1].startswith("vuf:{test.") for command in inside), step


def test_scripts_declare_every_key_they_touch(story: Story, client: redis.Redis) -> None:
    """A cluster routes by the declared keys, so that a script may not reach for others."""
    for step in STEPS:
        declared: set[str] = set()
        for command, is_inner in commands_of(client, partial(step, story)):
            words = command.split(" ")
            if words[0] in {"EVALSHA", "EVAL"}:
                declared = set(words[3 : 3 + int(words[2])])
            elif is_inner:
                assert words[1] in declared, step


def test_every_key_ends_by_itself(story: Story, client: redis.Redis) -> None:
    """Nothing that is kept of an upload or an event outlives the retention; only the lists have no end."""
    tell(story)

    milliseconds = {key: client.pttl(key) for key in client.scan_iter()}
    endless = {key for key, left in milliseconds.items() if left == -1}
    others = milliseconds.keys() - endless

    assert {key.split(":")[2] for key in endless} <= ENDLESS
    assert {key.split(":")[2] for key in others} >= {"upload", "event", "nonce", "rate", "renew", "poison"}
    assert all(milliseconds[key] <= RETENTION_SECONDS * 1000 for key in others)


def test_no_key_holds_a_users_text(story: Story, client: redis.Redis) -> None:
    """Ids and digests make the keys; names and contexts of users stay inside the values (S44)."""
    tell(story)

    keys = list(client.scan_iter())

    assert len(keys) > 10
    for canary in (CANARY_USER, CANARY_CONTEXT, "example.test", ENDPOINT):
        assert not [key for key in keys if canary in key]


def test_uploads_spread_over_the_partitions(story: Story, client: redis.Redis) -> None:
    """Many users' uploads do not end up in one slot of a cluster."""
    for number in range(200):
        session = new_session(f"user-{number}")
        story.store.begin_upload(session, randoms=(number,), now=NOW, limits=UploadLimits(60))

    tags = {tag for key in client.scan_iter("*:upload:*") for tag in re.findall(r"\{[^}]*\}", key)}

    assert tags == {f"{{test.{number}}}" for number in range(16)}
