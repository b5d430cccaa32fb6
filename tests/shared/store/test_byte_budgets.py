"""What the store takes for an upload and its events, against the table of docs/operations.md."""

from __future__ import annotations

import json
import random
import re
from itertools import product
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from local.repository import REPOSITORY
from shared.domain.app_event import PULL, PUSH
from shared.domain.event_status import AttemptOutcome, EventStatus
from shared.domain.journal import AttemptEnding
from shared.domain.rate_limits import UploadLimits
from shared.store.connection import PARTITIONS
from tests.shared.service import STAGE, Service, client_of, token_of
from tests.shared.uploads import ENDPOINT, NOW, new_session
from tests.shared.vod_records import Records

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from shared.domain.session import UploadSession

TIMES, WARM_UP, LONG = 300, 64, 260
LIST_ENTRIES = 128
"""So many a sorted set has in its short form (`zset-max-listpack-entries`)."""
TABLES_BYTES = 36
"""What a key takes in the tables of keys and of expiries, which MEMORY USAGE does not count: two entries of 9
to 24 bytes, as the tables are full or have just doubled."""
MEMORY_OF_ALL_KEYS = """
local used, keys, cursor = 0, 0, '0'
repeat
  local page = redis.call('SCAN', cursor, 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    if not string.find(key, ':nonce:', 1, true) then
      used, keys = used + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0), keys + 1
    end
  end
until cursor == '0'
return {used, keys}
"""
"""Run by the server, so that no key comes over the connection; a nonce is gone in a minute."""
EXAMPLES = REPOSITORY / "tests/samples/vod/examples"
OF_ONE_FILE = (
    "5576678020011223344",
    "6f1d2c3b4a5968778695a4b3c2d1e0f",
    "c0ffee00",
    "9a8b7c6d",
    "hWq3ZtYk0sMA",
)
"""The ids in VOD's examples, of which each upload has its own."""
_random = random.Random(8)  # noqa: S311 -- texts that cannot be compressed, the same in every run


def example(name: str) -> dict[str, Any]:
    """Return VOD's example of an event, without the signature of a push."""
    event: dict[str, Any] = json.loads((EXAMPLES / f"v3_push_{name}.json").read_text(encoding="utf-8"))
    return {name: value for name, value in event.items() if name not in ("Sign", "T")}


def uploaded_as_vod_tells(token: str) -> dict[str, Any]:
    """Return the event of an upload, of 1.3 KB."""
    event = example("NewFileUpload")
    event["FileUploadEvent"]["MediaBasicInfo"]["SourceInfo"]["SourceContext"] = token
    return with_own_ids(event)


def ended_as_vod_tells(token: str) -> dict[str, Any]:
    """Return the end of a task flow with two transcodes and a cover, of 2.6 KB."""
    event = example("ProcedureStateChanged")
    flow = event["ProcedureStateChangeEvent"]
    second = json.loads(json.dumps(flow["MediaProcessResultSet"][0]).replace("100030", "100010"))
    second["TranscodeTask"]["Output"]["Md5"] = _random.randbytes(16).hex()
    flow["MediaProcessResultSet"].insert(1, second)
    flow["SessionContext"] = token
    return with_own_ids(event)


def with_own_ids(event: dict[str, Any]) -> dict[str, Any]:
    """Replace each id by another of its length."""
    text = json.dumps(event)
    for known in OF_ONE_FILE:
        text = text.replace(known, _random.randbytes(len(known)).hex()[: len(known)])
    own: dict[str, Any] = json.loads(text)
    return own


@pytest.fixture
def budgets() -> dict[str, int]:
    """Read the table: what is kept, and the most bytes of one."""
    page = (REPOSITORY / "docs/operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+) \| ([\d,]+) \|$", page.partition("| In the store |")[2], re.MULTILINE)
    return {what: int(most.replace(",", "")) for what, most in rows}


