"""The workflows of GitHub Actions: what they may do, what they run, and that docs/ci.md says the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.deploy import deployment
from local.deploy.checks import check
from local.package import runtime
from local.repository import REPOSITORY
from tests.test_repository import make_targets, text_of

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
DEPLOY = yaml.safe_load(text_of(".github/workflows/deploy.yml"))
PAGE = text_of("docs/ci.md")
SECRET = re.compile(r"secrets\.(\w+)")
MAKE = re.compile(r"\bmake ([a-z-]+)")
_IMPORT_ALONE = """\
import sys
from importlib.metadata import distributions

roots = {True: set(), False: set()}
for found in distributions():
    is_there = found.metadata["Name"].lower().replace("_", "-") in sys.argv[1:]
    roots[is_there] |= {file.parts[0].partition(".")[0] for file in found.files or ()}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in roots[False] - roots[True] - {"local", "tests"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import local.deploy.__main__, local.package.__main__
print("imported")
"""


def steps_of(job: str) -> list[dict[str, Any]]:
    """Return the steps of a job of the workflow that deploys."""
    return list(DEPLOY["jobs"][job]["steps"])


def commands_of(job: str) -> list[str]:
    """Return what a job runs, in order."""
    return [step["run"] for step in steps_of(job) if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """A tag can be moved to other code; the version beside the commit is for people."""
    uses = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))

    assert uses
    assert [it for it in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", it)] == []


def test_workflows_use_one_version_of_an_action() -> None:
    """What is updated is updated everywhere."""
    uses = {use for path in WORKFLOWS for use in re.findall(r"uses: (.+)", path.read_text("utf-8"))}

    assert len(uses) == len({use.partition("@")[0] for use in uses})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_may_only_read(path: Path) -> None:
    """The token of a run cannot change the repository."""
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}


def test_pull_request_is_checked_without_secrets() -> None:
    """The job that runs the code of a pull request has none to lose, and deploys nothing."""
    assert SECRET.findall(yaml.safe_dump(DEPLOY["jobs"]["check"])) == []
    assert "environment" not in DEPLOY["jobs"]["check"]
    assert [found for command in commands_of("check") for found in MAKE.findall(command)] == [
        "package",
        "check-deploy",
    ]


def test_tag_alone_deploys_and_only_after_the_check() -> None:
    """A push of a branch and a pull request never reach the job with the secrets."""
    job = DEPLOY["jobs"]["deploy"]
    # YAML 1.1 reads the key `on` as true.
    triggers = DEPLOY[True]

    assert triggers == {"pull_request": None, "push": {"tags": ["v*"]}}
    assert (job["if"], job["needs"]) == ("github.ref_type == 'tag'", "check")
    assert job["environment"] == "production"
    assert commands_of("deploy")[-1] == "make deploy STAGE=prod"


def test_every_job_ends_in_time() -> None:
    """The CLI can wait for ever, and deployments run one after the other."""
    assert {name: job["timeout-minutes"] for name, job in DEPLOY["jobs"].items()} == {
        "check": 15,
        "deploy": 20,
    }
    assert "ends after 20 minutes" in PAGE


def test_jobs_run_the_python_and_the_cli_that_deploy() -> None:
    """The oldest supported Python builds the packages, and the CLI is the one that `make deploy` asks for."""
    versions = [
        step["with"]["python-version"]
        for job in DEPLOY["jobs"]
        for step in steps_of(job)
        if "python" in step.get("uses", "")
    ]

    assert versions == [runtime.VERSION] * 2
    assert commands_of("deploy")[0] in deployment.INSTALL


def test_invented_settings_pass_the_check(tmp_path: Path) -> None:
    """The command of the workflow writes settings with which nothing stands in the way but the packages."""
    (command,) = [it for it in commands_of("check") if it.startswith("python -c")]
    (tmp_path / "serverless.yml").write_bytes((REPOSITORY / "serverless.yml").read_bytes())
    python = str(Path(sys.executable).parent)
    subprocess.run(  # noqa: S603  # the workflow's own command
        ["bash", "-euc", command],  # noqa: S607  # whichever is installed
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": f"{python}:{os.environ['PATH']}"},
        check=True,
    )
    faults = check("invented", repository=tmp_path, build=tmp_path / "build", environment={})

    assert [fault for fault in faults if "no package" not in fault] == []


def test_settings_of_the_stage_are_written_for_nobody_else(tmp_path: Path) -> None:
    """The secret becomes the file that the deployment reads, as it is, readable by its owner alone."""
    (command,) = [it for it in commands_of("deploy") if ".env.prod" in it]
    text = 'REDIS_URL=redis://:p%20w@10.0.0.1\nUPLOAD_POLICIES={"default": {}}'
    subprocess.run(  # noqa: S603  # the workflow's own command
        ["bash", "-euc", command],  # noqa: S607  # whichever is installed
        cwd=tmp_path,
        env={**os.environ, "SETTINGS": text},
        check=True,
    )

    assert (tmp_path / ".env.prod").read_text(encoding="utf-8") == f"{text}\n"
    assert (tmp_path / ".env.prod").stat().st_mode & 0o077 == 0


def test_commands_of_page_and_workflows_exist() -> None:
    """Every `make` word can be typed, and the page shows what the workflow runs."""
    run = {
        target for job in DEPLOY["jobs"] for command in commands_of(job) for target in MAKE.findall(command)
    }
    shown = set(re.findall(r"`make ([a-z-]+)", PAGE))

    assert run <= shown <= make_targets()


def test_what_deploys_is_installed_without_the_tools_for_tests() -> None:
    """The three commands need two locks, and the page counts what is in them."""
    makefile = text_of("Makefile")
    rules = dict(
        re.findall(
            r"^(\$\(PACKAGE_READY\)|package|check-deploy|deploy): (.*?)(?: ##| \|)", makefile, re.MULTILINE
        )
    )
    locks = [text_of("requirements.txt"), text_of("requirements/package.txt")]
    pins = {name for lock in locks for name in re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", lock, re.MULTILINE)}

    assert rules == {
        "$(PACKAGE_READY)": "requirements.txt requirements/package.txt",
        "package": "$(PACKAGE_READY)",
        "check-deploy": "$(PACKAGE_READY)",
        "deploy": "package",
    }
    assert f": {len(pins)} packages.\n" in PAGE


def test_commands_run_with_what_is_installed_for_them() -> None:
    """`make package`, `check-deploy` and `deploy` import nothing that only tests or the local stack have."""
    locks = text_of("requirements.txt") + text_of("requirements/package.txt")
    pins = re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", locks, re.MULTILINE)
    run = subprocess.run(  # noqa: S603  # our own modules
        [sys.executable, "-c", _IMPORT_ALONE, *pins],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stderr == ""
    assert run.stdout == "imported\n"


def test_page_names_the_secrets() -> None:
    """What has to be set up is what the workflow reads."""
    table = PAGE.partition("| Secret |")[2].partition("\n\n")[0]
    named = {
        name
        for cell in re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }

    assert named == set(SECRET.findall(yaml.safe_dump(DEPLOY)))
