"""Explain an upload signature: what it says, who signed it, and what VOD could refuse it for.

The key to check it with is VOD_SECRET_KEY, or else that of the local stack, which --url or --folder names;
CONTEXT_KEYS and STAGE, or the stack's own, open the sealed context. Exit code: 0 signed with that key and
nothing wrong, 1 anything wrong, 2 no upload signature at all, or wrong usage.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from local.operator.signature_inspection import explain, iso_time
from local.stack_choice import NoStackError, add_stack_arguments, chosen_folder, is_named
from local.terminal_text import printable, sheet_of, wrapped
from shared.errors import ServiceError
from shared.vod.context_token import NoSeal, UploadContext, unseal
from shared.vod.signature import MAX_SIGNATURE_CHARACTERS, WIRE_NAMES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from local.operator.signature_inspection import Explanation

ACCEPTABLE, NOT_ACCEPTABLE, UNREADABLE = 0, 1, 2

_VERDICTS = {
    "valid": "signed with {key}",
    "invalid": "NOT signed with {key}",
    "unverified": "not checked: set VOD_SECRET_KEY to the key that should have signed it",
}
_NO_CONTEXT = "sealed with another key, or for another stage"
_LOCAL_STAGE = "local"
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


class Keys(NamedTuple):
    """The key to check the digest with, where it comes from, and what opens the sealed context."""

    secret_key: str | None = None
    name: str = "the given key"
    context_keys: tuple[str, ...] = ()
    stage: str = ""


def run(signature: str, keys: Keys, *, now: int, as_json: bool) -> tuple[int, str]:
    """Return the exit code and the text to print."""
    try:
        inspection = explain(signature, now=now, secret_key=keys.secret_key)
    except ServiceError as error:
        told = {"verdict": "unreadable", "problems": [error.detail]}
        return UNREADABLE, json.dumps(told, indent=2) if as_json else f"unreadable  {error.detail}"
    acceptable = inspection.verdict == "valid" and not inspection.problems
    text = (_json if as_json else _table)(inspection, now, keys)
    return ACCEPTABLE if acceptable else NOT_ACCEPTABLE, text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `python -m local inspect` takes."""
    parser.add_argument("signature", metavar="SIGNATURE", help="the upload signature; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    add_stack_arguments(parser)


def main(arguments: argparse.Namespace) -> int:
    """Read signature, key and clock, print the explanation and return the exit code."""
    signature = arguments.signature
    if signature == "-":
        # Twice the limit leaves room for line breaks, and is enough to see that something is too long.
        signature = sys.stdin.buffer.read(2 * MAX_SIGNATURE_CHARACTERS).decode(errors="replace").strip()
    try:
        keys = _chosen_keys(arguments)
    except NoStackError as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE
    code, text = run(signature, keys, now=int(time.time()), as_json=arguments.json)
    sys.stdout.write(f"{text}\n")
    return code


def _chosen_keys(arguments: argparse.Namespace) -> Keys:
    """Return the keys of the environment, or those of a stack if it is named or the environment has none.

    Raises:
        NoStackError: none answers at the address that was named.

    """
    environment = os.environ
    if environment.get("VOD_SECRET_KEY") and not is_named(arguments):
        context_keys, stage = _listed(environment.get("CONTEXT_KEYS", "")), environment.get("STAGE") or "dev"
        return Keys(environment["VOD_SECRET_KEY"], "VOD_SECRET_KEY", context_keys, stage)
    secrets = _kept_secrets(chosen_folder(arguments))
    context_keys = _listed(secrets.get("CONTEXT_KEYS", ""))
    return Keys(secrets.get("VOD_SECRET_KEY") or None, "the local stack's key", context_keys, _LOCAL_STAGE)


def _kept_secrets(folder: Path) -> Mapping[str, str]:
    # Only read: `local.stack.demo_settings` would make a key where there is none, and no signature has it.
    try:
        kept = json.loads((folder / "demo-secrets.json").read_bytes())
    except (OSError, ValueError):
        return {}
    texts = kept.items() if isinstance(kept, dict) else ()
    return {name: value for name, value in texts if isinstance(value, str)}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _context(inspection: Explanation, keys: Keys) -> UploadContext | str | None:
    """Return what is sealed in the signature, or why that is unknown; None without a seal or a key."""
    if not keys.context_keys:
        return None
    token = inspection.parameters.get("sourceContext", "")
    context = unseal(token, keys=keys.context_keys, stage=keys.stage)
    if isinstance(context, NoSeal):
        return None
    return context if isinstance(context, UploadContext) else _NO_CONTEXT


def _json(inspection: Explanation, _now: int, keys: Keys) -> str:
    times = {"issuedAt": inspection.issued_at, "expiresAt": inspection.expires_at}
    context = _context(inspection, keys)
    if isinstance(context, UploadContext):
        upload_id, user, text, application = context
        sealed = {"uploadId": upload_id, "user": user, "context": text, "vodSubAppId": application}
    told = {
        "verdict": inspection.verdict,
        "key": None if inspection.verdict == "unverified" else keys.name,
        **{name: None if at is None else iso_time(at) for name, at in times.items()},
        "parameters": dict(inspection.parameters),
        **({"sealed": sealed if isinstance(context, UploadContext) else None} if context else {}),
        "problems": list(inspection.problems),
    }
    return json.dumps(told, indent=2)


def _table(inspection: Explanation, now: int, keys: Keys) -> str:
    notes = {
        "currentTimeStamp": "" if inspection.issued_at is None else iso_time(inspection.issued_at),
        "expireTime": "" if inspection.expires_at is None else _expiry(inspection.expires_at, now),
    }
    rows = [("digest", _VERDICTS[inspection.verdict].format(key=keys.name))]
    for name, value in inspection.parameters.items():
        note = notes.get(name)
        rows.append((name, f"{value}  {note}" if note else value))
    context = _context(inspection, keys)
    if isinstance(context, UploadContext):
        rows.append(("context", f"upload {context[0]}, user {context[1]}, {context[2]!r}"))
    elif context:
        rows.append(("context", context))
    lines = ["problems:" if inspection.problems else "no problems"]
    lines += [line for it in inspection.problems for line in wrapped(printable(it), first="- ")]
    return "\n".join([sheet_of(rows, width=max(map(len, WIRE_NAMES.values()))), *lines])


def _expiry(expires_at: int, now: int) -> str:
    left = expires_at - now
    ahead = f"expires in {_duration(left)}" if left > 0 else f"expired {_duration(-left)} ago"
    return f"{iso_time(expires_at)}, {ahead}"


def _duration(seconds: int) -> str:
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
