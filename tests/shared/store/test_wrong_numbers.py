"""Numbers that are none, in every place where a script takes one: Redis takes nothing back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shared.errors import StoreUnavailableError
from shared.redis.resp import nothing
from tests.shared.store.every_method import every_method, whole_store
from tests.shared.store.test_scripts import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from shared.redis.resp import Meanwhile, Reply, Word
    from shared.store.connection import StoreConnection

DIGITS = {"uploaded_at", "expired_at", "size", "issued_at", "ends_at", "updated_at"}
"""Members of an event's facts that are numbers by their digits."""


class WrongNumbersFirst:
    """Before a store runs a script, it is run with each of its numbers replaced, one at a time."""

    def __init__(self, store: StoreConnection, wrong: object, client: redis.Redis) -> None:
        self.places: set[tuple[str, str]] = set()
        self._run, self._wrong, self._client = store._script, wrong, client  # noqa: SLF001 -- where all scripts pass
        store._script = self.run  # type: ignore[method-assign]  # noqa: SLF001 -- as above
        store._scripts = self.run_each  # type: ignore[method-assign]  # noqa: SLF001 -- as above

    def run(
        self, name: str, keys: Sequence[str], arguments: Sequence[Word], meanwhile: Meanwhile = nothing
    ) -> Reply:
        """Run a script, after it has refused each wrong number and changed nothing."""
        before, changes = whole_store(self._client), self._changes()
        places = list[str]()
        for place, changed in with_a_wrong_number(list(arguments), self._wrong):
            with pytest.raises(StoreUnavailableError):
                self._run(name, keys, changed)
            places.append(place)
        # A key whose time is over counts as a change as well.
        assert self._changes() == changes or whole_store(self._client) - before == set(), (name, places)
        self.places |= {(name, place) for place in places}
        return self._run(name, keys, arguments, meanwhile)

    def _changes(self) -> int:
        """Return how often the server has written since it started, for it saves nothing to disk."""
        return int(self._client.info("persistence")["rdb_changes_since_last_save"])

    def run_each(self, name: str, calls: Sequence[tuple[Sequence[str], Sequence[Word]]]) -> list[Reply]:
        """Run a script several times likewise."""
        return [self.run(name, *call) for call in calls]


def with_a_wrong_number(arguments: list[Word], wrong: object) -> Iterator[tuple[str, list[Word]]]:
    """Yield the arguments once for each number in them, which is replaced, and its place."""
    for place, argument in enumerate(arguments):
        before, after = arguments[:place], arguments[place + 1 :]
        # The first part of a longer text ends elsewhere.
        text = argument if isinstance(argument, str) else ""
        members = json.loads(text) if text[:1] == "{" and text[-1:] == "}" else {}
        if isinstance(argument, int):
            yield str(place), [*before, str(wrong), *after]
        elif members.keys() & {"now", "rank"}:
            for inner in (members, members.get("first", {}), members.get("origin", {})):
                for name, value in list(inner.items()):
                    if type(value) is int or (name in DIGITS and str(value).isdecimal()):
                        inner[name] = wrong
                        yield f"{place} {name}", [*before, json.dumps(members), *after]
                        inner[name] = value


@pytest.mark.no_cover  # the tracer takes as long as the test
@pytest.mark.parametrize("wrong", ["x", "-2", "0.5", "1e3", "nan", str(2**63), 2**63, -2, 0.5, 1e300])
def test_wrong_number_changes_nothing(valkey_url: str, server: redis.Redis, wrong: object) -> None:
    """Every script checks all its numbers before its first write."""
    story, stores = every_method(valkey_url)
    tried = [WrongNumbersFirst(store, wrong, server) for store in stores]
    for step in story.values():
        step()

    assert {name for each in tried for name, _ in each.places} == set(SCRIPTS) - {"store_time"}
    assert sum(len(each.places) for each in tried) > 60
