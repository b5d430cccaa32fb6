"""The share of mutants that a test notices, read from the results of `mutmut run`; `make mutation`.

pyproject.toml lists the mutated files and the tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

MUTANTS = Path("mutants/shared")
LEAST_SHARE = 0.959
_SURVIVED, _ASKED_NOBODY = 0, (None, 5, 33)
"""Exit codes of the tests: all passed; no test calls the changed line."""


def main() -> int:
    """Print the figures of each file and the survivors; return 1 if there are too many."""
    results = {
        str(path.relative_to(MUTANTS)).removesuffix(".meta"): json.loads(path.read_text("utf-8"))[
            "exit_code_by_key"
        ]
        for path in sorted(MUTANTS.rglob("*.meta"))
    }
    survivors = [
        mutant
        for codes in results.values()
        for mutant, code in codes.items()
        if code == _SURVIVED or code in _ASKED_NOBODY
    ]
    for mutant in survivors:
        sys.stdout.write(f"survived  {mutant}\n")
    for file, codes in results.items():
        left = sum(mutant in codes for mutant in survivors)
        sys.stdout.write(f"{file:28} {len(codes) - left:5} of {len(codes):5} noticed\n")
    total = sum(map(len, results.values()))
    share = 1 - len(survivors) / total if total else 0.0
    sys.stdout.write(f"{share:.1%} of {total} changes were noticed; at least {LEAST_SHARE:.0%} should be.\n")
    return int(share < LEAST_SHARE)


if __name__ == "__main__":
    sys.exit(main())
