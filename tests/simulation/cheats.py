"""What users do who cheat: push against every limit, reach for what is others', show worthless tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.forgeries import be_first
from tests.simulation.tokens import worthless_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.users import Users

CHEATS = ["mallory", "trudy", "eve"]
TOO_LARGE = (2**63 - 1, 2**64, 2**53 + 1, -1, 0, 10**30)
MANY = 14
"""More than every limit of the deployment."""


def hoard(users: Users, user: str) -> None:
    """Ask for as many signatures of one upload as there are, use all, and begin more when it is known."""
    upload_id, first = users.sign(user)
    signatures = [first]
    signatures += [users.sign(user, upload_id, patience=2)[1] for _ in range(MANY - 1) if upload_id]
    for signature in filter(None, signatures):
        users.take(signature)
    users.scheduler.sleep(users.random.uniform(600, 7200))
    for _ in range(MANY // 2):
        users.sign(user, patience=1)


def begin_and_cancel(users: Users, user: str) -> None:
    """Cancel what was begun to begin more, and use all."""
    signatures = []
    for _ in range(MANY):
        upload_id, signature = users.sign(user, patience=3)
        if upload_id:
            signatures.append(signature)
            users.request("upload_status", "DELETE", f"/uploads/{upload_id}", user)
    for signature in signatures:
        users.take(signature)


def crowd(users: Users, user: str) -> None:
    """Begin as many as can be open and leave them; begin one more when all signatures have expired."""
    for _ in range(MANY):
        users.sign(user, patience=1)
    users.scheduler.sleep(3 * 3600)
    users.sign(user)


def meddle(users: Users, user: str) -> None:
    """Reach for the uploads of others, and for numbers that no file has."""
    rules = users.world.invariants
    for upload in users.random.sample(list(users.uploads.values()), min(5, len(users.uploads))):
        if upload.user == user:
            continue
        for function, method, path, body in (
            ("upload_status", "GET", f"/uploads/{upload.upload_id}", None),
            ("upload_status", "DELETE", f"/uploads/{upload.upload_id}", None),
            ("upload_signature", "POST", "/signature", {"uploadId": upload.upload_id}),
        ):
            status, _ = users.request(function, method, path, user, body)
            rules.on_meddling(status)
    for size in TOO_LARGE:
        status, _ = users.request("upload_signature", "POST", "/signature", user, {"fileSize": size})
        rules.require("numbers-are-bounded", status != 200, f"{size} bytes were allowed")


def show_tokens(users: Users, user: str) -> None:
    """Ask with tokens of which none is valid."""
    now = users.scheduler.now
    for fault, token in worthless_tokens(user, now=now, audiences=users.world.audiences).items():
        status, _ = users.request("upload_signature", "POST", "/signature", user, {}, token=token)
        is_refused = status in (0, 401) or status >= 500
        users.world.invariants.require("only-valid-tokens-count", is_refused, f"{fault}: answered {status}")


CHEATING: tuple[Callable[[Users, str], None], ...] = (
    hoard,
    begin_and_cancel,
    crowd,
    be_first,
    meddle,
    show_tokens,
)
