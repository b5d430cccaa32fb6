"""The users: what each of them can do, and the plan of what all of them do in a run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.vod import signature as upload_signature
from tests.simulation.cheats import CHEATING, CHEATS
from tests.simulation.forgeries import forge
from tests.simulation.instances import http_event, json_of, status_of
from tests.simulation.integrity import DIGITS, digests_under
from tests.simulation.tokens import valid_token
from tests.simulation.vod_model import RefusedUploadError
from tests.simulation.ways import WAYS
from tests.simulation.wishes import LARGEST_FILE, Wishes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.limits import Begin
    from tests.simulation.vod_messages import File
    from tests.simulation.world import World

USERS = [f"user-{number}" for number in range(40)]
LOST_ANSWERS, KEYLESS = 0.03, 0.2


@dataclass
class Upload:
    """What the world knows of an upload for which at least one signature was issued."""

    upload_id: str
    user: str
    token: str
    begun_at: float
    policy: str = ""
    declared: dict[str, str] = field(default_factory=dict)
    has_flow: bool = False
    is_cancelled: bool = False
    may_be_cancelled: bool = False
    signed_until: int = 0
    signatures: list[str] = field(default_factory=list)


class Users:
    """Everybody who sends a request or a file; each of them is a task."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scheduler = world.scheduler
        self.random = world.scheduler.random_of("users")
        self.wish = Wishes(world.scheduler, self.random, world.features).draw
        self.forger = world.scheduler.random_of("forger")
        self.digests = world.scheduler.random_of("digests of files")
        self.uploads: dict[str, Upload] = {}
        self.tokens: dict[str, Upload] = {}
        self.forged_posts = 0
        self.forged_bytes = 0

    def begin_all(self, count: int, until: float) -> None:
        """Plan so many uploads of honest users, and what the others do."""
        start, random = self.scheduler.now, self.random
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
        for _ in range(int(count * 0.4)):
            self._start(start + random.random() * (until - start), "forge", forge, random.choice(USERS))
        for _ in range(int(count * 0.25)):
            at = start + random.random() * (until - start)
            self.scheduler.at(at, self._upload_by_console)

    def _start(self, at: float, name: str, action: Callable[[Users, str], None], user: str) -> None:
        def start() -> None:
            if not self.world.is_calm:
                self.scheduler.spawn(name, lambda: action(self, user))

        self.scheduler.at(at, start)

    def _upload_by_console(self) -> None:
        if not self.world.is_calm:
            token = self.random.choice(("", "course 7"))
            self.world.vod.add_file(token, 1000, with_flow=self.random.random() < 0.3)

    # What one of them can do.

    def request(  # noqa: PLR0913 -- a request has these parts
        self,
        function: str,
        method: str,
        path: str,
        user: str,
        body: dict[str, Any] | None = None,
        *,
        key: str = "",
        token: str = "",
    ) -> tuple[int, dict[str, Any]]:
        """Send one request and wait for its answer: status and body, 0 if no answer came."""
        scheduler, world, answers = self.scheduler, self.world, list[Any]()
        task = scheduler.current
        assert task is not None
        valid = valid_token(user, now=scheduler.now, audiences=world.audiences, random=self.random)
        headers = {"authorization": f"Bearer {token or valid}", "content-type": "application/json"}
        if key:
            headers["idempotency-key"] = f'"{key}"'
        text = json.dumps(body) if body is not None else ""
        event = http_event(method, path, body=text, headers=headers, address="203.0.113.7")

        def on_end(result: dict[str, Any] | None) -> None:
            answers.append(result)
            task.resume()

        instance = world.platform.invoke(function, event, on_end)
        begin, believed_at = None, scheduler.now + instance.skew
        if function == "upload_signature" and "uploadId" in (body or {}):
            world.limits.asked_again(user, str((body or {})["uploadId"]), believed_at)
        elif function == "upload_signature" and not token:
            begin = world.limits.asked(user, key, believed_at)
        if method == "DELETE" and (upload := self.uploads.get(path.rpartition("/")[2])):
            upload.may_be_cancelled = upload.may_be_cancelled or upload.user == user
        scheduler.pause()
        status, answer = status_of(answers[0]), json_of(answers[0])
        self._hear(user, body or {}, begin, status, answer)
        if status == 204:
            self.uploads[path.rpartition("/")[2]].is_cancelled = True
        world.invariants.require("valid-tokens-count", token or status != 401, f"{user} was answered 401")
        if not world.is_calm and self.random.random() < LOST_ANSWERS:
            world.count_fault("answer lost")
            return 0, {}
        return status, answer

    def _hear(
        self, user: str, body: dict[str, Any], begin: Begin | None, status: int, answer: dict[str, Any]
    ) -> None:
        """Remember an issued signature, whether or not its answer arrives."""
        if status == 200 and "signature" in answer:
            self._note(user, answer, body)
        if begin:
            self.world.limits.answered(begin, status, answer)

    def _note(self, user: str, answer: dict[str, Any], body: dict[str, Any]) -> None:
        upload_id, signature = answer["uploadId"], answer["signature"]
        values = upload_signature.decode(signature).values
        token = values["sourceContext"]
        declared = {name: body[name] for name in DIGITS if name in body}
        begun = Upload(upload_id, user, token, self.scheduler.now, body.get("policy", ""), declared)
        upload = self.uploads.setdefault(upload_id, begun)
        upload.has_flow = upload.has_flow or "procedure" in body
        upload.signatures.append(signature)
        upload.signed_until = max(upload.signed_until, int(values["expireTime"]))
        self.tokens[token] = upload
        self.world.invariants.on_signature(upload)

    def sign(self, user: str, upload_id: str = "", *, patience: int = 6, **wish: Any) -> tuple[str, str]:  # noqa: ANN401 -- JSON
        """Ask for a signature, again when no answer came; returns upload id and signature, or nothing.

        Most send an Idempotency-Key with what they begin, the same one each time.
        """
        body = {**wish, "uploadId": upload_id} if upload_id else wish
        key = "" if upload_id or self.random.random() < KEYLESS else f"{self.random.getrandbits(64):016x}"
        for pause in (1, 5, 30, 120, 600, 0)[-patience:]:
            status, answer = self.request("upload_signature", "POST", "/signature", user, body, key=key)
            if status == 200:
                return answer["uploadId"], answer["signature"]
            if status in (403, 404, 409, 422):
                break
            self.scheduler.sleep(pause * self.random.uniform(0.5, 2))
        return "", ""

    def send(self, signature: str) -> File | None:
        """Upload a file; None if VOD refuses it."""
        self.scheduler.sleep(self.random.uniform(0.5, 500))
        return self.take(signature)

    def take(self, signature: str) -> File | None:
        """Upload a file at once; None if VOD refuses it."""
        token = upload_signature.decode(signature).values["sourceContext"]
        digests = digests_under(self.tokens[token].declared, self.digests)
        try:
            return self.world.vod.take(signature, self.random.randrange(1, LARGEST_FILE), digests)
        except RefusedUploadError:
            return None
