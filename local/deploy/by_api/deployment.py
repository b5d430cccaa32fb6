"""`make deploy VIA=api` and `make rollback`: the plan, its execution, and what is printed about both."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.deploy.by_api.errors import DeploymentError
from local.deploy.by_api.reconcile import carry_out, plan
from local.deploy.by_api.report import plan_json, plan_table
from local.deploy.by_api.rollback import releases_of, roll_back
from local.deploy.by_api.wanted import LIVE, wanted_release
from local.deploy.by_api.ways import changed_urls, refusal
from local.deploy.confirmation import confirm, told
from local.package.build import BUILD

if TYPE_CHECKING:
    from pathlib import Path

    from local.deploy.by_api.reconcile import Plan
    from local.deploy.opened_stage import OpenedStage


@dataclass(frozen=True)
class Choices:
    """What was asked for: to see the plan alone, as JSON, and whether URLs may change."""

    plan_only: bool = False
    as_json: bool = False
    change_urls: bool = False


def deploy_by_api(opened: OpenedStage, choices: Choices, *, build: Path = BUILD) -> list[str]:
    """Print the plan, carry it out, and print what came of it; return a sentence for each fault.

    Raises:
        PackageError: the file has something that this way of deploying does not know.

    """
    release = wanted_release(opened.file, opened.values, opened.name, build, opened.bucket)
    try:
        planned = plan(opened.calls, release, opened.values["TENCENT_SECRET_KEY"].encode())
        lines = changed_urls(planned.triggers, LIVE, planned.changes)
        if choices.as_json:
            sys.stdout.write(plan_json(planned, release.name, opened.name))
        else:
            sys.stdout.write(plan_table(planned, release.name))
        sys.stdout.flush()
        refused = [] if choices.change_urls else refusal(lines, "api")
        if refused or choices.plan_only:
            return refused
        if planned.changes:
            carry_out(opened.calls, release, opened.values, sys.stderr.write)
    except DeploymentError as error:
        return [_sentence(error)]
    return _confirmed(opened, planned, choices)


def roll_back_by_api(opened: OpenedStage, to: str) -> list[str]:
    """Move every alias to a release, or print the releases if none is named; return the faults.

    Raises:
        PackageError: there is no such release.

    """
    try:
        releases = releases_of(opened.calls, opened.function_names)
        if not to:
            sys.stdout.write(releases.table())
            return []
        roll_back(opened.calls, releases, to, sys.stderr.write)
        sys.stdout.write(releases_of(opened.calls, opened.function_names).table())
    except DeploymentError as error:
        return [_sentence(error)]
    return []


def _confirmed(opened: OpenedStage, planned: Plan, choices: Choices) -> list[str]:
    table, faults = confirm(opened, LIVE)
    out = sys.stderr if choices.as_json else sys.stdout
    out.write(table)
    for key, listed in planned.triggers.items():
        for it in listed:
            if it.url and it.qualifier != LIVE:
                out.write(
                    f"{key} has another URL, of {it.qualifier}: {it.url}; delete it when nobody calls it.\n"
                )
    return faults


def _sentence(error: DeploymentError) -> str:
    return f"{error.key}: {told(error.refused, error.key)} What was done stays; run it again to go on."
