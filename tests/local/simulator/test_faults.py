"""The fault dial by itself: which rule strikes when, and how rules are parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.simulator.fault_kinds import KINDS
from local.simulator.fault_rules import dial_as_json, read_faults, read_rules, read_short_form
from local.simulator.faults import Fault, FaultDial
from local.simulator.switches import SwitchBoard, Switches


def test_rule_strikes_as_often_as_it_says() -> None:
    """A rule is used up after its times, and the next one for that action follows."""
    dial = FaultDial()
    dial.set([Fault("Push", "drop", times=2), Fault("Push", "corrupt")])
    struck = [dial.strike("Push") for _ in range(4)]

    assert [fault.kind if fault else None for fault in struck] == ["drop", "drop", "corrupt", None]
    assert dial.present == ()


def test_rule_leaves_other_actions_alone() -> None:
    """A rule does not affect other actions."""
    dial = FaultDial()
    dial.set([Fault("UploadPart", "error")])

    assert dial.strike("PutObject") is None
    assert dial.strike("") is None


def test_same_seed_strikes_the_same() -> None:
    """A run with probabilities can be repeated, and another seed makes another run."""
    runs = [_run(seed) for seed in (7, 7, 8)]

    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert 20 < sum(runs[0]) < 80


def test_what_happens_between_does_not_change_a_repeated_run() -> None:
    """Each action draws from a sequence of its own, because actions never interleave twice alike."""
    assert _run(7) == _run(7, between="UploadPart")


def test_probability_of_nothing_and_of_certainty() -> None:
    """0 never strikes, 1 always does."""
    dial = FaultDial()
    dial.set([Fault("Push", "drop", probability=0), Fault("Push", "corrupt", probability=1)])

    assert {"corrupt"} == {fault.kind for fault in (dial.strike("Push") for _ in range(50)) if fault}


def test_dial_can_be_set_to_what_it_shows() -> None:
    """What GET answers is what PUT takes, strikes and all."""
    rules = [
        {"action": "Push", "kind": "reorder", "probability": 0.5, "seconds": 3},
        {"action": "Receiver", "kind": "error", "times": 2, "status": 429, "retryAfter": 30},
        {"action": "ApplyUploadUGC", "kind": "refuse", "times": 1, "code": "10004"},
    ]
    dial, copy = FaultDial(), FaultDial()
    faults, seed = read_rules({"seed": 7, "faults": rules})
    dial.set(faults, seed=seed)
    dial.strike("Receiver")
    shown: Any = json.loads(json.dumps(dial_as_json(dial, SwitchBoard(Switches()))))
    faults, seed = read_rules(shown)
    copy.set(faults, seed=seed)

    assert [rule.pop("struck") for rule in shown["faults"]] == [0, 1, 0]
    assert (shown["seed"], shown["faults"]) == (7, rules)
    assert dial.strikes[2] == copy.strikes[2]
    assert dial.seed == copy.seed


def test_every_kind_of_every_action_can_be_set() -> None:
    """The table of kinds holds no rule that cannot be written."""
    rules = [{"action": action, "kind": kind} for action, kinds in KINDS.items() for kind in kinds]
    found = [fault for rule in rules for fault in read_faults([rule])]

    assert [(rule["action"], rule["kind"]) for rule in rules] == [
        (fault.action, fault.kind) for fault in found
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Push:duplicate", Fault("Push", "duplicate")),
        ("Push:duplicate:0.2", Fault("Push", "duplicate", probability=0.2)),
        ("Push:drop:3", Fault("Push", "drop", times=3)),
        ("Push:drop:1.0", Fault("Push", "drop", probability=1)),
        ("Push:delay:2:seconds=3", Fault("Push", "delay", times=2, seconds=3)),
        ("Push:reorder", Fault("Push", "reorder", seconds=10)),
        ("Receiver:500:2", Fault("Receiver", "error", times=2, status=500)),
        ("Receiver:429:retryAfter=30", Fault("Receiver", "error", status=429, retry_after=30)),
        ("Receiver:307", Fault("Receiver", "redirect", status=307)),
        ("Receiver:redirect", Fault("Receiver", "redirect", status=302)),
        ("ConfirmEvents:refuse", Fault("ConfirmEvents", "refuse")),
        (
            "SearchMedia:refuse:code=RequestLimitExceeded",
            Fault("SearchMedia", "refuse", code="RequestLimitExceeded"),
        ),
        ("CommitUploadUGC:refuse", Fault("CommitUploadUGC", "refuse", code="10001")),
        ("CommitUploadUGC:refuse:code=10010", Fault("CommitUploadUGC", "refuse", code="10010")),
    ],
)
def test_short_form_says_the_same(text: str, fault: Fault) -> None:
    """A rule fits into one word of a command line."""
    assert fault == read_short_form(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", 'there is no action ""'),
        ("Pull:drop", 'there is no action "Pull"; there are Push, '),
        ("Push", 'Push has no kind ""; it has '),
        ("Push:explode", 'Push has no kind "explode"; it has slow, '),
        ("Push:expire", 'Push has no kind "expire"'),
        ("Push:500", 'Push:error has no member "status"'),
        ("Push:drop:0", "times: 0 is no whole number from 1 to 1000"),
        ("Push:drop:-1", "times: -1 is no whole number"),
        ("Push:drop:often", 'times: "often" is no whole number'),
        ("Push:drop:1.5", "probability: 1.5 is no number from 0 to 1"),
        ("Push:drop:probability=nan", 'probability: "nan" is no number'),
        ("Push:drop:.", 'probability: "." is no number'),
        ("Push:drop:2:0.5", "either times or probability"),
        ("Push:delay:seconds=601", "seconds: 601 is no number from 0 to 600"),
        ("Push:drop:seconds=1", 'Push:drop has no member "seconds"'),
        ("Receiver:302:status=500", "status: 500 is no status of a redirect"),
        ("UploadPart:error:status=404", "status: 404 is no status from 500 to 599"),
        ("Receiver:error:status=200", "status: 200 is no status from 400 to 599"),
        ("SearchMedia:refuse:code=no such", 'code: "no such" is no error code of the server API'),
        ("CommitUploadUGC:refuse:code=X", 'code: "X" is no error code of the upload calls'),
        ("Push:" + "9" * 5000, "Push has no kind"),
        ("Push:drop:" + "9" * 5000, "times: "),
    ],
)
def test_wrong_short_form_is_one_sentence(text: str, sentence: str) -> None:
    """Whoever mistypes a rule is told what is wrong with it."""
    with pytest.raises(ValueError, match=r"\.$") as refusal:
        read_short_form(text)

    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 800


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"faults": None},
        {"faults": {}},
        {"faults": [None]},
        {"faults": [[]]},
        {"faults": [{"action": ["Push"], "kind": "drop"}]},
        {"faults": [{"action": "Push", "kind": {"drop": 1}}]},
        {"faults": [{"action": "Push", "kind": "drop", "times": True}]},
        {"faults": [{"action": "Push", "kind": "drop", "probability": "0.5"}]},
        {"faults": [{"action": "Push", "kind": "drop", "probability": float("nan")}]},
        {"faults": [{"action": "Receiver", "kind": "error", "retryAfter": 1.5}]},
        {"faults": [{"action": "Push", "kind": "drop"}] * 101},
        {"faults": [], "seed": "7"},
        {"faults": [], "seed": True},
        {"faults": [], "sead": 7},
    ],
)
def test_wrong_document_is_one_sentence(document: dict[str, object]) -> None:
    """Hostile or mistyped, a setting of the dial is refused with a sentence and nothing else."""
    with pytest.raises(ValueError, match=r"\.$"):
        read_rules(document)


def _run(seed: int, *, between: str = "") -> list[bool]:
    dial = FaultDial()
    dial.set(
        [Fault("Push", "drop", probability=0.3), Fault("UploadPart", "error", probability=0.5)], seed=seed
    )
    struck = []
    for _ in range(100):
        struck.append(dial.strike("Push") is not None)
        dial.strike(between)
    return struck
