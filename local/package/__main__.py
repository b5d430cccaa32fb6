"""`python -m local.package`: build the packages if they are not those of this code, and print their sizes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.__main__ import Parser, exit_code_of
from local.package.bill_of_materials import FILE, write_bill
from local.package.build import BUILD, build_packages, library_wheels, package_at
from local.package.contents import LIBRARIES, PackageError
from local.package.last_build import note_build, noted_table
from local.package.measure import measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from local.package.build import Package

MEGABYTE = 1 << 20
LARGEST: Mapping[str, float] = {"upload_signature": 8.0}
LARGEST_OTHER = 12.0
"""Budgets of the zips in megabytes; the smaller one because users wait for a signature."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, and return the exit code: 0 done, 1 a fault."""
    parser = Parser(prog="python -m local.package", description=__doc__)
    parser.parse_args(arguments)
    return exit_code_of(_build)


def _build() -> int:
    try:
        table = build(BUILD)
        faults = too_large(package_at(BUILD, function) for function in LIBRARIES)
        sys.stdout.write(
            f"{table}\nThe packages are in {BUILD.name}/functions, the same as zips in {BUILD.name}/zips.\n"
            f"What is in them, with licences and digests, is in {BUILD.name}/{FILE} (CycloneDX).\n"
        )
    except PackageError as error:
        faults = [str(error)]
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def too_large(packages: Iterable[Package]) -> list[str]:
    """Return a sentence for each package that exceeds its budget."""
    faults = []
    for package in packages:
        budget = LARGEST.get(package.function, LARGEST_OTHER)
        if package.zipped_size > budget * MEGABYTE:
            size = package.zipped_size / MEGABYTE
            faults.append(f"{package.archive.name} has {size:.2f} MB, and {budget:.0f} MB are its budget.")
    return faults


def build(target: Path) -> str:
    """Build the packages and their bill of materials below `target`; return a table of their sizes.

    Nothing is built where the packages of this code already are.

    Raises:
        MissingToolError, PackageError: as `build_packages`.

    """
    table = noted_table(target)
    if table is None or not (target / FILE).is_file():
        packages = build_packages(target)
        write_bill(packages, library_wheels(BUILD / "wheels"), target)
        table = _table(packages)
        note_build(target, table)
    return table


def _table(packages: Iterable[Package]) -> str:
    lines = [
        "| Function | Zip | Unpacked | Modules at start | Cold import |",
        "|---|---|---|---|---|",
    ]
    for package in packages:
        start = measure(package)
        modules, seconds = ("", "") if start is None else (start.modules, f"{start.seconds * 1000:.0f} ms")
        sizes = f"{package.zipped_size / MEGABYTE:.1f} MB | {package.unpacked_size / MEGABYTE:.1f} MB"
        lines.append(f"| `{package.function}` | {sizes} | {modules} | {seconds} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
