"""The bill of materials of what was packaged, as CycloneDX 1.6: each function with its zip, each library.

It is reproducible: it holds no time, and its serial number is derived from its content.
"""

from __future__ import annotations

import hashlib
import json
import uuid
import zipfile
from email.parser import HeaderParser
from typing import TYPE_CHECKING

from local.package.contents import LIBRARIES, PackageError
from local.repository import project_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from email.message import Message
    from pathlib import Path

    from local.package.build import Package

FILE = "bill-of-materials.cdx.json"
_LONGEST_NAME_OF_A_LICENCE = 80
_NUMBERS = uuid.UUID("6f1f5a53-6f0c-5c4e-9a3b-2f4d5c1d7a10")
"""The namespace of the serial numbers; any fixed one would do."""

Component = dict[str, object]


def bill_of_materials(packages: Iterable[Package], wheels: Mapping[str, Path]) -> dict[str, object]:
    """Describe every packaged function and every library in it, which `wheels` were the source of.

    Raises:
        PackageError: a wheel does not name itself or its licence.

    """
    functions = [_function(package) for package in packages]
    needed = {name for package in packages for name in LIBRARIES[package.function]}
    libraries = [_library(name, wheels[name]) for name in sorted(needed)]
    places = {str(library["name"]): str(library["bom-ref"]) for library in libraries}
    content: dict[str, object] = {
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "vod-upload-functions",
                "name": "vod-upload-functions",
                "licenses": [{"license": {"id": project_field("license")}}],
                "components": functions,
            }
        },
        "components": libraries,
        "dependencies": [
            {
                "ref": package.function,
                "dependsOn": sorted(places[name] for name in LIBRARIES[package.function]),
            }
            for package in packages
        ],
    }
    number = uuid.uuid5(_NUMBERS, json.dumps(content, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        **content,
    }


def write_bill(packages: Iterable[Package], wheels: Mapping[str, Path], target: Path) -> Path:
    """Write the bill into the folder `target` and return its path."""
    file = target / FILE
    bill = bill_of_materials(list(packages), wheels)
    file.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def _function(package: Package) -> Component:
    return {
        "type": "application",
        "bom-ref": package.function,
        "name": package.function,
        "hashes": [_digest(package.archive)],
    }


def _library(name: str, wheel: Path) -> Component:
    metadata = _metadata(wheel)
    version = str(metadata["Version"])
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "licenses": [_licence(name, metadata)],
        "hashes": [_digest(wheel)],
        "components": _compiled_in(wheel),
    }


def _compiled_in(wheel: Path) -> list[Component]:
    """Return what a wheel declares to be compiled into it: its own bills of materials (PEP 770)."""
    found: dict[str, Component] = {}
    with zipfile.ZipFile(wheel) as archive:
        bills = [
            name for name in archive.namelist() if ".dist-info/sboms/" in name and name.endswith(".json")
        ]
        for bill in bills:
            for part in json.loads(archive.read(bill)).get("components", []):
                told = {name: part[name] for name in ("name", "version", "purl", "licenses") if name in part}
                key = f"{part['name']} {part.get('version', '')}"
                found[key] = {"type": part.get("type", "library"), **told}
    return [found[key] for key in sorted(found)]


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        places = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        if len(places) != 1:
            raise PackageError(f"{wheel.name} does not say what it is.")
        return HeaderParser().parsestr(archive.read(places[0]).decode("utf-8"))


def _licence(name: str, metadata: Message) -> Component:
    """Return the SPDX expression, or else the name in the older field or in the classifier."""
    if expression := metadata["License-Expression"]:
        return {"expression": expression}
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in metadata.get_all("Classifier", [])
        if text.startswith("License :: ")
    ]
    for told in (metadata["License"], *classifiers):
        if told and len(told) <= _LONGEST_NAME_OF_A_LICENCE and "\n" not in told:
            return {"license": {"name": told}}
    raise PackageError(f"{name} does not say under which licence it is.")


def _digest(file: Path) -> Component:
    return {"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}
