"""A function that does what its event's body orders: raise, exit, hang, meet or return something odd."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


def main_handler(event: dict[str, Any], _context: object) -> object:
    """Execute the script in the body."""
    script = json.loads(event["body"])
    if script.get("raise"):
        raise LookupError(script["raise"])
    if script.get("exit"):
        os._exit(1)
    time.sleep(script.get("sleep", 0))
    if "meet" in script:
        _meet(Path(script["meet"][0]), count=script["meet"][1])
    if script.get("big"):
        return {"statusCode": 200, "headers": {}, "body": "x" * script["big"]}
    return {object(): 1} if script.get("unserialisable") else script.get("return")


def _meet(place: Path, *, count: int) -> None:
    """Return when as many instances as that are at the place."""
    (place / str(os.getpid())).touch()
    while len(list(place.iterdir())) < count:
        time.sleep(0.01)
