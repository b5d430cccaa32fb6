from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from shared.domain.rate_limits import UploadLimits
from tests.shared.store.every_method import CANARY_CONTEXT, CANARY_USER, SCOPE, every_method
from tests.shared.uploads import ENDPOINT, NOW, new_session

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from shared.store.journal import Store
    from tests.shared.store.every_method import Story

ENDLESS = {"denied"}
"""The deny list, whose entries hold until an operator removes them."""


WITHOUT_KEY = "TIME"
"""The one command of a script that has no key."""
SEVERAL = {"due", "take its proof", "park", "deny", "applications", "take files", "finish with a file"}
"""Methods that ask several partitions, or several times."""


@pytest.fixture
def story(valkey_url: str) -> Story:
    """Return every method, in an order in which each has something to do."""
    return every_method(valkey_url)[0]


@pytest.fixture
def client(server: redis.Redis) -> redis.Redis:
    """Open both connections that the counting takes before anything is counted."""
    commands_of(server, server.ping)
    return server


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
        if name not in SEVERAL
    }

    assert counts == dict.fromkeys(counts, 1)


def test_keys_of_one_script_share_a_hash_tag(story: Story, client: redis.Redis) -> None:
    """On Redis Cluster a script may touch one slot only: all of its keys name one partition."""
    for name, step in story.items():
        tags: set[str] = set()
        for command, is_inner in commands_of(client, step):
            if not is_inner:
                tags = set()
            elif command != WITHOUT_KEY:
                key = command.split(" ")[1]
                tags |= {*re.findall(r"\{[^}]*\}", key)}
                assert len(tags) == 1, name
                assert key.startswith("vuf:{test."), name


def test_scripts_declare_every_key_they_touch(story: Story, client: redis.Redis) -> None:
    """A cluster routes by the declared keys, so that a script may not reach for others.

    But for the records of a list, which are in its partition, and of which it alone knows the names.
    """
    for name, step in story.items():
        declared: set[str] = set()
        for command, is_inner in commands_of(client, step):
            words = command.split(" ")
            if words[0] in {"EVALSHA", "EVAL"}:
                declared = set(words[3 : 3 + int(words[2])])
            elif is_inner and command != WITHOUT_KEY:
                is_listed = name == "list" and words[0] == "HGETALL" and ":upload:" in words[1]
                assert words[1] in declared or is_listed, name


def test_every_key_ends_by_itself(story: Story, client: redis.Redis) -> None:
    """From its first write on nothing is kept without an end, or beyond the retention; but the deny list."""
    for name, step in story.items():
        step()
        milliseconds = {key: client.pttl(key) for key in client.scan_iter()}

        assert {key.split(":")[2] for key, left in milliseconds.items() if left == -1} <= ENDLESS, name
        assert max(milliseconds.values()) <= SCOPE.retention_seconds * 1000, name


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
