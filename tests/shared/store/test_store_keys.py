from __future__ import annotations

import re
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

    Story = dict[str, Callable[[], object]]

RETENTION_SECONDS = 7200
CANARY_USER = "canary-user@example.test"
CANARY_CONTEXT = "canary-context"
ENDLESS = {"due", "checks", "journal", "quarantined", "dead", "parked", "endpoint"}
"""The indexes, whose members are removed; and the endpoint's health, which has no expiry."""


@pytest.fixture
def store(valkey_url: str) -> Store:
    """Create an empty store."""
    return Store(valkey_url, StoreScope("test", RETENTION_SECONDS))


@pytest.fixture
def story(store: Store) -> Story:
    """Return every method, in an order in which each affects one upload and its event."""
    session = new_session(CANARY_USER, context=CANARY_CONTEXT)
    entry = new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD)
    forged = new_entry(None, intended=IngestOutcome.QUARANTINED, name=f"forged-{CANARY_USER}")
    ids, at = (session.user_id, session.upload_id), store.key_of(entry)
    take = partial(store.take, at, endpoint=ENDPOINT, now=NOW + 10)
    ending = AttemptEnding("lease-2", ENDPOINT, NOW + 11, EventStatus.DEAD, AttemptOutcome.GONE, None, {})
    return {
        "begin": lambda: store.begin_upload(session, randoms=(1, 2, 3), now=NOW, limits=UploadLimits(60)),
        "renew": lambda: store.renew_upload(*ids, randoms=(4, 5), now=NOW, per_minute=60),
        "find": lambda: store.find_upload(*ids),
        "check again": lambda: store.check_again(session, at=NOW + 9000),
        "journal": lambda: store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 10),
        "quarantine": lambda: store.journal(forged, endpoint=ENDPOINT, now=NOW, next_attempt_at=None),
        "settle": lambda: store.settle(entry, now=NOW, genuine=True),
        "due": lambda: store.due_events(now=NOW, limit=10),
        "take": lambda: take(lease="lease-2", lease_ends_at=NOW + 40),
        "finish": lambda: store.finish_attempt(at, ending),
        "slot": lambda: store.send_slot(ENDPOINT, now=NOW),
        "park": lambda: [store.count_failure(f"raw {CANARY_USER}", problem="x", now=NOW) for _ in range(9)],
        "cancel": lambda: store.cancel_upload(*ids, now=NOW),
    }


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
    for step in story.values():
        step()


def test_every_method_is_one_command(story: Story, client: redis.Redis) -> None:
    """Once the server knows the scripts, a method costs one round trip."""
    tell(story)

    counts = {
        name: sum(not inner for _, inner in commands_of(client, step))
        for name, step in story.items()
        if name not in ("due", "park")
    }

    assert counts == dict.fromkeys(counts, 1)


def test_keys_of_one_script_share_a_hash_tag(story: Story, client: redis.Redis) -> None:
    """On Redis Cluster a script may touch one slot only: all of its keys name one partition."""
    for name, step in story.items():
        commands = commands_of(client, step)
        inside = [command for command, is_inner in commands if is_inner]
        tags = {tag for command in inside for tag in re.findall(r"\{[^}]*\}", command.split(" ")[1])}

        assert len(tags) <= 1, name
        assert all(command.split(" ")[1].startswith("vuf:{test.") for command in inside), name


def test_scripts_declare_every_key_they_touch(story: Story, client: redis.Redis) -> None:
    """A cluster routes by the declared keys, so that a script may not reach for others."""
    for name, step in story.items():
        declared: set[str] = set()
        for command, is_inner in commands_of(client, step):
            words = command.split(" ")
            if words[0] in {"EVALSHA", "EVAL"}:
                declared = set(words[3 : 3 + int(words[2])])
            elif is_inner:
                assert words[1] in declared, name


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


def test_uploads_spread_over_the_partitions(store: Store, client: redis.Redis) -> None:
    """Many users' uploads do not end up in one slot of a cluster."""
    for number in range(200):
        session = new_session(f"user-{number}")
        store.begin_upload(session, randoms=(number,), now=NOW, limits=UploadLimits(60))

    tags = {tag for key in client.scan_iter("*:upload:*") for tag in re.findall(r"\{[^}]*\}", key)}

    assert tags == {f"{{test.{number}}}" for number in range(16)}
