"""Fuzz one of the parsers for some time: `python -m tests.fuzz.fuzzing PARSER --seconds 300`.

With atheris the inputs are guided by coverage; without it the kept inputs are changed at random. `--keep`
adds inputs that increase coverage to the corpus.
"""

from __future__ import annotations

import argparse
import importlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 4096
MOST_NEW_BLOCKS = 50_000
"""How many more objects Python may hold than after the first runs; a leak per run would be far more."""
_SETTLED_AFTER_RUNS = 20_000


@dataclass
class Watched:
    """A parser's promises, checked together with Python's memory between two runs."""

    check: Callable[[bytes], None]
    runs: int = 0
    settled: int = field(default=0, repr=False)

    def __call__(self, given: bytes) -> None:
        """Check one input."""
        self.check(given)
        self.runs += 1
        if self.runs == _SETTLED_AFTER_RUNS:
            self.settled = sys.getallocatedblocks()
        if self.runs > _SETTLED_AFTER_RUNS and self.runs % 1000 == 0:
            assert sys.getallocatedblocks() - self.settled < MOST_NEW_BLOCKS, "memory grows"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz until the time is up or a promise is broken; a failing input is shown and stored in the folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.fuzzing", description=__doc__)
    parser.add_argument("parser", choices=[folder.name for folder in sorted(CORPUS.iterdir())])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--keep", action="store_true", help="add to the corpus what leads somewhere new")
    parser.add_argument("--told-in-full", action="store_true", help="show all that atheris says")
    words = list(sys.argv[1:] if arguments is None else arguments)
    wanted = parser.parse_args(words)
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        return _at_random(wanted.parser, wanted.seconds)
    if not wanted.told_in_full:
        return _told_in_a_line(wanted.parser, words)
    return _by_coverage(atheris, wanted.parser, wanted.seconds, keep=wanted.keep)


def _told_in_a_line(parser: str, words: Sequence[str]) -> int:
    """Fuzz in another process, and show its output only if a promise was broken."""
    command = [sys.executable, "-m", "tests.fuzz.fuzzing", *words, "--told-in-full"]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 -- this program
    runs = re.search(r"number_of_executed_units: (\d+)", run.stderr)
    if run.returncode != 0 or runs is None:
        sys.stderr.write(run.stderr)
        return run.returncode or 1
    sys.stdout.write(f"{parser}: {runs[1]} runs, guided by what the code does.\n")
    return 0


def _by_coverage(atheris: Any, parser: str, seconds: int, *, keep: bool) -> int:  # noqa: ANN401 -- it has no types
    with atheris.instrument_imports(include=["shared", "json", "urllib.parse", "tests.fuzz"]):
        parsers = importlib.import_module("tests.fuzz.parsers")
    with tempfile.TemporaryDirectory() as scratch:
        found, words = Path(scratch) / "found", Path(scratch) / "words"
        shutil.copytree(CORPUS / parser, found)
        words.write_text("".join(f"{_quoted(word)}\n" for word in parsers.words_of(parser)), encoding="ascii")
        options = [f"-max_total_time={seconds}", f"-dict={words}", f"-max_len={LONGEST}", "-rss_limit_mb=512"]
        options.append(f"-artifact_prefix={CORPUS.parent}/")
        folders = [str(CORPUS / parser)] if keep else [str(found)]
        watched = Watched(parsers.PARSERS[parser])
        atheris.Setup([sys.argv[0], "-print_final_stats=1", "-verbosity=0", *options, *folders], watched)
        atheris.Fuzz()  # ends the process, with a code other than 0 if a promise is broken
    return 0


def _at_random(parser: str, seconds: int) -> int:
    parsers = importlib.import_module("tests.fuzz.parsers")
    watched, randomness = Watched(parsers.PARSERS[parser]), random.Random(time.time_ns())  # noqa: S311 -- no secret
    kept = [path.read_bytes() for path in sorted((CORPUS / parser).iterdir())]
    words = [word.encode() for word in parsers.words_of(parser)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        given = changed_at_random(randomness.choice(kept), words, randomness)[:LONGEST]
        try:
            watched(given)
        except BaseException:
            sys.stderr.write(f"{parser} breaks a promise for {given!r}\n")
            raise
    sys.stdout.write(f"{parser}: {watched.runs} runs by luck, without atheris.\n")
    return 0


def changed_at_random(given: bytes, words: Sequence[bytes], randomness: random.Random) -> bytes:
    """Replace a few pieces of an input by words, random bytes, or their own repetition."""
    changed = bytearray(given)
    for _ in range(randomness.randint(1, 6)):
        start = randomness.randint(0, len(changed))
        end = min(len(changed), start + randomness.choice((0, 1, 2, 8, 64)))
        noise, again = randomness.randbytes(randomness.randint(0, 4)), bytes(given[start:end]) * 2
        piece = randomness.choice((randomness.choice(words), noise, again))
        changed[start:end] = piece
    return bytes(changed)


HOSTILE: list[object] = [None, True, -1, 1.5, 2**63, 2**70, 10**400, "", "\ud800", "\x00\r\n", "x" * 100_000]
HOSTILE += [
    [],
    [None],
    {},
    {"": {}},
    {"a": None},
    [{"Type": []}, {"Type": "Transcode", "TranscodeTask": []}, 7],
]
"""What may stand in an event where anything else was expected."""


def changed_json(node: Any, luck: random.Random) -> Any:  # noqa: ANN401 -- any JSON value
    """Copy a JSON value with some part replaced by a hostile one, or left out."""
    if not isinstance(node, dict | list) or not node or luck.random() < 0.1:
        return luck.choice([*HOSTILE, node, {"a": [node]}])
    if isinstance(node, list):
        return [changed_json(item, luck) if luck.random() < 0.5 else item for item in node]
    name = luck.choice(list(node))
    if luck.random() < 0.1:
        return {other: value for other, value in node.items() if other != name}
    return {**node, name: changed_json(node[name], luck)}


def _quoted(word: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


if __name__ == "__main__":
    sys.exit(main())
