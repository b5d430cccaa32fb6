"""Run all groups of checks at once, each independent of the others, within a deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from local.doctor.findings import CheckSkippedError, fault, skipped
from local.doctor.report import Report
from shared.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.doctor.findings import Check, Finding, Group

DEADLINE_SECONDS = 30.0
"""Every call has a time-out of its own; the deadline covers name servers and answers that trickle in."""


def examine(groups: Sequence[Group], *, deadline_seconds: float = DEADLINE_SECONDS) -> Report:
    """Run all checks and return their report, after the deadline at the latest.

    The keys of the report are the groups' names, in the given order.
    """
    found: list[list[Finding]] = [[] for _ in groups]
    # A thread that hangs must not keep the process from its end: hence daemons, and no executor.
    threads = [
        threading.Thread(target=_run, args=(group, findings), daemon=True, name=group.name)
        for group, findings in zip(groups, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + deadline_seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = fault(
        "time",
        f"the rest of these checks did not end within {deadline_seconds:g} s",
        "See whether names resolve, and what answers so slowly.",
    )
    return Report(
        {
            group.name: [*findings, *([late] if thread.is_alive() else [])]
            for group, findings, thread in zip(groups, found, threads, strict=True)
        }
    )


def _run(group: Group, findings: list[Finding]) -> None:
    for check in group.checks:
        _run_check(check, findings)


def _run_check(check: Check, findings: list[Finding]) -> None:
    try:
        # One by one, so that what was found before a failure is kept.
        findings.extend(check.run())
    except CheckSkippedError as error:
        findings.append(skipped(check.name, str(error)))
    except ServiceError as error:
        findings.append(fault(check.name, error.detail, "Look at what it names, and run this again."))
    except Exception as error:  # noqa: BLE001  # one check's bug must not hide what the others find
        name = type(error).__name__
        findings.append(fault(check.name, f"this check itself failed ({name})", "Report it: it is a bug."))
