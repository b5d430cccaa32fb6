"""What must hold after every step; each rule has a name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.simulation.limits import SIGNATURES_PER_UPLOAD
from tests.simulation.vod_attributes import FILE_ATTRIBUTES
from tests.simulation.vod_messages import key_of, upload_event

if TYPE_CHECKING:
    from tests.simulation.users import Upload
    from tests.simulation.vod_messages import File
    from tests.simulation.world import World

NOT_YET = frozenset[str]()
"""Rules that the functions do not keep yet; a violation of one is not reported."""


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
        self.told: set[tuple[str, str, str]] = set()

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

    def on_time_limit(self, what: str) -> None:
        """Hear of an invocation that the platform had to end: every wait has to end before."""
        self.require("every-wait-ends", holds=False, what=f"{what} did not end by itself")

    def on_wrong_clock(self, times: int) -> None:
        """Hear how often VOD has refused an instance for its clock: the first refusal tells the time."""
        self.require("clock-is-set", times == 1, f"an instance was refused {times} times")

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
        """Hear of every event that the endpoint without a filter takes, each copy."""
        self.told.add(key_of(event["raw"]))
        self.check_event(event)

    def check_event(self, event: dict[str, Any]) -> None:
        """Check an event, whichever endpoint takes it."""
        key = key_of(event["raw"])
        self._check_owner(event, key)
        if event["type"] == "upload.integrity":
            self._world.integrity.on_event(event)
        if event["data"]["verified"]:
            self._world.limits.verified_at.setdefault(key[1], self._world.scheduler.now)
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
        if event["type"] == "upload.rejected":
            self._world.rejections.on_event(event)
        elif event["type"] == "upload.expired":
            upload = self._world.users.uploads.get(event["data"]["uploadId"])
            files = [file for file in vod.files.values() if upload and file.token == upload.token]
            missed = [file.file_id for file in files if file.shown_at < now - 3600]
            self.require("verified-is-true", not missed, f"{name} expired and has the files {missed}")
        elif kind == "NewFileUpload":
            file = vod.files.get(name)
            true = upload_event(file)["FileUploadEvent"] if file else {}
            told = {**raw["FileUploadEvent"], "ReviewAudioVideoTaskId": ""}
            # A file is forbidden after its event, or before.
            for each in (true, told):
                each.get("MediaBasicInfo", {}).pop("Status", None)
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
        elif kind == FILE_ATTRIBUTES:
            task = vod.attributes.by_id.get(raw["DescribeFileAttributesCompleteEvent"].get("TaskId"))
            is_true = task is not None and now >= task.ends_at
            self.require("verified-is-true", is_true, "VOD has no such task")
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
