"""The deny list, as it is kept in Redis: once in every partition, where the script that signs can see it.

What an entry means is left to `shared.deny_list`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.deny_list import Denied, DeniedKind, read_denied, write_denied
from shared.store_connection import PARTITIONS, StoreConnection, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DenyStore(StoreConnection):
    """The deny list of one stage."""

    def deny(self, entry: Denied) -> None:
        """Put an entry on the list, in place of one of the same kind and subject.

        Raises:
            StoreUnavailableError: the store did not answer; the entry may hold for some users only.

        """
        mark, text = mark_of(entry.kind, entry.subject), write_denied(entry)
        self._ask_each(lambda pipeline, partition: pipeline.hset(denied_key(partition), mark, text))

    def allow(self, kind: DeniedKind, subject: str) -> bool:
        """Take an entry off the list; False if it was not on it.

        Raises:
            StoreUnavailableError: the store did not answer; the entry may still hold for some users.

        """
        mark = mark_of(kind, subject)
        return any(self._ask_each(lambda pipeline, partition: pipeline.hdel(denied_key(partition), mark)))

    def denied(self) -> Mapping[Denied, bool]:
        """Read the list; False with an entry that is not in every partition: it has to be put on again.

        Raises:
            StoreUnavailableError: the store did not answer.

        """
        lists: Sequence[Mapping[str, str]] = self._ask_each(
            lambda pipeline, partition: pipeline.hgetall(denied_key(partition))
        )
        places = Counter(text for kept in lists for text in kept.values())
        return {read_denied(text): count == PARTITIONS for text, count in places.items()}


def denied_key(partition: str) -> str:
    """Name a partition's copy of the list."""
    return f"{partition}:denied"


def mark_of(kind: DeniedKind, subject: str) -> str:
    """Stand in for what an entry names; a policy's name is the deployment's own word, and may be read."""
    return f"{kind.value}:{subject if kind is DeniedKind.POLICY else digest(subject)}"


def marks_of(user_id: str, networks: Sequence[str]) -> list[str]:
    """List the marks under which this caller could be denied; those of policies are left to the script."""
    named = [
        (DeniedKind.EVERYBODY, ""),
        (DeniedKind.USER, user_id),
        *((DeniedKind.NETWORK, each) for each in networks),
    ]
    return [mark_of(kind, subject) for kind, subject in named]