class Growth:
    """A store, whose memory is read before and after many calls, each for an upload of its own."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        for number, index in product(range(PARTITIONS), ("checks", "due")):
            # As long as an index is short it takes less.
            members = {f"of another upload {member}": NOW for member in range(LONG)}
            client.zadd(f"vuf:{{{STAGE}.{number}}}:{index}", members)

    def bytes_of(self, call: Callable[[UploadSession], object], sessions: list[UploadSession]) -> float:
        """Return by how much the store has grown for each call."""
        for session in sessions[:WARM_UP]:
            call(session)
        before = self._used()
        for session in sessions[WARM_UP:]:
            call(session)
        return (self._used() - before) / (len(sessions) - WARM_UP)

    def list_bytes(self, service: Service, user: str, count: int) -> int:
        """Return what the list of a user takes who has begun so many uploads."""
        known = set(self._client.scan_iter("*:uploads:*"))
        limits = UploadLimits(100_000, listed_uploads=count)
        for number in range(count):
            session = new_session(user, issued_at=NOW + number)
            service.store.begin_upload(session, randoms=(6, 7), now=session.issued_at, limits=limits)
        (key,) = {*self._client.scan_iter("*:uploads:*")} - known
        return int(self._client.memory_usage(key, samples=0) or 0) + TABLES_BYTES

    def _used(self) -> int:
        # Not the memory in use, whose tables double at one size or another.
        used, keys = self._client.register_script(MEMORY_OF_ALL_KEYS)()
        return int(used) + TABLES_BYTES * int(keys)


def uploads(group: str) -> list[UploadSession]:
    """Return uploads that are not begun yet, each in a second of its own."""
    return [
        new_session(f"{group}-{number}", issued_at=NOW + number, context=f"lesson {number}")
        for number in range(WARM_UP + TIMES)
    ]


@pytest.mark.no_cover  # the tracer takes as long as the test
def test_each_is_within_its_budget(valkey_url: str, budgets: dict[str, int]) -> None:
    """Hash, text, index entries, budget, and what an event adds to its upload; little more is allowed."""
    service = Service(valkey_url, {"READ_BACK": "on", "APP_WEBHOOK_URL": ENDPOINT})
    vod, pulled, held, confirmed = Records(), uploads("pulled"), uploads("held"), uploads("confirmed")

    def push_and_verify(session: UploadSession) -> None:
        event = ended_as_vod_tells(token_of(session))
        vod.run(event)
        assert service.verify(service.ingest(event, PUSH), vod).journaled.outcome == "verified"

    def deliver(session: UploadSession) -> None:
        ingested = service.ingest(uploaded_as_vod_tells(f"of the console, {session.user_id}"))
        at, lease = service.store.key_of(ingested.entry), ingested.entry.lease
        outcome = (EventStatus.DELIVERED, AttemptOutcome.DELIVERED)
        assert service.store.finish_attempt(at, AttemptEnding(lease, ENDPOINT, NOW, *outcome, None, {}))

    with client_of(valkey_url) as client:
        growth = Growth(client)
        used = {
            "a delivered event, after `DELIVERED_RETENTION_SECONDS`": growth.bytes_of(
                deliver, uploads("delivered")
            ),
            "an upload that has begun": growth.bytes_of(service.begin, pulled),
            "an event of 1.4 KB about its file, due": growth.bytes_of(
                lambda session: service.ingest(uploaded_as_vod_tells(token_of(session)), PULL), pulled
            ),
            "an event of 2.7 KB about its task flow, due": growth.bytes_of(
                lambda session: service.ingest(ended_as_vod_tells(token_of(session)), PULL), pulled
            ),
            "the same, pushed, held": growth.bytes_of(
                lambda session: service.ingest(ended_as_vod_tells(token_of(session)), PUSH), held
            ),
        }
        many = growth.list_bytes(service, "with many", LIST_ENTRIES)
        # The allocator gives some of them the few bytes that were left beside another.
        one = median(growth.list_bytes(service, f"with one, {number}", 1) for number in range(9))
        used["a user's list with one upload"] = one
        used["each further upload in it, up to 128"] = (many - one) / (LIST_ENTRIES - 1)
        for session in confirmed:
            service.begin(session)
        used["the same, pushed and confirmed, due, where nothing told of the file yet"] = growth.bytes_of(
            push_and_verify, confirmed
        )

    assert used.keys() == budgets.keys()
    assert {
        what: most for what, most in used.items() if not 0.8 * budgets[what] < most <= budgets[what]
    } == {}
