"""The options of `python -m local serve` for fault injection.

`local.simulator.fault_rules` parses the rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from local.simulator.fault_rules import read_rules, read_short_form
from shared.errors import ServiceError
from shared.vod.lenient_json import read_object

if TYPE_CHECKING:
    import argparse

    from local.simulator.faults import Fault


def add_fault_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="rules of the fault dial, as PUT /local/faults takes them"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="ACTION:KIND[:HOW_OFTEN]",
        help="one rule more, such as Push:duplicate:0.2 (a probability), Receiver:500:2 (two times) "
        "or Push:delay:1:seconds=3; may be given again",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="makes a run with probabilities repeatable")


def faults_of(arguments: argparse.Namespace) -> tuple[list[Fault], int | None]:
    """Return the rules, those of the file first, and the seed; the option overrides the file's.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    rules, seed = ([], None) if arguments.faults is None else _kept_rules(arguments.faults)
    rules += [read_short_form(text) for text in arguments.fault]
    return rules, seed if arguments.seed is None else arguments.seed


def _kept_rules(file: Path) -> tuple[list[Fault], int | None]:
    try:
        return read_rules(read_object(file.read_text("utf-8")))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8.") from None
    except ServiceError as error:
        raise ValueError(f"{file}: {error.detail}") from None
