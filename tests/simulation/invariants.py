"""What must hold after every step and after a quiet period; each rule has a name."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.domain.event_status import EventStatus
from tests.simulation.vod_model import key_of, upload_event

if TYPE_CHECKING:
    import redis

    from tests.simulation.users import Upload
    from tests.simulation.vod_model import File
    from tests.simulation.world import World

NOT_YET = frozenset[str]()
"""Rules that the functions do not keep yet; a violation of one is not reported."""
ENDLESS = frozenset({"due", "checks", "journal", "quarantined", "dead", "parked", "endpoint"})
"""The indexes, whose members are removed, and the health of the endpoint."""
KEYS_WITHOUT_EXPIRY = """
local found = {}
for _, key in ipairs(redis.call('KEYS', 'vuf:*')) do
  if redis.call('PTTL', key) == -1 then table.insert(found, key) end
end
return found
"""
SIGNATURES_PER_UPLOAD = 10
PROMPT_SECONDS = 900
FORGOTTEN_SECONDS = 79 * 3600
"""How long after its last event a task flow may be waited for that VOD forgets: 72 hours, the longest pause
between two checks, and an hour for the clocks of instances."""
CALLS_PER_EVENT, CALLS_PER_UPLOAD = 10, 60
"""How often VOD may be asked about one event, and about one upload until it ends."""
BYTES_PER_UPLOAD, BYTES_PER_POST = 40_000, 8_000
"""How much the store may keep of an upload with its events, and of a made-up event beside its own bytes."""


class Violation(NamedTuple):
    """A rule that did not hold."""

    rule: str
    what: str


class Invariants:
    """The rules; the first violation ends the run."""

    def __init__(self, world: World, *, not_yet: frozenset[str] = NOT_YET) -> None:
        self._world = world
        self.not_yet = not_yet
        self.violation: Violation | None = None
        self._ids_of_file: dict[str, set[str]] = defaultdict(set)
        self._ids_of_flow: dict[str, set[str]] = defaultdict(set)
        self._told: set[tuple[str, str, str]] = set()

    def require(self, rule: str, holds: object, what: str) -> None:
        """Report a violation of a rule, unless it is one of NOT_YET or there was one before."""
        if not holds and self.violation is None and rule not in self.not_yet:
            self.violation = Violation(rule, what)
            self._world.scheduler.trace(f"VIOLATION {rule}: {what}")
            self._world.scheduler.is_halted = True

    # After every step.

    def on_answer(self, what: str, status: int) -> None:
        """Hear how an authenticated post was answered before VOD's time-out.

        A 5xx may come after the event was journaled; whether it was is seen at the end.
        """
        is_kept = status == 200 or status >= 500
        self.require("nothing-is-dropped", is_kept, f"{what} was answered {status}")

    def on_meddling(self, status: int) -> None:
        """Hear how a request about somebody else's upload was answered."""
        self.require("others-uploads-are-unknown", status not in (200, 204, 409), f"answered {status}")

    def on_signature(self, upload: Upload) -> None:
        """Hear of every signature that was issued."""
        self.require(
            "right-owner",
            self._world.users.uploads[upload.upload_id].user == upload.user,
            f"{upload.upload_id} has two owners",
        )
        signatures = len(upload.signatures)
        self.require(
            "files-per-upload",
            signatures <= SIGNATURES_PER_UPLOAD,
            f"{signatures} signatures of {upload.upload_id}",
        )

    def on_event(self, event: dict[str, Any]) -> None:
        """Hear of every event that the app takes, each copy."""
        key = key_of(event["raw"])
        self._told.add(key)
        self._check_owner(event, key)
        if event["data"]["verified"]:
            self._check_values(event, key)
        self._check_once(event, key)

    def _check_owner(self, event: dict[str, Any], key: tuple[str, str, str]) -> None:
        content, vod = event["data"], self._world.vod
        file: File | None = vod.files.get(str(content["fileId"]))
        if key[0] == "ProcedureStateChanged" and key[1] in vod.flows:
            file = vod.flows[key[1]].file
        if content["uploader"] is None or event["type"] == "upload.expired":
            return
        owner = self._world.users.tokens.get(file.token) if file else None
        claimed = (content["uploader"], content["uploadId"])
        is_right = owner is not None and claimed == (owner.user, owner.upload_id)
        self.require("right-owner", is_right, f"{event['type']} of {content['fileId']} names {claimed}")

    def _check_values(self, event: dict[str, Any], key: tuple[str, str, str]) -> None:
        vod, now, raw = self._world.vod, self._world.scheduler.now, event["raw"]
        kind, name, status = key
        if event["type"] == "upload.expired":
            upload = self._world.users.uploads.get(event["data"]["uploadId"])
            files = [file for file in vod.files.values() if upload and file.token == upload.token]
            missed = [file.file_id for file in files if file.shown_at < now - 3600]
            self.require("verified-is-true", not missed, f"{name} expired and has the files {missed}")
        elif kind == "NewFileUpload":
            file = vod.files.get(name)
            true = upload_event(file)["FileUploadEvent"] if file else {}
            told = {**raw["FileUploadEvent"], "ReviewAudioVideoTaskId": ""}
            told["ProcedureTaskId"] = told.get("ProcedureTaskId") or true.get("ProcedureTaskId")
            self.require("verified-is-true", true == told, f"VOD does not say this of the file {name}")
            self.require(
                "verified-is-true", set(raw) <= {"EventType", "FileUploadEvent"}, "more than VOD says"
            )
        elif kind == "ProcedureStateChanged":
            flow, state = vod.flows.get(name), raw["ProcedureStateChangeEvent"]
            is_true = (
                flow is not None
                and (status == "PROCESSING" or (flow.ending == status and now >= flow.ends_at))
                and (state["FileId"], state["SessionContext"]) == (flow.file.file_id, flow.file.token)
            )
            # Our own word, for what VOD does not know any more.
            is_true = is_true or (
                status == "FORGOTTEN" and flow is not None and not (flow.ending or flow.is_known(now))
            )
            self.require("verified-is-true", is_true, f"VOD does not say {status} of the flow {name}")
        else:
            self.require("verified-is-true", holds=False, what=f"VOD has no event of type {kind}")

    def _check_once(self, event: dict[str, Any], key: tuple[str, str, str]) -> None:
        kind, name, status = key
        is_sure = event["data"]["uploader"] is not None or event["data"]["verified"]
        if kind == "NewFileUpload" and is_sure:
            self._ids_of_file[name].add(event["id"])
            self.require("told-once", len(self._ids_of_file[name]) == 1, f"the file {name} has several ids")
        if kind == "ProcedureStateChanged" and status != "PROCESSING" and is_sure:
            self._ids_of_flow[name].add(event["id"])
            self.require(
                "told-once",
                len(self._ids_of_flow[name]) == 1,
                f"the flow {name} has several ids",
            )

    def check_keys(self, store: redis.Redis) -> None:
        """Check that every key of the store ends by itself."""
        endless = sorted(
            key for key in store.eval(KEYS_WITHOUT_EXPIRY, 0) if key.split(":")[2] not in ENDLESS
        )
        self.require("keys-expire", not endless, f"{endless[:3]} have no expiry")

    # After a quiet period.

    def check_probe(self, file: File) -> None:
        """Check that a file of a quiet time was told within PROMPT_SECONDS."""
        self.require(
            "prompt-when-quiet", ("NewFileUpload", file.file_id, "") in self._told, "it took too long"
        )

    def check_end(self, store: redis.Redis) -> None:
        """Check all that must hold when nothing has gone wrong for long enough."""
        world = self._world
        files_of: dict[str, list[str]] = defaultdict(list)
        for file in world.vod.files.values():
            files_of[file.token].append(file.file_id)
        for upload in world.users.uploads.values():
            files = files_of.get(upload.token, [])
            self.require(
                "files-per-upload", len(files) <= SIGNATURES_PER_UPLOAD, f"{files} of {upload.upload_id}"
            )
            untold = [file_id for file_id in files if ("NewFileUpload", file_id, "") not in self._told]
            # Once one file is known, or the upload is cancelled, VOD is not searched for another.
            is_surplus = upload.is_cancelled or len(untold) < len(files)
            rule = "every-surplus-file-is-told" if is_surplus else "every-file-is-told"
            self.require(rule, not untold, f"of {upload.upload_id} the app never heard of {untold}")
        for emitted in world.vod.emitted:
            kind, name, status = emitted.key
            is_told = not emitted.is_taken or emitted.key in self._told
            is_ours = kind == "NewFileUpload" and world.vod.files[name].token in world.users.tokens
            if status != "PROCESSING" and not is_ours:
                self.require("what-was-taken-is-told", is_told, f"the app never heard of {emitted.key}")
        # What reconciliation has put in a moment ago is delivered by the timer's next run.
        recent = world.scheduler.now - PROMPT_SECONDS
        due = [
            event for key in store.scan_iter("vuf:*:due", count=1000) for event in store.zrange(key, 0, -1)
        ]
        waiting = sum(float(store.hget(str(event), "received_at") or 0) < recent for event in due)
        self.require("nothing-waits", waiting == 0, f"{waiting} events are due after the quiet period")
        dead = sum(int(store.zcard(key)) for key in store.scan_iter(f"vuf:*:{EventStatus.DEAD.value}"))
        self.require("nothing-waits", dead == 0, f"{dead} events were given up")
        self._check_work(store)

    def check_state(self, upload: Upload, status: int, answer: dict[str, Any]) -> None:
        """Check the answer to its owner of an upload whose time is over."""
        vod = self._world.vod
        files = [file for file in vod.files.values() if file.token == upload.token]
        forgotten = any(file.flow and not file.flow.ending for file in files)
        if forgotten and _instant(answer.get("updatedAt")) > self._world.scheduler.now - FORGOTTEN_SECONDS:
            return
        self.require("every-upload-ends", status == 200, f"{upload.upload_id} is answered {status}")
        self.require(
            "every-upload-ends", answer.get("final"), f"{upload.upload_id} is still {answer.get('state')}"
        )
        has_file = answer.get("state") in ("uploaded", "processing", "ready", "failed")
        rule = "every-surplus-file-is-told" if upload.is_cancelled else "state-is-true"
        self.require(rule, has_file == bool(files), f"{upload.upload_id} is {answer.get('state')}")

    def _check_work(self, store: redis.Redis) -> None:
        world = self._world
        events = len(world.vod.emitted) + world.users.forged_posts
        most_calls = CALLS_PER_EVENT * events + CALLS_PER_UPLOAD * len(world.users.uploads)
        most_calls += world.platform.calls.get("reliable_notification", 0) * 4
        self.require(
            "calls-are-bounded", world.vod.calls <= most_calls, f"{world.vod.calls} calls of the API"
        )
        kept = int(store.info("memory")["used_memory_dataset"])
        most = BYTES_PER_UPLOAD * (len(world.vod.files) + len(world.users.uploads))
        most += 3 * world.users.forged_bytes + BYTES_PER_POST * world.users.forged_posts + 5_000_000
        self.require("bytes-are-bounded", kept <= most, f"the store keeps {kept} bytes")


def _instant(text: object) -> float:
    """Return an instant of an answer in Unix seconds."""
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
