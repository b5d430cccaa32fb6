"""The deny list: whom to sign nothing for, from this moment and without a deployment.

An entry names a user, a network, a policy, or everybody. Where it is kept is left to
`shared.deny_store`; it is asked in the same round trip that reserves a signature.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum


class DeniedKind(str, Enum):
    """What an entry of the deny list names."""

    USER = "user"
    NETWORK = "network"
    POLICY = "policy"
    EVERYBODY = "everybody"


@dataclass(frozen=True)
class Denied:
    """One entry; `until` (Unix seconds) 0 lasts until it is taken off, `reason` is for people."""

    kind: DeniedKind
    subject: str
    since: int
    until: int = 0
    reason: str = ""

    def is_over(self, *, now: int) -> bool:
        """Whether it denies nobody any more."""
        return 0 < self.until <= now


def write_denied(entry: Denied) -> str:
    """Spell an entry as it is kept; the script that signs reads only `until`."""
    return json.dumps({**asdict(entry), "kind": entry.kind.value})


def read_denied(text: str) -> Denied:
    """Read what `write_denied` wrote."""
    members = json.loads(text)
    return Denied(**{**members, "kind": DeniedKind(members["kind"])})
