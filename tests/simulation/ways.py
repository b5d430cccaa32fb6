"""The honest ways of a user: begin, upload, cancel, renew and repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.users import Users


def upload(users: Users, user: str) -> None:
    """Begin, upload, and look how it stands."""
    upload_id, signature = users.sign(user, **users.wish())
    if signature and users.send(signature):
        for _ in range(users.random.randrange(4)):
            users.scheduler.sleep(users.random.uniform(1, 60))
            users.request("upload_status", "GET", f"/uploads/{upload_id}", user)


def renew(users: Users, user: str) -> None:
    """Ask for several signatures, as the Web SDK does, and upload under the last one."""
    upload_id, signature = users.sign(user, **users.wish())
    for _ in range(users.random.randrange(1, 4)):
        if not signature:
            return
        users.scheduler.sleep(users.random.uniform(1, 400))
        _, signature = users.sign(user, upload_id)
    if signature:
        users.send(signature)


def leave(users: Users, user: str) -> None:
    """Begin and never upload."""
    users.sign(user, **users.wish())


def cancel(users: Users, user: str) -> None:
    """Begin and cancel; sometimes the file comes nevertheless."""
    upload_id, signature = users.sign(user, **users.wish())
    if not signature:
        return
    users.scheduler.sleep(users.random.uniform(1, 600))
    if users.random.random() < 0.3:
        users.take(signature)
    users.request("upload_status", "DELETE", f"/uploads/{upload_id}", user)
    if users.random.random() < 0.3:
        users.take(signature)


def repeat(users: Users, user: str) -> None:
    """Upload twice under one signature, or under two of one upload."""
    upload_id, signature = users.sign(user, **users.wish())
    if signature and users.send(signature):
        if users.random.random() < 0.5:
            _, signature = users.sign(user, upload_id)
        if signature:
            users.send(signature)


WAYS: dict[str, tuple[int, Callable[[Users, str], None]]] = {
    "upload": (60, upload),
    "renew": (12, renew),
    "leave": (8, leave),
    "cancel": (10, cancel),
    "repeat": (10, repeat),
}
