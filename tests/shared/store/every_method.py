"""Every method of the store that runs a script or writes, on one upload and its event."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from local.operator.event_store import OperatorStore
from shared.domain.event_status import AttemptOutcome, EventStatus, IngestOutcome, Verdict
from shared.domain.journal import AttemptEnding
from shared.domain.list_position import ListPosition, TailLease
from shared.domain.rate_limits import KeyedBegin, UploadLimits
from shared.domain.rejection import DELETED, Rejection
from shared.store.connection import StoreScope
from shared.store.deny_list import Denied, DeniedKind, DenyStore
from shared.store.enforcements import Enforcement, EnforcementStore
from shared.store.journal import Store
from tests.shared.uploads import (
    ENDPOINT,
    FILE_ID,
    NOW,
    OTHER_FILE_ID,
    facts_in,
    new_entry,
    new_session,
    uploaded,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from shared.store.connection import StoreConnection

    Story = dict[str, Callable[[], object]]

SCOPE = StoreScope("test", 604_800)
LIMITS = UploadLimits(
    60, network_per_minute=60, open_uploads=9, per_day=9, bytes_per_day=9000, listed_uploads=9
)
BUDGET = ("everybody", 100_000, 1_000_000)
CANARY_USER = "canary-user@example.test"
CANARY_CONTEXT = "canary-context"


def every_method(redis_url: str) -> tuple[Story, tuple[StoreConnection, ...]]:
    """Return the methods in an order in which each has something to do, and the stores they are of."""
    store, operators = Store(redis_url, SCOPE), OperatorStore(redis_url, SCOPE)
    deny_list, files = DenyStore(redis_url, SCOPE), EnforcementStore(redis_url, SCOPE)
    session = new_session(CANARY_USER, context=CANARY_CONTEXT)
    session = session._replace(grant=session.grant._replace(on_violation="forbid"))
    other = new_session(CANARY_USER)
    keyed = KeyedBegin(new_session().upload_id, "{}")
    entry = new_entry(session, facts_in(uploaded()), intended=IngestOutcome.HELD)
    replay = new_entry(session, facts_in(uploaded(file_id=OTHER_FILE_ID)), verified=True)
    forged = new_entry(None, intended=IngestOutcome.QUARANTINED, name=f"forged-{CANARY_USER}")
    forged = forged._replace(budget=BUDGET)
    taken = new_entry(new_session(CANARY_USER), facts_in(uploaded()), verified=True)._replace(lease="lease-4")
    taken_at = store.key_of(taken)
    delivered = AttemptEnding(
        *("lease-4", ENDPOINT, NOW + 11, EventStatus.DELIVERED, AttemptOutcome.DELIVERED, None, {}),
        keep_seconds=3600,
    )
    handed = taken._replace(name=f"{taken.name}-handed", lease="lease-5")
    handed_at, handing = store.key_of(handed), delivered._replace(lease="lease-5", next_attempt_at=NOW + 20)
    ids, at = (session.user_id, session.upload_id), store.key_of(entry)
    take = partial(store.take, [at], endpoint=ENDPOINT, now=NOW + 10)
    ending = AttemptEnding("lease-2", ENDPOINT, NOW + 11, EventStatus.DEAD, AttemptOutcome.GONE, None, {})
    begin = partial(store.begin_upload, now=NOW, limits=LIMITS, networks=("198.51.100.7/32",))
    denied = Denied(DeniedKind.USER, "bob", since=NOW)
    lease = TailLease("lease-3", NOW + 40)
    proven = new_session(CANARY_USER)
    proven = proven._replace(grant=proven.grant._replace(md5="0" * 32))
    file = new_entry(proven, facts_in(uploaded()), verified=True)
    beyond = Enforcement(session, FILE_ID, NOW, Verdict.ATTRIBUTED, None)
    take_files = partial(files.take_enforcements, now=NOW + 9, lease_ends_at=NOW + 99, limit=9)
    return {
        "begin": lambda: begin(session, randoms=range(99)),
        "begin under a key": lambda: begin(other, randoms=range(99), keyed=keyed),
        "begin again": lambda: begin(other, randoms=range(99), keyed=keyed),
        "renew": lambda: store.renew_upload(*ids, randoms=range(99), now=NOW, limits=LIMITS),
        "cancel": lambda: store.cancel_upload(other.user_id, other.upload_id, now=NOW),
        "upload with a digest": lambda: begin(proven, randoms=range(99)),
        "journal its file": lambda: store.journal(file, endpoint=ENDPOINT, now=NOW, next_attempt_at=None),
        "take its proof": lambda: store.take_proofs(now=NOW, limit=9, lease_ends_at=NOW + 60),
        "plan its proof": lambda: store.plan_proof(proven, at=NOW + 300),
        "task of its proof": lambda: store.keep_proof_task(proven, "task"),
        "proof": lambda: store.proof_task(proven.user_id, proven.upload_id),
        "find": lambda: store.find_upload(*ids),
        "list": lambda: store.list_uploads(CANARY_USER, after="", most=2, now=NOW, limits=LIMITS),
        "check again": lambda: store.check_again(session, at=NOW + 9000),
        "journal": lambda: store.journal(entry, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 10),
        "quarantine": lambda: store.journal(forged, endpoint=ENDPOINT, now=NOW, next_attempt_at=None),
        "settle": lambda: store.settle(entry, now=NOW, genuine=True),
        "replay": lambda: store.journal(replay, endpoint=ENDPOINT, now=NOW, next_attempt_at=None),
        "take files": take_files,
        "begin with a file": lambda: files.begin_enforcement(beyond, Rejection(FILE_ID, DELETED, None, [])),
        "look at it again": lambda: files.enforce_again(beyond, at=NOW + 200),
        "finish with a file": lambda: files.finish_enforcements([beyond]),
        "token of a task": lambda: store.token_of_task("another", BUDGET),
        "remember": lambda: store.remember_task("task", token="token"),
        "due": lambda: store.due_events(now=NOW, limit=10, timer="event_delivery"),
        "take": lambda: take(lease="lease-2", lease_ends_at=NOW + 40),
        "finish": lambda: store.finish_attempt(at, ending),
        "revive": lambda: operators.revive(at, now=NOW + 12),
        "journal another": lambda: store.journal(taken, endpoint=ENDPOINT, now=NOW, next_attempt_at=NOW + 10),
        "deliver": lambda: store.finish_attempt(taken_at, delivered),
        "revive what was delivered": lambda: operators.revive(taken_at, now=NOW + 12),
        "journal for several": lambda: store.journal(handed, endpoint="", now=NOW, next_attempt_at=NOW + 10),
        "fan out": lambda: store.fan_out(handed_at, handing, endpoints={"crm": ENDPOINT}, lease=""),
        "call": lambda: store.take_call("DescribeMediaInfos", per_second=80, foreign=False),
        "slot": lambda: store.send_slots(ENDPOINT, now=NOW, rate=50, wanted=1),
        "park": lambda: [
            store.count_failure(f"raw {CANARY_USER}", problem="x", now=NOW, budget=10**6) for _ in range(9)
        ],
        "take a list": lambda: store.take_tail("own:1", first=ListPosition(NOW), now=NOW, lease=lease),
        "move a list": lambda: store.move_tail("own:1", ListPosition(NOW + 1), lease=lease),
        "applications": lambda: store.add_applications([1500067890], now=NOW),
        "deny": lambda: deny_list.deny(denied),
    }, (store, operators, files)


def whole_store(client: redis.Redis) -> set[tuple[object, object]]:
    """Return every key with what it holds; one whose time is over may be gone the next time."""
    keys = list(client.scan_iter(count=1000))
    with client.pipeline(transaction=False) as calls:
        for key in keys:
            calls.dump(key)
        return {pair for pair in zip(keys, calls.execute(), strict=True) if pair[1] is not None}
