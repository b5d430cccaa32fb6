"""Work out what a deployment of so many instances carries: uploads, events, deliveries, store, memory, cost.

The measured figures are those of docs/performance.md, which `make bench` produces; everything else is an
option, and the table shows with which value. It prints Markdown, or JSON. Exit code: 0 done, 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

from local.operator.capacity import Assumed, document, read_measured, report
from local.operator.number_arguments import number, whole_number
from local.repository import REPOSITORY
from local.terminal_text import fitted_markdown

if TYPE_CHECKING:
    import argparse

PERFORMANCE = REPOSITORY / "docs" / "performance.md"
INSTANCES = (50, 250, 500)
"""By default: a small share, and what a region's quota allows of 256 MB (doc 583/11637)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare an option for each assumption."""
    parser.add_argument(
        "--instances",
        type=whole_number(1, 1_000_000),
        nargs="+",
        default=list(INSTANCES),
        metavar="N",
        help="of all functions together; a column for each (default %(default)s)",
    )
    for it in fields(Assumed):
        parser.add_argument(
            f"--{it.name.replace('_', '-')}",
            type=number(1e-6, 1e9),
            default=it.default,
            metavar="NUMBER",
            help=f"{it.metadata['meaning']} (default %(default)s)",
        )
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")


def main(arguments: argparse.Namespace) -> int:
    """Print the two tables."""
    assumed = Assumed(**{it.name: getattr(arguments, it.name) for it in fields(Assumed)})
    measured = read_measured(PERFORMANCE.read_text(encoding="utf-8"))
    if arguments.json:
        sys.stdout.write(json.dumps(document(measured, assumed, arguments.instances), indent=2) + "\n")
    else:
        sys.stdout.write(fitted_markdown(report(measured, assumed, arguments.instances)))
    return 0
