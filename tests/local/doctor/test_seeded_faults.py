"""Faults that deployments have, seeded one at a time: each is reported with advice."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.local.doctor.seeded_functions import CORS, FUNCTIONS, PROBE, TOKENS
from tests.local.doctor.seeded_settings import APP, SETTINGS, VOD
from tests.local.doctor.seeded_store import STORE, TIMERS

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from tests.local.doctor.patient import Patient

FAULTS = {**SETTINGS, **VOD, **APP, **STORE, **TIMERS, **FUNCTIONS, **CORS, **TOKENS, **PROBE}


@pytest.mark.parametrize("name", FAULTS)
def test_seeded_fault_is_named_with_the_right_advice(
    patient: Patient, store: redis.Redis, tmp_path: Path, name: str
) -> None:
    """Of all that is examined, what was seeded is found, and its advice says what to do."""
    seeded = FAULTS[name]
    with ExitStack() as parts:
        outcome = seeded.examined(patient, store, tmp_path / "store", parts)
    found = [finding for finding in outcome.named(seeded.check) if finding["level"] == seeded.level]

    assert outcome.code == (seeded.level == "fault")
    assert {seeded.advice in finding["advice"] for finding in found} == {True}
