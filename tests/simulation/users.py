"""The users, who begin, upload, cancel, renew and repeat; and those among them who cheat and forge."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import jwt

from shared.vod import signature as upload_signature
from tests.simulation.instances import http_event, json_of, status_of
from tests.simulation.vod_model import PUSH_SECONDS, RefusedUploadError, flow_event, upload_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.simulation.vod_model import File
    from tests.simulation.world import World

JWT_SECRET = "the-secret-of-the-login-service-0001"
POLICIES: dict[str, dict[str, Any]] = {
    "default": {},
    "flow": {"procedures": ["LongVideoPreset"]},
    "steps": {"procedures": ["LongVideoPreset"], "taskNotifyMode": "Change"},
    "quiet": {"procedures": ["LongVideoPreset"], "taskNotifyMode": "None"},
    "reusable": {"oneTime": False, "ttlSeconds": 1200},
}
USERS = [f"user-{number}" for number in range(40)]
CHEATS = ["mallory", "trudy", "eve"]
LOST_ANSWERS = 0.03
GARBAGE = (b"", b"\xff\xfe{}", b"[" * 5000, b'{"EventType": NaN}', b"{}", b'{"EventType":"NewFileUpload"}')
LARGEST_FILE = 1 << 36


@dataclass
class Upload:
    """What the world knows of an upload for which at least one signature was issued."""

    upload_id: str
    user: str
    token: str
    begun_at: float
    has_flow: bool = False
    is_cancelled: bool = False
    signatures: list[str] = field(default_factory=list)


class Users:
    """Everybody who sends a request or a file; each of them is a task."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = world.scheduler
        self.random = world.scheduler.random_of("users")
        self.forger = world.scheduler.random_of("forger")
        self.uploads: dict[str, Upload] = {}
        self.tokens: dict[str, Upload] = {}
        self.forged_posts = 0
        self.forged_bytes = 0

    def begin_all(self, count: int, until: float) -> None:
        """Plan so many uploads of honest users, and what the others do."""
        start, random = self._scheduler.now, self.random
        for number in range(count):
            user = random.choice(USERS)
            way = random.choices(list(WAYS), [weight for weight, _ in WAYS.values()])[0]
            action = WAYS[way][1]
            self._start(start + random.random() * (until - start), f"{way} {number}", action, user)
        for day in range(int((until - start) / 86_400) + 1):
            for cheat in CHEATS:
                for cheating in CHEATING:
                    at = start + (day + random.random()) * 86_400
                    if at < until:
                        self._start(at, f"{cheating.__name__} {cheat}", cheating, cheat)
        for _ in range(int(count * 0.6)):
            self._start(start + random.random() * (until - start), "forge", Users.forge, random.choice(USERS))
        for _ in range(int(count * 0.3)):
            at = start + random.random() * (until - start)
            self._scheduler.at(at, self._upload_by_console)

    def _start(self, at: float, name: str, action: Callable[[Users, str], None], user: str) -> None:
        def start() -> None:
            if not self._world.is_calm:
                self._scheduler.spawn(name, lambda: action(self, user))

        self._scheduler.at(at, start)

    def _upload_by_console(self) -> None:
        if not self._world.is_calm:
            token = self.random.choice(("", "course 7"))
            self._world.vod.add_file(token, 1000, with_flow=self.random.random() < 0.3)

    # What one of them can do.

    def request(
        self, function: str, method: str, path: str, user: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send one request and wait for its answer: status and body, 0 if no answer came."""
        scheduler, answers = self._scheduler, list[Any]()
        task = scheduler.current
        assert task is not None
        claims = {"sub": user, "exp": int(scheduler.now) + 5400}
        headers = {
            "authorization": f"Bearer {jwt.encode(claims, JWT_SECRET, algorithm='HS256')}",
            "content-type": "application/json",
        }
        text = json.dumps(body) if body is not None else ""
        event = http_event(method, path, body=text, headers=headers, address="203.0.113.7")

        def on_end(result: dict[str, Any] | None) -> None:
            answers.append(result)
            task.resume()

        self._world.platform.invoke(function, event, on_end)
        scheduler.pause()
        status, answer = status_of(answers[0]), json_of(answers[0])
        if function == "upload_signature" and status == 200:
            self._note(user, answer, body or {})
        if function == "upload_status" and method == "DELETE" and status == 204:
            self.uploads[path.rpartition("/")[2]].is_cancelled = True
        if not self._world.is_calm and self.random.random() < LOST_ANSWERS:
            self._world.count_fault("answer lost")
            return 0, {}
        return status, answer

    def _note(self, user: str, answer: dict[str, Any], body: dict[str, Any]) -> None:
        """Remember an issued signature, whether or not its answer arrives."""
        upload_id, signature = answer["uploadId"], answer["signature"]
        token = upload_signature.decode(signature).values["sourceContext"]
        upload = self.uploads.setdefault(upload_id, Upload(upload_id, user, token, self._scheduler.now))
        upload.has_flow = upload.has_flow or "procedure" in body
        upload.signatures.append(signature)
        self.tokens[token] = upload
        self._world.invariants.on_signature(upload)

    def sign(self, user: str, upload_id: str = "", **wish: Any) -> tuple[str, str]:  # noqa: ANN401 -- JSON
        """Ask for a signature, again when no answer came; returns upload id and signature, or nothing."""
        body = {**wish, "uploadId": upload_id} if upload_id else wish
        for pause in (1, 5, 30, 120, 600, 0):
            status, answer = self.request("upload_signature", "POST", "/signature", user, body)
            if status == 200:
                return answer["uploadId"], answer["signature"]
            if status in (403, 404, 409, 422):
                break
            self._scheduler.sleep(pause * self.random.uniform(0.5, 2))
        return "", ""

    def wish(self) -> dict[str, Any]:
        """Draw what an upload begins with."""
        policy = self.random.choice(list(POLICIES))
        wish: dict[str, Any] = {"policy": policy, "fileSize": self.random.randrange(1, LARGEST_FILE)}
        if POLICIES[policy].get("procedures"):
            wish["procedure"] = "LongVideoPreset"
        if self.random.random() < 0.5:
            wish["context"] = f"lesson {self.random.randrange(100)}"
        return wish

    def send(self, signature: str) -> File | None:
        """Upload a file; None if VOD refuses it."""
        self._scheduler.sleep(self.random.uniform(0.5, 500))
        return self._take(signature)

    def _take(self, signature: str) -> File | None:
        try:
            return self._world.vod.take(signature, self.random.randrange(1, LARGEST_FILE))
        except RefusedUploadError:
            return None

    # Honest ways.

    def upload(self, user: str) -> None:
        """Begin, upload, and look how it stands."""
        upload_id, signature = self.sign(user, **self.wish())
        if signature and self.send(signature):
            for _ in range(self.random.randrange(4)):
                self._scheduler.sleep(self.random.uniform(1, 60))
                self.request("upload_status", "GET", f"/uploads/{upload_id}", user)

    def renew(self, user: str) -> None:
        """Ask for several signatures, as the Web SDK does, and upload under the last one."""
        upload_id, signature = self.sign(user, **self.wish())
        for _ in range(self.random.randrange(1, 4)):
            if not signature:
                return
            self._scheduler.sleep(self.random.uniform(1, 400))
            _, signature = self.sign(user, upload_id)
        if signature:
            self.send(signature)

    def leave(self, user: str) -> None:
        """Begin and never upload."""
        self.sign(user, **self.wish())

    def cancel(self, user: str) -> None:
        """Begin and cancel; sometimes the file comes nevertheless."""
        upload_id, signature = self.sign(user, **self.wish())
        if not signature:
            return
        self._scheduler.sleep(self.random.uniform(1, 600))
        if self.random.random() < 0.3:
            self._take(signature)
        self.request("upload_status", "DELETE", f"/uploads/{upload_id}", user)
        if self.random.random() < 0.3:
            self._take(signature)

    def repeat(self, user: str) -> None:
        """Upload twice under one signature, or under two of one upload."""
        upload_id, signature = self.sign(user, **self.wish())
        if signature and self.send(signature):
            if self.random.random() < 0.5:
                _, signature = self.sign(user, upload_id)
            if signature:
                self.send(signature)

    # Those who cheat.

    def hoard(self, user: str) -> None:
        """Ask for as many signatures of one upload as there are, and use all."""
        upload_id, first = self.sign(user)
        signatures = [first]
        signatures += [self.sign(user, upload_id)[1] for _ in range(19) if upload_id]
        for signature in filter(None, signatures):
            self._take(signature)

    def begin_and_cancel(self, user: str) -> None:
        """Cancel what was begun to begin more, and use all."""
        signatures = []
        for _ in range(20):
            upload_id, signature = self.sign(user)
            if upload_id:
                signatures.append(signature)
                self.request("upload_status", "DELETE", f"/uploads/{upload_id}", user)
        for signature in signatures:
            self._take(signature)

    def meddle(self, user: str) -> None:
        """Reach for the uploads of others, and for numbers that no file has."""
        for upload in self.random.sample(list(self.uploads.values()), min(5, len(self.uploads))):
            if upload.user == user:
                continue
            for function, method, path, body in (
                ("upload_status", "GET", f"/uploads/{upload.upload_id}", None),
                ("upload_status", "DELETE", f"/uploads/{upload.upload_id}", None),
                ("upload_signature", "POST", "/signature", {"uploadId": upload.upload_id}),
            ):
                status, _ = self.request(function, method, path, user, body)
                self._world.invariants.on_meddling(status)
        if "numbers-are-bounded" in self._world.invariants.not_yet:
            return
        for size in (2**63 - 1, 2**64, 2**53 + 1, -1, 0, 10**30):
            status, _ = self.request("upload_signature", "POST", "/signature", user, {"fileSize": size})
            self._world.invariants.require("numbers-are-bounded", status != 200, f"{size} bytes were allowed")

    def forge(self, user: str) -> None:
        """Post a made-up event to the callback URL."""
        for _ in range(self.forger.choice((1, 1, 1, 2, 5))):
            body = forged_body(self._world, self.forger, user)
            self.forged_posts += 1
            self.forged_bytes += len(body)
            sent_at = self._scheduler.now

            def on_answer(status: int | None, sent_at: float = sent_at) -> None:
                if status is not None and self._scheduler.now - sent_at < PUSH_SECONDS:
                    self._world.invariants.on_answer("a made-up event", status)

            self._world.post(body, on_answer)
            self._scheduler.sleep(self.forger.uniform(0, 2))


WAYS: dict[str, tuple[int, Callable[[Users, str], None]]] = {
    "upload": (60, Users.upload),
    "renew": (12, Users.renew),
    "leave": (8, Users.leave),
    "cancel": (10, Users.cancel),
    "repeat": (10, Users.repeat),
}
CHEATING: tuple[Callable[[Users, str], None], ...] = (Users.hoard, Users.begin_and_cancel, Users.meddle)


def forged_body(world: World, random: Random, user: str) -> bytes:
    """Invent the body of a callback: about files and task flows that exist, or about nothing."""
    own = [upload.token for upload in world.users.uploads.values() if upload.user == user] or ["vuf1.x.y"]
    files, flows = list(world.vod.files.values())[-30:], list(world.vod.flows.values())[-10:]
    kind = random.choice(("garbage", "file", "flow", "wrapped", "wrapped", "other"))
    if kind == "garbage" or not files or not flows:
        return random.choice(GARBAGE)
    file, token = random.choice(files), random.choice((*own[-3:], ""))
    if kind == "flow":
        status = random.choice(("FINISH", "ABORTED", "PROCESSING"))
        event = flow_event(random.choice(flows), status, random.randrange(101))
        if random.random() < 0.5:
            event["ProcedureStateChangeEvent"]["SessionContext"] = token
    elif kind == "other":
        member = {"FileId": file.file_id, "SessionContext": random.choice((token, file.token))}
        event = {"EventType": "ReviewAudioVideoComplete", "ReviewEvent": member}
    elif kind == "wrapped":
        outer = [it for it in files if it.token in own]
        inner = upload_event(file)
        event = upload_event(outer[-1] if outer else replace(file, token=own[-1]))
        event["eventContent"] = random.choice((inner, json.dumps(inner)))
    else:
        claimed = random.choice((replace(file, token=token), replace(file, file_id="1234567890123456789")))
        event = upload_event(replace(claimed, size=random.choice((1, 2**63 - 1, 10**40))))
    return json.dumps(event).encode()
