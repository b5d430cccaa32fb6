"""Whole stories for `python -m local trigger`: a real tiny file is uploaded, and the app hears of it.

`upload.completed` is one upload; `procedure.finished` is one whose policy starts a task flow.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from local.repository import REPOSITORY
from local.upload.client import UploadClient
from local.upload.order import UploadError, UploadOrder

if TYPE_CHECKING:
    from collections.abc import Mapping

STORIES: Mapping[str, str] = {"upload.completed": "default", "procedure.finished": "course"}
"""Type of the app's event that ends a story -> the demo's policy that leads there."""
_FILE = REPOSITORY / "tests/samples/media/tiny.mp4"
_POLL_SECONDS = 0.2


def tell(url: str, type_: str, *, user: str, context: str | None, wait_seconds: float) -> dict[str, Any]:
    """Upload the file to the stack at an address, and return the app's event of this type.

    Raises:
        UploadError: a step was refused, or the event has not come within `wait_seconds`.

    """
    order = UploadOrder(file=_FILE, user=user, cover=None, policy=STORIES[type_], context=context)
    with contextlib.closing(UploadClient(url)) as client:
        upload_id = client.upload(order, lambda _part, _sent: None).upload_id
        deadline = time.monotonic() + wait_seconds
        while True:
            for body in client.events_of(upload_id):
                if body.get("type") == type_:
                    return dict(body)
            if time.monotonic() >= deadline:
                raise UploadError(f"The file is stored, and the app has not heard of {type_} yet.")
            time.sleep(_POLL_SECONDS)
