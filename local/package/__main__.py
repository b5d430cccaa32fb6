"""`python -m local.package`: build the packages, and print the size of each."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from local.package.bill_of_materials import write_bill
from local.package.build import BUILD, build_packages, library_wheels
from local.package.contents import PackageError
from local.package.measure import measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from local.package.build import Package

MEGABYTE = 1 << 20
LARGEST: Mapping[str, float] = {"upload_signature": 8.0}
LARGEST_OTHER = 12.0
"""Budgets of the zips in megabytes; the smaller one because users wait for a signature."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, and return the exit code: 0 done, 1 a fault."""
    parser = argparse.ArgumentParser(prog="python -m local.package", description=__doc__)
    parser.parse_args(arguments)
    try:
        faults = _build()
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


def _build() -> list[str]:
    packages = build_packages()
    bill = write_bill(packages, library_wheels(BUILD / "wheels"), BUILD)
    sys.stdout.write(_table(packages))
    sys.stdout.write(
        f"\nThe packages are in {BUILD.name}/functions, the same as zips in {BUILD.name}/zips.\n"
        f"What is in them, with licences and digests, is in {BUILD.name}/{bill.name} (CycloneDX).\n"
    )
    return too_large(packages)


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
