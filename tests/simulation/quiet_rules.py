"""What must hold when nothing has gone wrong for long enough; and, at any time, of the store's keys."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.domain.event_status import EventStatus
from tests.simulation.limits import SIGNATURES_PER_UPLOAD
from tests.simulation.vod_attributes import FILE_ATTRIBUTES

if TYPE_CHECKING:
    import redis

    from tests.simulation.users import Upload
    from tests.simulation.vod_messages import File
    from tests.simulation.world import World

ENDLESS = frozenset({"due", "checks", "journal", "delivered", "quarantined", "dead", "parked", "endpoint"})
"""The indexes, whose members are removed, and the health of the endpoint."""
KEYS_WITHOUT_EXPIRY = """
local found = {}
for _, key in ipairs(redis.call('KEYS', 'vuf:*')) do
  if redis.call('PTTL', key) == -1 then table.insert(found, key) end
end
return found
"""
PROMPT_SECONDS = 900
UNDELAYED_SECONDS = 70
"""The same without any fault, whatever waits for another endpoint that is dead: two runs of a timer."""
FORGOTTEN_SECONDS = 79 * 3600
"""How long after its last event a task flow may be waited for that VOD forgets: 72 hours, the longest pause
between two checks, and an hour for the clocks of instances."""
CALLS_PER_EVENT, CALLS_PER_UPLOAD = 10, 60
"""How often VOD may be asked about one event, and about one upload until it ends."""
BYTES_PER_UPLOAD, BYTES_PER_POST = 40_000, 8_000
"""How much the store may keep of an upload with its events, and of a made-up event beside its own bytes."""


class QuietRules:
    """The rules; `invariants` keeps the first violation, as of all others."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._require = world.invariants.require

    def check_keys(self, store: redis.Redis) -> None:
        """Check that every key of the store ends by itself."""
        endless = sorted(
            key for key in store.eval(KEYS_WITHOUT_EXPIRY, 0) if key.split(":")[2] not in ENDLESS
        )
        self._require("keys-expire", not endless, f"{endless[:3]} have no expiry")

    def check_probe(self, file: File, *, within: float, rule: str) -> None:
        """Check that an endpoint that lives was told in time of a file of a quiet time."""
        has_heard = self._world.endpoints.has_heard(file, within=within)
        self._require(rule, has_heard, f"it took more than {within:g} s")

    def check_end(self, store: redis.Redis) -> None:
        """Check all that must hold when nothing has gone wrong for long enough."""
        world = self._world
        files_of: dict[str, list[str]] = defaultdict(list)
        for file in world.vod.files.values():
            files_of[file.token].append(file.file_id)
        for upload in world.users.uploads.values():
            files = files_of.get(upload.token, [])
            self._require(
                "files-per-upload", len(files) <= SIGNATURES_PER_UPLOAD, f"{files} of {upload.upload_id}"
            )
            untold = [
                file_id
                for file_id in files
                if ("NewFileUpload", file_id, "") not in self._world.invariants.told
            ]
            # Once one file is known, or the upload is cancelled, VOD is not searched for another.
            is_surplus = upload.is_cancelled or len(untold) < len(files)
            rule = "every-surplus-file-is-told" if is_surplus else "every-file-is-told"
            self._require(rule, not untold, f"of {upload.upload_id} the app never heard of {untold}")
        for emitted in world.vod.emitted:
            kind, name, status = emitted.key
            is_told = not emitted.is_taken or emitted.key in self._world.invariants.told
            is_ours = kind == "NewFileUpload" and world.vod.files[name].token in world.users.tokens
            # The digests of one upload are told once, whichever of its tasks has computed them.
            is_ours = is_ours or kind == FILE_ATTRIBUTES
            if status != "PROCESSING" and not is_ours:
                self._require("what-was-taken-is-told", is_told, f"the app never heard of {emitted.key}")
        # What reconciliation has put in a moment ago is delivered by the timer's next run.
        recent = world.scheduler.now - PROMPT_SECONDS
        due = [event for key in _indexes(store, "due") for event in store.zrange(key, 0, -1)]
        waiting = sum(float(store.hget(str(event), "received_at") or 0) < recent for event in due)
        self._require("nothing-waits", waiting == 0, f"{waiting} events are due after the quiet period")
        dead = sum(int(store.zcard(key)) for key in _indexes(store, EventStatus.DEAD.value))
        self._require("nothing-waits", dead == 0, f"{dead} events were given up")
        self._check_work(store)
        world.rejections.check_end()
        world.integrity.check_end()
        world.endpoints.check_end()

    def check_state(self, upload: Upload, status: int, answer: dict[str, Any]) -> None:
        """Check the answer to its owner of an upload whose time is over."""
        vod = self._world.vod
        files = [file for file in vod.files.values() if file.token == upload.token]
        forgotten = any(file.flow and not file.flow.ending for file in files)
        if forgotten and _instant(answer.get("updatedAt")) > self._world.scheduler.now - FORGOTTEN_SECONDS:
            return
        self._require("every-upload-ends", status == 200, f"{upload.upload_id} is answered {status}")
        self._require(
            "every-upload-ends", answer.get("final"), f"{upload.upload_id} is still {answer.get('state')}"
        )
        has_file = answer.get("state") in ("uploaded", "processing", "ready", "failed")
        rule = "every-surplus-file-is-told" if upload.is_cancelled else "state-is-true"
        self._require(rule, has_file == bool(files), f"{upload.upload_id} is {answer.get('state')}")

    def _check_work(self, store: redis.Redis) -> None:
        world = self._world
        events = len(world.vod.emitted) + world.users.forged_posts
        most_calls = CALLS_PER_EVENT * events + CALLS_PER_UPLOAD * len(world.users.uploads)
        most_calls += world.platform.calls.get("reliable_notification", 0) * 4
        self._require(
            "calls-are-bounded", world.api.calls <= most_calls, f"{world.api.calls} calls of the API"
        )
        kept = int(store.info("memory")["used_memory_dataset"])
        most = (
            BYTES_PER_UPLOAD * len(world.endpoints.apps) * (len(world.vod.files) + len(world.users.uploads))
        )
        most += 3 * world.users.forged_bytes + BYTES_PER_POST * world.users.forged_posts + 5_000_000
        self._require("bytes-are-bounded", kept <= most, f"the store keeps {kept} bytes")


def _indexes(store: redis.Redis, name: str) -> list[str]:
    """Return the keys of the indexes of a name, those of endpoints with a name among them."""
    return [*store.scan_iter(f"vuf:*:{name}", count=1000), *store.scan_iter(f"vuf:*:{name}:*", count=1000)]


def _instant(text: object) -> float:
    """Return an instant of an answer in Unix seconds."""
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
