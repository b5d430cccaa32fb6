"""The limits on what a user begins, as docs/security.md has them; and that nothing else is refused.

Beginnings are bounded by the day and by what is open, and each upload's files by its signatures
(`files-per-upload`): so the files of a user's day are bounded too. What the functions must have counted is
less than what they may have counted: their instances differ about the time, and an upload of which no answer
told may have begun or not. Each rule uses the bound that no such difference can break.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.domain.rate_limits import UploadLimits, refusal
from shared.domain.upload_id import made_at

if TYPE_CHECKING:
    from tests.simulation.users import Upload
    from tests.simulation.vod_messages import File
    from tests.simulation.world import World

OPEN_UPLOADS, NEW_UPLOADS_PER_DAY, SIGNATURES_PER_UPLOAD = 8, 12, 10
DAY_SECONDS = 86_400
LONGEST_SIGNATURE = 1200
"""The longest life of a signature under the deployment's policies, in seconds."""
CLOCK_SECONDS = 3700
"""More than the clocks of instances are off."""
_TOO_MANY_OPEN = refusal("open", UploadLimits(1), wait_ms=0).detail


class Begin(NamedTuple):
    """A request that begins an upload.

    `believed_at` is the time as the instance sees it that answers, `known` are the user's uploads, each with
    the end of its last signature, and `is_repeated`: a request under this key may have begun one.
    """

    user: str
    key: str
    believed_at: float
    known: list[tuple[Upload, int]]
    is_repeated: bool


@dataclass
class _Account:
    """A user: the latest time at which an instance looked after his uploads, and what he may have begun.

    `attempts` has, for each request or key, until when its upload can be open; `uploads`, for each key, the
    first upload that was told under it, and on which day.
    """

    believed_at: float = 0.0
    attempts: dict[str, float] = field(default_factory=dict)
    uploads: dict[str, tuple[str, float]] = field(default_factory=dict)


class LimitRules:
    """The rules, which hear of every request that begins an upload."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._accounts: dict[str, _Account] = defaultdict(_Account)
        self.verified_at: dict[str, float] = {}
        self._requests = 0

    def asked(self, user: str, key: str, believed_at: float) -> Begin:
        """Hear of a request, before it is answered."""
        self._requests += 1
        key = key or f"request {self._requests}"
        account = self._accounts[user]
        uploads = self._world.users.uploads.values()
        known = [(upload, upload.signed_until) for upload in uploads if upload.user == user]
        begin = Begin(user, key, believed_at, known, key in account.attempts)
        account.believed_at = max(account.believed_at, believed_at)
        account.attempts[key] = max(account.attempts.get(key, 0.0), believed_at + LONGEST_SIGNATURE)
        return begin

    def asked_again(self, user: str, upload_id: str, believed_at: float) -> None:
        """Hear of a request for another signature of an upload, before it is answered."""
        attempts = self._accounts[user].attempts
        attempts[upload_id] = max(attempts.get(upload_id, 0.0), believed_at + LONGEST_SIGNATURE)

    def answered(self, begin: Begin, status: int, answer: dict[str, Any]) -> None:
        """Hear of its answer, whether or not that arrives."""
        account = self._accounts[begin.user]
        if status == 429 and answer.get("detail") == _TOO_MANY_OPEN:
            others = [until for key, until in account.attempts.items() if key != begin.key]
            held = sum(until > begin.believed_at for until in others)
            self._world.invariants.require(
                "what-has-expired-holds-nothing", held >= OPEN_UPLOADS, f"{held} uploads can be open"
            )
        if 400 <= status < 500 and not begin.is_repeated:
            del account.attempts[begin.key]
        if status == 200:
            self._check_key(account, begin, answer["uploadId"])
            # What was begun under the key before is signed again, whatever has been begun since.
            if not begin.is_repeated:
                self._check_limits(account, begin, answer["uploadId"])

    def _check_key(self, account: _Account, begin: Begin, upload_id: str) -> None:
        day = begin.believed_at // DAY_SECONDS
        first_id, first_day = account.uploads.setdefault(begin.key, (upload_id, day))
        # A key is looked for on the day and the day before; a clock that is behind may be on the day before.
        is_one = first_id == upload_id or day < first_day
        self._world.invariants.require(
            "one-key-one-upload", is_one, f"{begin.key} has begun {first_id} and {upload_id}"
        )

    def _check_limits(self, account: _Account, begin: Begin, upload_id: str) -> None:
        files = self._files_by_token()
        is_open = [until > account.believed_at and not files[upload.token] for upload, until in begin.known]
        require = self._world.invariants.require
        require("open-uploads", sum(is_open) < OPEN_UPLOADS, f"{sum(is_open)} others are open")
        day = made_at(upload_id) // DAY_SECONDS
        used = sum(
            # What was cancelled may have been given back when its last signature had expired.
            max(
                not upload.may_be_cancelled or until > account.believed_at,
                self._told_on(day, files[upload.token]),
            )
            for upload, until in begin.known
            if made_at(upload.upload_id) // DAY_SECONDS == day
        )
        require("uploads-per-day", used < NEW_UPLOADS_PER_DAY, f"{used} others were begun this day")

    def _told_on(self, day: int, files: list[File]) -> int:
        """Return how many of these files were counted on the day, whatever the clock that counted them."""
        told = [(file.created_at, self.verified_at.get(file.file_id, float("inf"))) for file in files]
        return sum(
            (created_at - CLOCK_SECONDS) // DAY_SECONDS == day == (told_at + CLOCK_SECONDS) // DAY_SECONDS
            for created_at, told_at in told
        )

    def _files_by_token(self) -> dict[str, list[File]]:
        files: dict[str, list[File]] = defaultdict(list)
        for file in self._world.vod.files.values():
            files[file.token].append(file)
        return files
