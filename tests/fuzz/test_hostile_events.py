from __future__ import annotations

from tests.fuzz.hostile_events import MOST_GROWTH, SHARES, Watch, faults_of, send
from tests.shared.conftest import no_authority  # noqa: F401  # a fixture


def test_hostile_events_are_answered_and_leave_nothing(valkey_url: str) -> None:
    """A share of `make fuzz-events`: every answer can be sent, none is a 5xx, memory is flat (S19, S28)."""
    watch = send(4000, valkey_url, seed=7)

    assert list(faults_of(watch)) == []
    assert {function for function, _ in watch.answers} == SHARES.keys()
    for function, status in (("upload_signature", 200), ("event_notification", 200), ("upload_status", 404)):
        assert watch.answers[function, status] > 20


def test_every_kind_of_fault_is_told() -> None:
    """Every kind of violated promise is reported."""
    watch = Watch(growth_bytes=MOST_GROWTH + 1)
    watch.answers["upload_status", 500] = 1
    watch.write('{"event":"request.failed"}')

    assert len(list(faults_of(watch))) == 3
