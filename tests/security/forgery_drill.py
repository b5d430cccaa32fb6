"""The forgery drill: everything that an outsider can post to a running stack, and its consequences.

`make forgery-drill` starts a stack of its own, changes its callback token once, and prints a line for each
attempt. Exit code: 0 the app has heard nothing untrue as verified, and everything that is true; 1 otherwise.
"""

from __future__ import annotations

import contextlib
import copy
import os
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.stack.stack import Stack
from shared.store.event_fields import RECORD_BYTES
from shared.store.parked import PARKED_HEAD
from shared.vod.context_token import UploadContext, seal
from tests.security.outside import Outside
from tests.security.vods_word import untrue
from tests.shared.uploads import changed, uploaded
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.security.outside import Uploaded

HOLD_SECONDS = 600
"""The longest time for which VOD's own events and task flows are held while the forged events are posted."""
STEP_SECONDS = 0.2
LIE = "https://evil.example.test/lie.mp4"
NOT_FOUND, TAKEN = 404, 200
FLOOD = 40
BUDGETS = {"FOREIGN_BYTES_PER_DAY": "1048576", "PUSHED_EVENTS_PER_UPLOAD": "20"}


@dataclass
class Drill:
    """One drill; `faults` are sentences on what is wrong, `lines` on what was tried."""

    outside: Outside
    file: Path
    old_token: str
    faults: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        """Try everything, then check what the app has received."""
        outside = self.outside
        outside.control("simulator/config", {"task_flow_step_seconds": HOLD_SECONDS})
        delay = {"action": "Push", "kind": "delay", "times": 100, "seconds": HOLD_SECONDS}
        outside.control("faults", {"faults": [delay]})
        try:
            victim = outside.upload(self.file, "victim")
            mallory = outside.upload(self.file, "mallory", policy="course")
            late = outside.upload_late(self.file, "late", days=2)
            self._about_his_own(mallory, late)
            quarantined = self._about_others(victim, mallory)
            self._strangers()
            self._floods()
        finally:
            outside.control("simulator/config", {"task_flow_step_seconds": STEP_SECONDS})
            outside.control("faults", {"faults": []})
        self._all_is_heard([victim, mallory, late], mallory)
        verdicts = {e["data"]["verdict"] for e in outside.heard() if e["data"]["uploadId"] == late.upload_id}
        self._insist(verdicts == {"late"}, f"the file of an upload that has ended was called {verdicts}")
        self._replays([victim, mallory, late])
        self._nothing_untrue_was_heard(quarantined)

    def _try(self, what: str, expected: int, event: Mapping[str, object], **how: Any) -> None:  # noqa: ANN401  # as in `post`
        status = self.outside.post(event, **how)
        self.lines.append(f"{status}  {what}")
        self._insist(status == expected, f"{what}: answered {status}, not {expected}")

    def _insist(self, is_so: object, fault: str) -> None:
        if not is_so:
            self.faults.append(fault)

    def _strangers(self) -> None:
        """Post without the URL's token, or without a valid Sign; nothing may be accepted."""
        token, later = self.outside.callback_token, int(time.time()) + 600
        seen = self.outside.signature(good_for=-1)
        attempts: dict[str, dict[str, object]] = {
            "no token": {"token": ""},
            "guessed token": {"token": secrets.token_urlsafe(24)},
            "token with its case changed": {"token": token.swapcase()},
            "token from before the rotation": {"token": self.old_token},
            "no Sign": {"Sign": "", "T": 0},
            "wrong Sign": {"Sign": "0" * 32, "T": later},
            "Sign replayed after T": seen,
            "Sign with a later T": {**seen, "T": later},
        }
        for what, how in attempts.items():
            self._try(what, NOT_FOUND, uploaded("order-7781", file_id="1"), **how)

    def _floods(self) -> None:
        """Post large events under no seal, and many under one: the store grows by no more than is allowed."""
        settings = self.outside.settings
        eve = self.outside.upload(self.file, "eve")
        before = self.outside.used_memory()
        for number in range(FLOOD):
            large = {"EventType": "Strange", "Number": number, "Text": secrets.token_hex(50_000)}
            self._try("a large event under no seal", TAKEN, large)
            claim = changed(eve.token, file_id=eve.file_id, status="PROCESSING", progress=number)
            self._try("another state of a task flow of hers", TAKEN, claim)
        grown = self.outside.used_memory() - before
        allowed = settings.foreign_bytes_per_day + settings.pushed_bytes_per_upload
        allowed += 2 * FLOOD * (PARKED_HEAD + RECORD_BYTES)
        self.lines.append(f"the store has grown by {grown} bytes, of {allowed} allowed")
        self._insist(grown <= allowed, f"the store has grown by {grown} bytes, not at most {allowed}")
        self._insist(bool(self.outside.listed("parked")), "no event was over its budget")

    def _about_others(self, victim: Uploaded, mallory: Uploaded) -> int:
        """Post mallory's token with foreign files, and forged tokens; return how many are quarantined."""
        payload, _, digest = victim.token.rpartition(".")
        own_payload, _, own_digest = mallory.token.rpartition(".")
        context = UploadContext(mallory.upload_id, "mallory")
        elsewhere = seal(context, keys=self.outside.settings.context_keys, stage="other")
        attempts: dict[str, Mapping[str, object]] = {
            "own context, a foreign file": uploaded(mallory.token, file_id=victim.file_id),
            "own context, a task flow of a foreign file": changed(mallory.token, file_id=victim.file_id),
            "own context, another type about a foreign file": {
                "EventType": "SomethingNew",
                "NewEvent": {"FileId": victim.file_id, "SessionContext": mallory.token},
            },
            "victim's context, his own file": uploaded(victim.token, file_id=mallory.file_id),
            "victim's payload, his own seal": uploaded(f"{payload}.{own_digest}", file_id=victim.file_id),
            "his own payload, victim's seal": uploaded(f"{own_payload}.{digest}", file_id=mallory.file_id),
            "made-up context, a foreign file": uploaded("order-7781", file_id=victim.file_id),
            "context of another stage": uploaded(elsewhere, file_id=victim.file_id),
        }
        for what, event in attempts.items():
            self._try(what, TAKEN, event)
        invented = uploaded(mallory.token, file_id="5000000000000000000")
        self._try("own context, an invented file", TAKEN, invented)
        return len(attempts)

    def _about_his_own(self, mallory: Uploaded, late: Uploaded) -> None:
        """Post false statements about mallory's own upload, before VOD reports it."""
        flow = self.outside.vod.procedure_task(mallory.task_id, timeout_seconds=10)
        self._insist(flow["Status"] != "FINISH", "the task flow has ended already: a FINISH would be no lie")
        self._insist(not self._events_of([mallory, late]), "VOD's own event came before the lie")
        for what, upload in (("own upload", mallory), ("an upload that has ended", late)):
            event = copy.deepcopy(upload.event)
            member: Any = event["FileUploadEvent"]
            member["MediaBasicInfo"] |= {"MediaUrl": LIE, "CoverUrl": LIE, "Name": "lie", "Type": "lie"}
            member |= {"MetaData": {"Size": 1, "Duration": 1.0}, "ProcedureTaskId": "invented"}
            self._try(f"{what}: false address, name, size, task", TAKEN, event)
        for what, task_id in (("FINISH", mallory.task_id), ("FINISH of an invented task", "invented")):
            event = changed(mallory.token, file_id=mallory.file_id)
            finished: Any = event["ProcedureStateChangeEvent"]
            finished |= {"TaskId": task_id, "FileUrl": LIE}
            self._try(f"own upload: false {what}", TAKEN, event)
        state = self.outside.status(mallory, "mallory")["state"]
        self._insist(state in ("processing", "uploaded"), f"a false FINISH has made the upload {state}")
        news = {"FileId": mallory.file_id, "SessionContext": mallory.token, "Suggestion": "pass"}
        event = {"EventType": "ReviewAudioVideoComplete", "ReviewAudioVideoCompleteEvent": news}
        self._try("own upload: false review", TAKEN, event)

    def _all_is_heard(self, uploads: list[Uploaded], with_task_flow: Uploaded) -> None:
        """Wait for everything that VOD has reported, whatever was forged before."""
        wanted = {(upload.upload_id, "upload.completed") for upload in uploads}
        wanted.add((with_task_flow.upload_id, "procedure.finished"))
        wait_until(lambda: wanted <= {(e["data"]["uploadId"], e["type"]) for e in self.outside.heard()})

    def _replays(self, uploads: list[Uploaded]) -> None:
        """Post genuine events again."""
        before = self._events_of(uploads)
        for upload in uploads:
            self._try("replayed body", TAKEN, upload.event)
        later = f"after-{secrets.token_hex(8)}"
        deletion = {"EventType": "FileDeleted", "FileDeleteEvent": {"FileIdSet": [later]}}
        self._try("an event after the replays", TAKEN, deletion)
        wait_until(lambda: any(later in str(event) for event in self.outside.heard()))
        self._insist(self._events_of(uploads) == before, "a replay was told to the app as news")

    def _events_of(self, uploads: list[Uploaded]) -> set[tuple[str, str]]:
        ids = {upload.upload_id for upload in uploads}
        return {(e["id"], e["type"]) for e in self.outside.heard() if e["data"]["uploadId"] in ids}

    def _nothing_untrue_was_heard(self, quarantined: int) -> None:
        self.heard = heard = self.outside.heard()
        self.faults += [fault for event in heard for fault in untrue(event, self.outside)]
        by_upload = [(e["data"]["uploadId"], e["type"]) for e in heard if e["type"] == "upload.completed"]
        self._insist(len(by_upload) == len({*by_upload}), "an upload was told twice")
        listed, verified = len(self.outside.listed("quarantined")), sum(e["data"]["verified"] for e in heard)
        self._insist(listed >= quarantined, f"{listed} events are listed as quarantined, not {quarantined}")
        self.lines.append(f"{len(heard)} events heard, {verified} verified; {listed} quarantined")


