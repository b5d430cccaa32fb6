from __future__ import annotations

import re
from collections import deque

import pytest

from local.repository import REPOSITORY
from shared.domain.event_status import (
    TRANSITIONS,
    WITHHELD,
    AttemptOutcome,
    EventStatus,
    IngestOutcome,
    Verdict,
    log_word,
    status_of,
)
from shared.store.scripts import read_script
from tests.shared.domain.watched_event import EVENTS, NOTHING_KEPT, STEPS, TAKES, WatchedEvent, park
from tests.shared.loopback_peer import HttpPeer

FIELDS = (
    "attempts bytes cancelled_at changed_at contents cover_url declared delivered_at delivery disabled_at "
    "duration ends_at events expired_at failing_since failures file_id finished_rank first_parts issued_at "
    "lease limits line "
    "media_type media_url on_violation origin probed_at problem procedure procedure_rank pushed pushed_bytes "
    "quota rank rate raw received_at reserved_bytes sequence size status "
    "unverified updated_at upload_id uploaded_at uploads user_id verdict "
    "verified whole"
)
"""The fields of records that the scripts about events name."""
EVENT_SCRIPTS = (
    *("journal_event", "settle_event", "take_event", "finish_attempt"),
    *("revive_event", "park_event", "send_slots"),
)
QUOTA_WORDS = {"reserved", "cancelled", "used", "returned"}
LUA_WORDS = {"number", "string", "unknown"}
"""Types of Lua, and a size that VOD does not tell."""
ORIGINS = {"push"}


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ({"failures": "3"}, EventStatus.PARKED),
        ({"status": "recorded", "verdict": "quarantined"}, EventStatus.QUARANTINED),
        ({"status": "held"}, EventStatus.HELD),
        ({"status": "applied", "delivery": "dead"}, EventStatus.DEAD),
        ({"status": "applied", "delivery": "pending"}, EventStatus.KEPT),
    ],
)
def test_status_follows_from_the_record(record: dict[str, str], status: EventStatus) -> None:
    """The status of an event that the index `due` does not name follows from four fields of its record."""
    assert status_of(record, is_due=False) is status


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_scripts_make_the_transitions_of_the_table_and_no_others(valkey_url: str) -> None:
    """In every reachable situation, the real scripts make exactly the transitions of the table."""
    with HttpPeer(lambda _request: TAKES) as app:
        watched = WatchedEvent(valkey_url, app)
        for event in EVENTS.values():
            watched.event = event
            watched.restore(NOTHING_KEPT)
            known, left = {watched.situation()}, deque([NOTHING_KEPT])
            while left:
                snapshot = left.popleft()
                for step in STEPS:
                    watched.restore(snapshot)
                    step(watched)
                    if (situation := watched.situation()) not in known:
                        known.add(situation)
                        left.append(watched.save())
        watched.restore(NOTHING_KEPT)
        park(watched)

    allowed = {(before, after) for before, following in TRANSITIONS.items() for after in following}
    assert watched.transitions == allowed


def test_scripts_have_no_word_that_no_enum_has() -> None:
    """Every status in the scripts is a member of an enum."""
    scripts = "".join(map(read_script, EVENT_SCRIPTS))
    quoted = set(re.findall(r"'([a-z_]+(?: [a-z]+)?)'", re.sub("--.*", "", scripts)))
    members = {word.value for kind in (Verdict, IngestOutcome, AttemptOutcome, EventStatus) for word in kind}

    assert quoted - members - {WITHHELD} == {*FIELDS.split(), *QUOTA_WORDS, *ORIGINS, *LUA_WORDS} - members


def test_operations_page_explains_every_status() -> None:
    """The operations page explains every status and what ends it."""
    page = (REPOSITORY / "docs/operations.md").read_text(encoding="utf-8")
    table = page.split("| Status |")[1].split("\n\n")[0]

    explained = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(explained) == sorted(status.value for status in EventStatus)


@pytest.mark.parametrize("word", [*EventStatus, *IngestOutcome])
def test_log_has_one_word_of_its_own(word: EventStatus | IngestOutcome) -> None:
    """Log lines and figures keep `retrying` for an event that is due again."""
    assert log_word(word) == ("retrying" if word is EventStatus.DUE else word.value)
