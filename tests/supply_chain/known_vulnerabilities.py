"""Check the locked packages for known vulnerabilities: `make audit`.

pip-audit asks by version. An index that knows only the newest version of each package answers "not found" for
others; for a package locked at its newest version, its page is read instead. Packages that could not be
checked are named: an audit that checked nothing must not look like one that found nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from pip._internal.models.index import PyPI  # the index that pip-audit asks

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOCKS = (REPOSITORY / "requirements.txt", *sorted((REPOSITORY / "requirements").glob("*.txt")))
_SECONDS = 20
_AT_ONCE = 4


@dataclass(frozen=True)
class Audited:
    """One locked package; `vulnerabilities` are their ids, None if it could not be checked."""

    name: str
    version: str
    vulnerabilities: tuple[str, ...] | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result; return 1 for a vulnerability, or with --complete for an unchecked package."""
    parser = argparse.ArgumentParser(prog="python -m tests.supply_chain.known_vulnerabilities")
    parser.add_argument("--complete", action="store_true", help="fail if a package could not be asked about")
    wanted = parser.parse_args(arguments)
    audited = audit(LOCKS)
    unknown = [package for package in audited if package.vulnerabilities is None]
    vulnerable = [package for package in audited if package.vulnerabilities]
    sys.stdout.write(report(audited))
    return int(bool(vulnerable) or (wanted.complete and bool(unknown)))


def audit(locks: Iterable[Path]) -> list[Audited]:
    """Check every package of these locks."""
    files = [word for lock in locks for word in ("-r", str(lock))]
    run = subprocess.run(  # noqa: S603 -- a tool of ours, and files of ours
        [
            *(str(Path(sys.executable).with_name("pip-audit")), *files, "--disable-pip", "--require-hashes"),
            *("--progress-spinner", "off", "--format", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        told = json.loads(run.stdout)["dependencies"]
    except ValueError:
        told = []  # without a network it says nothing that can be read: each is asked about below
    by_version = {
        entry["name"]: Audited(
            entry["name"], entry["version"], tuple(fault["id"] for fault in entry["vulns"])
        )
        for entry in told
        if "vulns" in entry
    }
    pins = dict(pin for lock in locks for pin in _pins(lock))
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        others = [pin for pin in sorted(pins.items()) if pin[0] not in by_version]
        return [*by_version.values(), *threads.map(lambda pin: _at_newest_version(*pin), others)]


def report(audited: Sequence[Audited]) -> str:
    """Format what was found, and what could not be checked."""
    unknown = [f"{package.name} {package.version}" for package in audited if package.vulnerabilities is None]
    lines = [
        f"VULNERABLE  {package.name} {package.version}: {', '.join(package.vulnerabilities)}"
        for package in audited
        if package.vulnerabilities
    ]
    asked = len(audited) - len(unknown)
    if not asked:
        lines.append("NOTHING WAS AUDITED: no index that knows of vulnerabilities can be reached from here.")
    else:
        lines.append(
            f"{asked} of {len(audited)} locked packages were asked about, {len(lines)} are vulnerable."
        )
    if asked and unknown:
        lines.append(f"Not asked about, because the index does not know this version: {', '.join(unknown)}.")
    return "\n".join(lines) + "\n"


def _at_newest_version(name: str, version: str) -> Audited:
    try:
        answer = requests.get(f"{PyPI.pypi_url}/{name}/json", timeout=_SECONDS)
        page = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError):
        page = {}
    if page.get("info", {}).get("version") != version or "vulnerabilities" not in page:
        return Audited(name, version, None)
    found = tuple(str(fault["id"]) for fault in page["vulnerabilities"] if not fault.get("withdrawn"))
    return Audited(name, version, found)


def _pins(lock: Path) -> Iterable[tuple[str, str]]:
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, separator, rest = line.partition("==")
        if separator and not line.startswith((" ", "#")):
            yield name.partition("[")[0], rest.split()[0]


if __name__ == "__main__":
    sys.exit(main())
