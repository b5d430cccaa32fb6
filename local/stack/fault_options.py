"""The options of `python -m local serve` for fault injection and for the simulator's switches.

`local.simulator.fault_rules` parses the rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from local.operator.number_arguments import whole_number
from local.simulator.fault_rules import read_rules, read_short_form
from local.simulator.switches import Switches, read_switch, read_switches
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
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=POSITION",
        help="how the simulated VOD answers what is not documented, such as repeatedApply=accept; "
        "may be given again",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, 10**18 - 1),
        metavar="N",
        help="makes a run with probabilities repeatable",
    )


def faults_of(arguments: argparse.Namespace) -> tuple[list[Fault], int | None]:
    """Return the rules, those of the file first, and the seed; the option overrides the file's.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    kept = _kept_dial(arguments.faults)
    rules, seed = read_rules(kept) if "faults" in kept else ([], None)
    rules += [read_short_form(text) for text in arguments.fault]
    return rules, seed if arguments.seed is None else arguments.seed


def switches_of(arguments: argparse.Namespace) -> Switches:
    """Return the switches of the file, overridden by the options.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    positions = read_switches(_kept_dial(arguments.faults).get("switches"))
    for text in arguments.switch:
        positions |= read_switch(text)
    return Switches().turned(positions)


def _kept_dial(file: Path | None) -> dict[str, object]:
    if file is None:
        return {}
    try:
        return read_object(file.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8.") from None
    except ServiceError as error:
        raise ValueError(f"{file}: {error.detail}") from None
