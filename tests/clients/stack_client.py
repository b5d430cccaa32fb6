"""What every client of the stack needs: signatures for its uploads, and what the app heard of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import requests

from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.stack import Stack


def signatures_of(stack: Stack, *, user: str, upload_id: str = "", **request: str) -> dict[str, object]:
    """Return where a program under Node gets its signatures (`node/signatures.cjs`)."""
    query = {"user": user}
    token = requests.get(f"{stack.url}/local/token", params=query, timeout=10).text
    known = {"uploadId": upload_id} if upload_id else {}
    return {"url": f"{stack.url}/signature", "token": token, "request": request, **known}


def tls_names(stack: Stack) -> dict[str, str]:
    """Return the variables by which `node/vod_names.cjs` sends what is meant for VOD to the stack."""
    port = stack.tls_url.rpartition(":")[2]
    return {"STACK_TLS_PORT": port, "NODE_EXTRA_CA_CERTS": str(stack.ca_file)}


def events_about(stack: Stack, *, id_: str, count: int = 1) -> list[dict[str, Any]]:
    """Return the bodies of the app's events that name this upload or file, once there are so many."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        heard = requests.get(f"{stack.url}/local/events", timeout=10).json()
        found[:] = [event["body"] for event in heard if id_ in str(event)]
        return len(found) >= count

    wait_until(are_there, f"the app to hear of {id_}", pause_seconds=0.1)
    return found


def completed(stack: Stack, upload_id: str) -> dict[str, Any]:
    """Return the content of the one event that says that this upload is complete."""
    [event] = events_about(stack, id_=upload_id)
    assert event["type"] == "upload.completed"
    content: dict[str, Any] = event["data"]
    return content


def parts_sent(stack: Stack, media_url: str) -> int:
    """Return how many parts the storage received for the object behind an event's URL."""
    counted = requests.get(f"{stack.url}/local/simulator/counters", timeout=10).json()["objects"]
    return sum(counts.get("UploadPart", 0) for key, counts in counted.items() if media_url.endswith(key))


def is_at(address: str, file: Path) -> bool:
    """Return whether an address serves exactly the bytes of a file."""
    served = requests.get(address, timeout=10).content
    return hashlib.sha256(served).digest() == hashlib.sha256(file.read_bytes()).digest()
