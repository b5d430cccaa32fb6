"""`make bench` runs `python -m tests.bench`, for all kinds or those that are named."""

from __future__ import annotations

import argparse
import importlib
import sys

KINDS = ("cold", "warm", "load", "pull", "delivery", "growth", "scale")
"""What is measured by default: `cold` includes `counts`, and `soak` takes 20 minutes."""


def main() -> int:
    """Run the benches and return 1 if any misses its target."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("kind", nargs="*", choices=[*KINDS, "counts", "soak", "plots", []])
    faults: list[str] = []
    for kind in parser.parse_args().kind or (*KINDS, "plots"):
        faults += importlib.import_module(f"tests.bench.{kind}").measure()
        sys.stdout.write("\n")
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
