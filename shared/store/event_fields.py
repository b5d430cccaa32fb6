"""An event's name, text and facts as its record and the scripts spell them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from shared.domain.session import FINISHED_RANK, Facts
from shared.schema.encoding import ascii_json
from shared.store.connection import flat
from shared.store.upload_record import session_fields, write_outcome
from shared.vod.context_token import base64url_decode, base64url_encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.journal import EventEntry
    from shared.domain.journal import Word as FieldWord

RECORD_BYTES = 1024
"""What an event takes beside its text: its record's other fields, its keys and index entries."""
_KINDS = {kind[0]: kind for kind in ("upload", "procedure", "event")}
_SHORT_CHARACTERS = 55
"""The first letter of the kind, and both digests, of 32 and of 8 bytes, in Base64."""
_BASE85_CHARACTERS = 40
NO_FACTS = Facts("")


def short_name(name: str) -> str:
    """Return an event's name with its digests in Base64, after a letter for its kind.

    With no value longer than 64 bytes Redis keeps a hash in a third of the memory.
    """
    kind, _, rest = name.partition("-")
    parts = rest.split(".")
    if tuple(map(len, parts[:2])) != (64, 16):
        return name
    return ".".join([kind[0] + base64url_encode(bytes.fromhex(parts[0] + parts[1])), *parts[2:]])


def long_name(kept: str) -> str:
    """Return the name that `short_name` made short, or a release before it: in Base85, or as it is."""
    digests, *version = kept.split(".")
    if len(digests) == _SHORT_CHARACTERS and digests[0] in _KINDS:
        kind, digits = _KINDS[digests[0]], base64url_decode(digests[1:]).hex()
    else:
        kind, _, rest = kept.partition("-")
        first, *parts = rest.split(".")
        if len(first) != _BASE85_CHARACTERS or not parts:
            return kept
        digits, version = base64.b85decode(first + parts[0]).hex(), parts[1:]
    return ".".join([f"{kind}-{digits[:64]}", digits[64:], *version])


def parted(fields: Sequence[tuple[str, FieldWord]]) -> tuple[FieldWord, list[FieldWord]]:
    """Return `raw`, the bytes of the event, and the other fields as arguments of HSET."""
    named = dict(fields)
    return named.pop("raw", ""), flat(tuple(named.items()))


def version_of(facts: Facts, source: str) -> tuple[str, str]:
    """Return digests, with the source, of what the end of a task flow led to, or of a file's cover.

    The first is kept with VOD's own version, the second looked for among those kept. Empty: nothing that sets
    a further version apart. A cover counts without its scheme and host, which forms of one event may write
    differently. None is no other cover, and neither is that of VOD's list of files, which a task flow may
    have made since the event.
    """
    if end := facts.version:
        content = f"{source}:{_digest(end)}"
        return content, content
    first = dict(facts.first)
    if "uploaded_at" not in first:
        return "", ""
    path = first.get("cover_url", "").split("://", 1)[-1].partition("/")[2]
    content = f"{source}:{_digest(path)}"
    return content, content if path and source != "a" else ""


def confirmed_version_of(facts: Facts) -> tuple[str, str]:
    """Return the version that VOD has confirmed: a cover counts as its event's, and differs from all kept."""
    if facts.outcome is not None:
        return version_of(facts, "a")
    content, compared = version_of(facts, "e")
    return content, compared and f"c{compared[1:]}"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode("ascii")).hexdigest()[:16]


def facts_json(entry: EventEntry, version: tuple[str, str], *, verified: bool, is_claim: bool) -> str:
    """Serialize what an event adds to its upload, as the steps in `lua/steps/apply.lua` read it."""
    facts = entry.facts
    return ascii_json(
        {
            "file_id": facts.file_id,
            "first": dict(facts.first),
            "rank": facts.rank,
            "outcome": "" if facts.outcome is None else write_outcome(facts.outcome),
            "finished_rank": FINISHED_RANK,
            "check_after": facts.check_after,
            "size": "unknown" if facts.size is None else str(facts.size),
            "computed": facts.computed,
            "verified": verified,
            "is_claim": is_claim,
            "may_replace": entry.may_replace,
            "content": version[0],
            "compared": version[1],
            "upload_id": entry.upload.upload_id if entry.upload else "",
            "origin": session_fields(entry.upload) if entry.upload else {},
        }
    )
