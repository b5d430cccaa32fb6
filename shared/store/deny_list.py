"""The deny list: callers and policies that get no signature, effective at once and without a deployment.

An entry names a user, a network, a policy or everybody. Every partition holds a copy, because the script that
reserves a signature reads it in the same round trip.
"""

from __future__ import annotations

import json
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from shared.store.connection import PARTITIONS, StoreConnection, digest, pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DeniedKind(str, Enum):
    """The kind of subject of an entry."""

    USER = "user"
    NETWORK = "network"
    POLICY = "policy"
    EVERYBODY = "everybody"


class Denied(NamedTuple):
    """One entry; `until` is in Unix seconds, 0 for no end; `reason` is a note for operators."""

    kind: DeniedKind
    subject: str
    since: int
    until: int = 0
    reason: str = ""

    def is_over(self, *, now: int) -> bool:
        """Return whether the entry has expired."""
        return 0 < self.until <= now


def write_denied(entry: Denied) -> str:
    """Serialize an entry for the store; the signing script reads only `until`."""
    return json.dumps({**entry._asdict(), "kind": entry.kind.value})


def read_denied(text: str) -> Denied:
    """Parse what `write_denied` wrote."""
    members = json.loads(text)
    return Denied(**{**members, "kind": DeniedKind(members["kind"])})


class DenyStore(StoreConnection):
    """The deny list of one stage."""

    def deny(self, entry: Denied) -> None:
        """Add an entry, replacing one of the same kind and subject.

        Raises:
            StoreUnavailableError: the store did not answer; the entry may apply to some users only.

        """
        mark, text = deny_key_of(entry.kind, entry.subject), write_denied(entry)
        self._of_each_partition(lambda partition: [("HSET", denied_key(partition), mark, text)])

    def allow(self, kind: DeniedKind, subject: str) -> bool:
        """Remove an entry; False if there was none.

        Raises:
            StoreUnavailableError: the store did not answer; the entry may still apply to some users.

        """
        mark = deny_key_of(kind, subject)
        return any(self._of_each_partition(lambda partition: [("HDEL", denied_key(partition), mark)]))

    def denied(self) -> Mapping[Denied, bool]:
        """Read the list; the value is False for an entry missing from a partition, which must be added again.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        lists = self._of_each_partition(lambda partition: [("HGETALL", denied_key(partition))])
        places = Counter(text for kept in lists for text in pairs(kept).values())
        return {read_denied(text): count == PARTITIONS for text, count in places.items()}


def denied_key(partition: str) -> str:
    """Return the key of a partition's copy of the list."""
    return f"{partition}:denied"


def deny_key_of(kind: DeniedKind, subject: str) -> str:
    """Return the hash field of an entry: the name of a policy, the digest of any other subject."""
    return kind + ":" + (subject if kind is DeniedKind.POLICY else digest(subject))


def deny_keys_of(user_id: str, networks: Sequence[str]) -> list[str]:
    """List the hash fields that deny this caller; the scripts add the policy's."""
    own = [deny_key_of(DeniedKind.EVERYBODY, ""), deny_key_of(DeniedKind.USER, user_id)]
    return own + [deny_key_of(DeniedKind.NETWORK, each) for each in networks]
