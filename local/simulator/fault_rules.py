"""Parse the rules of the fault dial: from JSON, and from the short form of the command line.

    {"seed": 7, "faults": [{"action": "Push", "kind": "duplicate", "probability": 0.2},
                           {"action": "Receiver", "kind": "error", "status": 429, "retryAfter": 30}]}
    Push:duplicate:0.2      Receiver:500:2      Push:delay:1:seconds=3

`faults` describes what a rule does.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from local.simulator.fault_kinds import KINDS, UPLOAD_CALLS
from local.simulator.faults import Fault
from local.simulator.switches import read_switches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.simulator.faults import FaultDial
    from local.simulator.switches import SwitchBoard

_MOST_RULES = 100
_MOST_TIMES = 1000
_MOST_SECONDS = 600
_LONGEST_RETRY_AFTER = 7 * 86_400
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # Long enough to be overtaken: task flows report after seconds.
    "reorder": {"seconds": 10.0},
    "redirect": {"status": 302},
}
_SERVER_ERRORS, _ANY_ERRORS, _REDIRECTS = range(500, 600), range(400, 600), (301, 302, 303, 307, 308)
_UPLOAD_CODE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_API_CODE = re.compile(r"[A-Z][A-Za-z]{0,63}(?:\.[A-Z][A-Za-z0-9]{0,63})?", re.ASCII)
_INVALID_REQUEST = "10001"
_WRITTEN_AS = {"retryAfter": "retry_after"}


def read_rules(document: Mapping[str, object]) -> tuple[list[Fault], int | None]:
    """Parse a whole setting of the dial: its rules, and its seed if it names one.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    for name in document.keys() - {"seed", "faults", "switches"}:
        raise ValueError(f"{_shown(name)} is no part of the dial: it has `faults`, `seed` and `switches`.")
    seed = document.get("seed")
    if seed is not None and not _is_integer(seed):
        raise ValueError(f"seed: {_shown(seed)} is no whole number.")
    return read_faults(document.get("faults")), cast("int | None", seed)


def read_faults(value: object) -> list[Fault]:
    """Parse rules from JSON.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    if not isinstance(value, list) or len(value) > _MOST_RULES:
        raise ValueError(f"faults: a list of at most {_MOST_RULES} rules is expected.")
    return [_fault(item, place=f"faults[{position}]: ") for position, item in enumerate(value)]


def read_short_form(text: str) -> Fault:
    """Parse ACTION:KIND[:HOW_OFTEN][:MEMBER=VALUE]...; a status may stand for the kind that answers it.

    HOW_OFTEN is a probability if it has a point, else a number of times.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    action, _, rest = text.partition(":")
    kind, *parts = rest.split(":")
    rule: dict[str, object] = {"action": action, "kind": kind}
    if re.fullmatch(r"[345][0-9]{2}", kind, re.ASCII):
        rule.update(kind="redirect" if kind.startswith("3") else "error", status=int(kind))
    for part in parts:
        name, is_member, value = part.rpartition("=")
        if not is_member:
            name = "probability" if "." in value else "times"
        rule[name] = value if name == "code" else _number(value)
    return _fault(rule, place=f"{_shown(text)}: ")


def set_dial(document: Mapping[str, object], dial: FaultDial, switches: SwitchBoard) -> None:
    """Replace the rules and turn the switches, all or nothing; without `faults` the rules stay.

    Raises:
        ValueError: the message is a sentence on what is wrong.

    """
    positions = read_switches(document.get("switches"))
    if "faults" in document or not positions:
        rules, seed = read_rules(document)
        dial.set(rules, seed=seed)
    switches.turn(positions)


def dial_as_json(dial: FaultDial, switches: SwitchBoard) -> dict[str, object]:
    """Return the setting, in the form that sets it, and how often each rule struck."""
    rules = [{**rule_as_json(fault), "struck": struck} for fault, struck in dial.strikes]
    return {"seed": dial.seed, "faults": rules, "switches": switches.present.as_json()}


def rule_as_json(fault: Fault) -> dict[str, object]:
    """Return one rule, with the members that matter to its kind."""
    how_often = {"times": fault.times} if fault.probability is None else {"probability": fault.probability}
    members = {name: getattr(fault, _WRITTEN_AS.get(name, name)) for name in _members(fault)}
    given = {name: value for name, value in sorted(members.items()) if value is not None}
    return {"action": fault.action, "kind": fault.kind, **how_often, **given}


def _fault(item: object, *, place: str) -> Fault:
    rule = {name: value for name, value in item.items() if name != "struck"} if isinstance(item, dict) else {}
    problem = _problem(rule)
    if problem is not None:
        raise ValueError(place + problem)
    defaults = dict(_DEFAULTS.get(rule["kind"], {}))
    if rule["kind"] == "refuse" and rule["action"] in UPLOAD_CALLS:
        defaults["code"] = _INVALID_REQUEST
    return Fault(**{**defaults, **{_WRITTEN_AS.get(name, name): value for name, value in rule.items()}})


def _problem(rule: Mapping[str, object]) -> str | None:
    """Return a sentence on what is wrong with a rule, or None."""
    action, kind = rule.get("action"), rule.get("kind")
    if not isinstance(action, str) or action not in KINDS:
        return f"there is no action {_shown(action)}; there are {', '.join(KINDS)}."
    if not isinstance(kind, str) or kind not in KINDS[action]:
        return f"{action} has no kind {_shown(kind)}; it has {', '.join(KINDS[action])}."
    if "times" in rule and "probability" in rule:
        return "a rule has either times or probability."
    for name, value in rule.items():
        if name not in {"action", "kind", "times", "probability"} | KINDS[action][kind]:
            return f"{action}:{kind} has no member {_shown(name)}."
        reason = _objection(action, kind, name, value)
        if reason is not None:
            return f"{name}: {_shown(value)} is no {reason}."
    return None


def _objection(action: str, kind: str, name: str, value: object) -> str | None:
    """Return what a member should have been, or None if it is acceptable."""
    if name in {"probability", "seconds"}:
        most = 1 if name == "probability" else _MOST_SECONDS
        fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
        return None if fits else f"number from 0 to {most}"
    if name in {"times", "retryAfter"}:
        least, most = (1, _MOST_TIMES) if name == "times" else (0, _LONGEST_RETRY_AFTER)
        fits = _is_integer(value) and least <= cast("int", value) <= most
        return None if fits else f"whole number from {least} to {most}"
    if name == "status":
        return _status_objection(action, kind, value)
    if name == "code":
        pattern, words = _API_CODE, "error code of the server API, such as RequestLimitExceeded"
        if action in UPLOAD_CALLS:
            pattern, words = _UPLOAD_CODE, 'error code of the upload calls, such as "10004"'
        return None if isinstance(value, str) and pattern.fullmatch(value) else words
    return None


def _status_objection(action: str, kind: str, value: object) -> str | None:
    if kind == "redirect":
        return None if _is_integer(value) and value in _REDIRECTS else "status of a redirect"
    errors = _ANY_ERRORS if action == "Receiver" else _SERVER_ERRORS
    fits = _is_integer(value) and value in errors
    return None if fits else f"status from {errors.start} to {errors.stop - 1}"


def _members(fault: Fault) -> frozenset[str]:
    return KINDS.get(fault.action, {}).get(fault.kind, frozenset())


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(text: str) -> object:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _shown(value: object) -> str:
    """Quote a value on one line, shortened."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  # a line's worth
