from __future__ import annotations

import itertools
import json
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.repository import REPOSITORY
from tests.fuzz.fuzzing import CORPUS, Watched, changed_at_random, changed_json
from tests.fuzz.parsers import PARSERS, words_of

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = sorted((REPOSITORY / "tests" / "samples" / "vod").glob("*/*.json"))
KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_kept_input_keeps_the_promises(path: Path) -> None:
    """Inputs that once increased coverage or broke a promise are checked at every change (S19, S28)."""
    PARSERS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("parser", PARSERS)
def test_changed_inputs_keep_the_promises(parser: str) -> None:
    """A thousand inputs derived from the kept ones, the same at every run; `make fuzz` runs for minutes."""
    randomness = random.Random(20_261_125)  # noqa: S311 -- no secret
    kept = [path.read_bytes() for path in KEPT if path.parent.name == parser]
    words = [word.encode() for word in words_of(parser)]

    for _ in range(1000):
        PARSERS[parser](changed_at_random(randomness.choice(kept), words, randomness))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_sample_may_hold_anything(path: Path) -> None:
    """Any node of a real event may be missing or something else: the event is parsed all the same (S28)."""
    luck = random.Random(path.stem)  # noqa: S311  # no secret
    body = json.loads(path.read_bytes())

    for _ in range(40):
        changed = body
        for _ in range(luck.randint(1, 3)):
            changed = changed_json(changed, luck)
        PARSERS["notification"](json.dumps(changed).encode())


def test_every_parser_has_a_corpus_that_is_small() -> None:
    """Each parser has initial inputs, which together are smaller than a picture."""
    assert {path.parent.name for path in KEPT} == PARSERS.keys()
    assert sum(path.stat().st_size for path in KEPT) < 200_000


def test_fuzzing_ends_in_time_and_says_what_it_did() -> None:
    """One second, guided by coverage where there is atheris and at random elsewhere."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.fuzzing", "context_token", "--seconds", "1"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )

    assert re.fullmatch(r"context_token: \d+ runs(, guided| by luck).*\n", run.stdout)


def test_memory_that_grows_is_noticed() -> None:
    """A parser that retains something of every input fails."""
    kept: list[list[bytes]] = []

    def keeps_everything(given: bytes) -> None:
        kept.extend([[given], [given], [given]])

    watched = Watched(keeps_everything)
    with pytest.raises(AssertionError, match="memory grows"):
        list(map(watched, itertools.repeat(b"x", 60_000)))
