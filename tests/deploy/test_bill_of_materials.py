"""The bill of materials that `make package` writes: CycloneDX, and of exactly what is in the packages."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from local.package.bill_of_materials import bill_of_materials, write_bill
from local.package.build import BUILD, library_wheels
from local.package.contents import LIBRARIES
from local.package.wheels import read_lock
from local.repository import REPOSITORY
from tests.deploy.zips import files_in

if TYPE_CHECKING:
    from pathlib import Path

    from local.package.build import Package

LICENCES = {
    "Apache 2",
    "Apache License 2.0",
    "Apache-2.0",
    "Apache-2.0 OR BSD-3-Clause",
    "BSD License",
    "BSD-3-Clause",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
}
"""Reviewed licences: a company may deploy the library, and owes at most the text, which is packaged."""


@pytest.fixture(scope="module")
def bill(packages: list[Package]) -> dict[str, Any]:
    """Return the bill of the packages that all tests share."""
    return bill_of_materials(packages, library_wheels(BUILD / "wheels"))


def test_bill_is_cyclonedx(bill: dict[str, Any]) -> None:
    """The bill is valid by the official schema, in its strict form (S45)."""
    validator = JsonStrictValidator(SchemaVersion.V1_6)

    assert validator.validate_str(json.dumps(bill)) is None
    assert validator.validate_str(json.dumps({**bill, "components": [{"name": "nameless"}]})) is not None


def test_bill_names_what_is_in_the_packages(bill: dict[str, Any], packages: list[Package]) -> None:
    """Every library of the lock that is packaged, in its locked version, and no other."""
    lock = read_lock((REPOSITORY / "requirements.txt").read_text(encoding="utf-8"))
    named = {library["name"]: library["version"] for library in bill["components"]}
    licensed = {
        name.split("/")[1]
        for package in packages
        for name in files_in(package)
        if name.startswith("licenses/")
    }

    assert named == {name: lock[name].version for name in frozenset().union(*LIBRARIES.values())}
    assert licensed == named.keys()
    assert all(
        library["hashes"][0]["content"] in lock[library["name"]].digests for library in bill["components"]
    )


def test_bill_names_what_is_compiled_into_a_library(bill: dict[str, Any]) -> None:
    """Two wheels bring their own list: their crates, and the OpenSSL in one of them."""
    compiled = {
        library["name"]: {part["name"] for part in library["components"]} for library in bill["components"]
    }

    assert {name for name, parts in compiled.items() if parts} == {"cryptography", "pydantic-core"}
    assert "pyo3" in compiled["cryptography"]
    assert any("openssl" in name.lower() for name in compiled["cryptography"])


def test_bill_tells_which_function_has_what(bill: dict[str, Any], packages: list[Package]) -> None:
    """Our licence, a function's zip by its digest, and the libraries that lie in it."""
    application = bill["metadata"]["component"]
    functions = application["components"]
    needs = {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]}

    assert application["licenses"] == [{"license": {"id": "MIT"}}]
    assert {function["name"]: function["hashes"][0]["content"] for function in functions} == {
        package.function: hashlib.sha256(package.archive.read_bytes()).hexdigest() for package in packages
    }
    assert {
        function: {place.removeprefix("pkg:pypi/").partition("@")[0] for place in places}
        for function, places in needs.items()
    } == LIBRARIES


def test_every_licence_was_looked_at(bill: dict[str, Any]) -> None:
    """A library under a licence that nobody has reviewed is not packaged."""
    told = {
        library["name"]: library["licenses"][0].get("expression") or library["licenses"][0]["license"]["name"]
        for library in bill["components"]
    }

    assert {name: licence for name, licence in told.items() if licence not in LICENCES} == {}


def test_same_packages_give_the_same_bill(packages: list[Package], tmp_path: Path) -> None:
    """Not a byte differs, so a bill can be compared; another zip gives another number."""
    wheels = library_wheels(BUILD / "wheels")
    (tmp_path / "second").mkdir()
    first, second = (write_bill(packages, wheels, folder) for folder in (tmp_path, tmp_path / "second"))
    fewer = bill_of_materials(packages[:1], wheels)

    assert first.read_bytes() == second.read_bytes()
    assert fewer["serialNumber"] != json.loads(first.read_text("utf-8"))["serialNumber"]