@contextlib.contextmanager
def rotated_stack(folder: Path) -> Iterator[tuple[Stack, str]]:
    """Start a stack after a rotation of its callback token; return it with the old token."""
    old, new = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    signed = {"VOD_CALLBACK_SIGN_KEY": secrets.token_hex(16), **BUDGETS}
    with Stack(folder=folder, overrides={**signed, "CALLBACK_TOKENS": old}) as before:
        with contextlib.closing(Outside(before.url, folder, before.environment)) as outside:
            status = outside.post(uploaded("order-7781", file_id="0"))
        if status != TAKEN:
            raise RuntimeError(f"The token was not valid before the rotation: {status}.")
    with Stack(folder=folder, overrides={**signed, "CALLBACK_TOKENS": new}) as stack:
        yield stack, old


def drill_in(folder: Path, stack: Stack, old_token: str) -> Drill:
    """Run the drill against a running stack."""
    file = folder / "drill.mp4"
    file.write_bytes(os.urandom(1000))
    with contextlib.closing(Outside(stack.url, folder, stack.environment)) as outside:
        drill = Drill(outside, file, old_token)
        drill.run()
    return drill


def main() -> int:
    """Run the drill, and print what was tried and what is wrong."""
    with tempfile.TemporaryDirectory() as folder, rotated_stack(Path(folder)) as (stack, old_token):
        drill = drill_in(Path(folder), stack, old_token)
    sys.stdout.writelines(f"{line}\n" for line in drill.lines)
    sys.stderr.writelines(f"{fault}\n" for fault in drill.faults)
    return int(bool(drill.faults))


if __name__ == "__main__":
    sys.exit(main())
