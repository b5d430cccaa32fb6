"""Explain an upload signature: what it says, who signed it, and what VOD could refuse it for.

The key to check it with is VOD_SECRET_KEY or, without that, the one of the local stack. Exit code: 0
signed with that key and nothing wrong, 1 anything wrong, 2 no upload signature at all.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.operator.signature_inspection import explain, iso_time
from shared.errors import ServiceError
from shared.vod.signature import MAX_SIGNATURE_CHARACTERS, WIRE_NAMES

if TYPE_CHECKING:
    import argparse

    from local.operator.signature_inspection import Explanation

ACCEPTABLE, NOT_ACCEPTABLE, UNREADABLE = 0, 1, 2

_VERDICTS = {
    "valid": "signed with {key}",
    "invalid": "NOT signed with {key}",
    "unverified": "not checked: set VOD_SECRET_KEY to the key that should have signed it",
}
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


def run(
    signature: str, *, secret_key: str | None, now: int, as_json: bool, key_name: str = "the given key"
) -> tuple[int, str]:
    """Return the exit code and the text to print; `key_name` says where the key came from."""
    try:
        inspection = explain(signature, now=now, secret_key=secret_key)
    except ServiceError as error:
        told = {"verdict": "unreadable", "problems": [error.detail]}
        return UNREADABLE, json.dumps(told, indent=2) if as_json else f"unreadable  {error.detail}"
    acceptable = inspection.verdict == "valid" and not inspection.problems
    text = (_json if as_json else _table)(inspection, now, key_name)
    return ACCEPTABLE if acceptable else NOT_ACCEPTABLE, text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `python -m local inspect` takes."""
    parser.add_argument("signature", metavar="SIGNATURE", help="the upload signature; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(".local"),
        help="where the local stack keeps its key (default: .local)",
    )


def main(arguments: argparse.Namespace) -> int:
    """Read signature, key and clock, print the explanation and return the exit code."""
    signature = arguments.signature
    if signature == "-":
        # Twice the limit leaves room for line breaks, and is enough to see that something is too long.
        signature = sys.stdin.buffer.read(2 * MAX_SIGNATURE_CHARACTERS).decode(errors="replace").strip()
    key_name, secret_key = "VOD_SECRET_KEY", os.environ.get("VOD_SECRET_KEY")
    if not secret_key:
        key_name, secret_key = "the local stack's key", _local_key(arguments.folder)
    code, text = run(
        signature, secret_key=secret_key, now=int(time.time()), as_json=arguments.json, key_name=key_name
    )
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    return code


def _local_key(folder: Path) -> str | None:
    # Only read: `local.stack.demo_settings` would make a key where there is none, and no signature has it.
    try:
        key = json.loads((folder / "demo-secrets.json").read_bytes())["VOD_SECRET_KEY"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return key if isinstance(key, str) and key else None


def _json(inspection: Explanation, _now: int, key_name: str) -> str:
    times = {"issuedAt": inspection.issued_at, "expiresAt": inspection.expires_at}
    told = {
        "verdict": inspection.verdict,
        "key": None if inspection.verdict == "unverified" else key_name,
        **{name: None if at is None else iso_time(at) for name, at in times.items()},
        "parameters": dict(inspection.parameters),
        "problems": list(inspection.problems),
    }
    return json.dumps(told, indent=2)


def _table(inspection: Explanation, now: int, key_name: str) -> str:
    notes = {
        "currentTimeStamp": "" if inspection.issued_at is None else iso_time(inspection.issued_at),
        "expireTime": "" if inspection.expires_at is None else _expiry(inspection.expires_at, now),
    }
    rows = [("digest", _VERDICTS[inspection.verdict].format(key=key_name))]
    for name, value in inspection.parameters.items():
        note = notes.get(name)
        rows.append((_printable(name), _printable(value) + (f"  {note}" if note else "")))
    width = max(map(len, WIRE_NAMES.values()))
    lines = [f"{name:<{width}}  {value}".rstrip() for name, value in rows]
    lines += ["", "problems:" if inspection.problems else "no problems"]
    lines += [f"- {problem}" for problem in inspection.problems]
    return "\n".join(lines)


def _expiry(expires_at: int, now: int) -> str:
    left = expires_at - now
    ahead = f"expires in {_duration(left)}" if left > 0 else f"expired {_duration(-left)} ago"
    return f"{iso_time(expires_at)}, {ahead}"


def _duration(seconds: int) -> str:
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _printable(text: str) -> str:
    """Escape every character that could move the cursor or change the direction of the text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
