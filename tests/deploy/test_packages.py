"""What is in a package, and what is not."""

from __future__ import annotations

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.package.__main__ import MEGABYTE, too_large
from local.package.archive import read_folder
from local.package.build import BUILD, files_of, package_at
from local.package.contents import (
    LIBRARIES,
    NEVER_IMPORTED,
    PackageError,
    folder_of,
    place_in_package,
)
from local.package.interpreter import runtime_python
from local.package.licence_texts import KEPT_TEXTS, OWN_LICENCE, kept_texts, require_text
from local.package.shared_object import without_symbol_tables
from local.repository import REPOSITORY
from tests.deploy.filled_example import SECRET
from tests.deploy.zips import files_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.package.build import Package


def test_other_clone_of_other_habits_gives_the_same_bytes(packages: list[Package], tmp_path: Path) -> None:
    """What was tested is what is deployed: same code and same lock, same zips and folders.

    The build does not depend on path, umask, language, time zone, hash seed or secrets, and runs no program
    but Python.
    """
    clone = tmp_path / "ein Klon mit Ümlaut"
    for name in ("functions", "shared", "local"):
        shutil.copytree(REPOSITORY / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.txt", "LICENSE"):
        shutil.copy(REPOSITORY / name, clone)
    for secret in (".env", ".env.prod", "shared/.env", "functions/.env.prod", "shared/notes.txt"):
        (clone / secret).write_text(f"VOD_SECRET_KEY={SECRET}\n")
    program = (
        "import os, sys, pathlib; os.umask(0o077)\n"
        "from local.package.build import build_packages\n"
        "build_packages(wheels=pathlib.Path(sys.argv[1]))"
    )
    habits = {
        "PATH": str(tmp_path / "no tools"),
        "PYTHONHASHSEED": "4242",
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Pacific/Auckland",
        "VOD_SECRET_KEY": SECRET,
        "PYTHONPYCACHEPREFIX": str(tmp_path / "pycache"),
        "SOURCE_DATE_EPOCH": "1",
    }
    subprocess.run(  # noqa: S603  # our own build
        [sys.executable, "-c", program, str(BUILD / "wheels")],
        cwd=clone,
        env={**os.environ, **habits},
        check=True,
    )

    for package in packages:
        other = package_at(clone / "build", package.function)
        assert other.archive.read_bytes() == package.archive.read_bytes(), package.function
        assert read_folder(other.folder) == read_folder(package.folder), package.function


def test_folder_and_zip_hold_the_same(packages: list[Package]) -> None:
    """The command line packs the folder; what is tested from the zip is what is in it."""
    assert [read_folder(package.folder) for package in packages] == [
        files_in(package) for package in packages
    ]


def test_zip_tells_nothing_of_when_and_by_whom_it_was_made(packages: list[Package]) -> None:
    """Sorted entries, one date, one mode."""
    for package in packages:
        entries = zipfile.ZipFile(package.archive).infolist()

        assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}


def test_package_has_its_function_at_the_root_and_no_other(packages: list[Package]) -> None:
    """SCF finds `file.function` at the root alone, and a function does not carry its neighbours."""
    functions = {f"{package.function}.py" for package in packages}

    assert sorted(LIBRARIES) == sorted(path.stem for path in (REPOSITORY / "functions").glob("*.py"))
    for package in packages:
        assert functions & files_in(package).keys() == {f"{package.function}.py"}


def test_packages_stay_within_their_budgets(packages: list[Package]) -> None:
    """Every byte is fetched by every cold start: 8 MB for the signature, 12 MB for the others."""
    assert too_large(packages) == []


@pytest.mark.parametrize(
    ("function", "megabytes", "sentence"),
    [
        ("upload_signature", 8, None),
        ("upload_signature", 8.01, "upload-signature.zip has 8.01 MB, and 8 MB are its budget."),
        ("event_delivery", 12, None),
        ("event_delivery", 12.5, "event-delivery.zip has 12.50 MB, and 12 MB are its budget."),
    ],
)
def test_package_over_its_budget_is_named(
    tmp_path: Path, function: str, megabytes: float, sentence: str | None
) -> None:
    """The build fails then, before anybody waits for it."""
    package = package_at(tmp_path, function)
    package.archive.parent.mkdir()
    package.archive.write_bytes(bytes(int(megabytes * MEGABYTE)))

    assert too_large([package]) == ([sentence] if sentence else [])


def test_deployment_guide_states_the_sizes(packages: list[Package]) -> None:
    """The table there is what `make package` prints, but for what little the code has grown since."""
    guide = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8").partition("## Packages")[2]
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) MB \| ([\d.]+) MB \|", guide, re.MULTILINE)
    told = {function: [float(zipped), float(unpacked)] for function, zipped, unpacked in rows}

    assert told == {
        package.function: pytest.approx(
            [package.zipped_size / MEGABYTE, package.unpacked_size / MEGABYTE], rel=0.05
        )
        for package in packages
    }


def test_signature_package_knows_nothing_of_the_vod_api(packages: list[Package]) -> None:
    """Issuing signatures does not call VOD, so neither the SDK nor its HTTP library is packaged."""
    (package,) = [package for package in packages if package.function == "upload_signature"]
    roots = {name.partition("/")[0] for name in files_in(package)}

    assert {"tencentcloud", "requests", "urllib3", "certifi"} & roots == set()


def test_package_holds_no_file_of_another_purpose(packages: list[Package]) -> None:
    """No tests, types, tools, metadata or settings."""
    unwanted = re.compile(
        r"(^|/)(tests?|test_[^/]*|conftest[^/]*|pip|setuptools|bin|[^/]*\.(dist|egg)-info|\.[^/]*)(/|$)"
        r"|\.(pyi|typed|h|c|js|toml|yml|lock|md\.py)$|mypy"
    )
    for package in packages:
        assert [name for name in files_in(package) if unwanted.search(name)] == []


def test_package_does_not_name_the_machine_that_made_it(packages: list[Package]) -> None:
    """No path of this machine stands in a file, not even in bytecode."""
    traces = [str(REPOSITORY), f"{Path.home()}/", str(packages[0].folder.parent), ".pyenv", "/tmp/"]  # noqa: S108  # looked for, not used
    for package in packages:
        ours = {name: content for name, content in files_in(package).items() if not name.endswith(".so")}

        assert [name for name, content in ours.items() for trace in traces if trace.encode() in content] == []


def imports_in(source: bytes) -> Iterator[str]:
    """Yield every module of `shared/` that a source imports, late and type-only imports included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "shared":
            yield from (f"shared/{alias.name}.py" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared."):
            place = str(node.module).replace(".", "/")
            names = [f"{place}/{alias.name}" for alias in node.names]
            yield from (f"{name}.py" for name in (place, *names) if (REPOSITORY / f"{name}.py").is_file())


def test_everything_of_shared_that_is_imported_is_there(packages: list[Package]) -> None:
    """What only operators use stays at home, and nothing deployed asks for it."""
    for package in packages:
        files = files_in(package)
        asked = {
            name for file, source in files.items() if file.endswith(".py") for name in imports_in(source)
        }

        assert asked - files.keys() == set()
        assert not any(name.startswith("local/") for name in files)


def test_licence_of_every_library_comes_along(packages: list[Package]) -> None:
    """Each package holds our licence, and the text of each library's, whatever its wheel brings."""
    for package in packages:
        files = files_in(package)

        assert files[OWN_LICENCE] == (REPOSITORY / "LICENSE").read_bytes()
        for library in LIBRARIES[package.function]:
            require_text(library, files)
            assert kept_texts(library).items() <= files.items()


@pytest.mark.parametrize(
    "places", [[], ["redis/client.py", "licenses/cffi/LICENSE"], ["licenses/redis/COPYING.part"]]
)
def test_library_without_a_licence_text_stops_the_build(places: list[str]) -> None:
    """The text of another library, or of a part compiled in, is not the library's own."""
    with pytest.raises(PackageError, match="The wheel of redis brings no licence text"):
        require_text("redis", places)


def test_source_of_every_kept_licence_text_is_named() -> None:
    """The table beside the texts that wheels lack has one row for each."""
    kept = {path.relative_to(KEPT_TEXTS).as_posix() for path in KEPT_TEXTS.glob("*/*")}
    table = (KEPT_TEXTS / "README.md").read_text(encoding="utf-8")

    assert kept == set(re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE))


def test_what_is_left_out_is_really_brought_by_a_wheel(packages: list[Package]) -> None:
    """Every entry of the list of omitted files matches a file of a wheel."""
    assert packages
    names = [
        name for wheel in (BUILD / "wheels").glob("*/*.whl") for name in zipfile.ZipFile(wheel).namelist()
    ]

    assert [
        left_out for left_out in NEVER_IMPORTED if not any(name.startswith(left_out) for name in names)
    ] == []


@pytest.mark.parametrize("function", LIBRARIES)
def test_folder_of_a_function_occurs_in_no_other_path(packages: list[Package], function: str) -> None:
    """The deploying component looks for the name anywhere in a path, and would take the file along."""
    others = [package for package in packages if package.function != function]
    paths = [f"{folder_of(package.function)}/{name}" for package in others for name in files_in(package)]

    assert [path for path in paths if folder_of(function) in path] == []


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("redis/client.py", "redis/client.py"),
        ("redis/client.pyi", None),
        ("redis/py.typed", None),
        ("redis/tests/client.py", None),
        ("redis/test_client.py", None),
        ("redis/testing.py", "redis/testing.py"),
        ("redis/multidb/client.py", None),
        ("charset_normalizer/cli/__main__.py", None),
        ("redis-8.1.0.dist-info/METADATA", None),
        ("redis-8.1.0.dist-info/LICENSE.txt", "licenses/redis/LICENSE.txt"),
        ("redis-8.1.0.dist-info/licenses/NOTICE", "licenses/redis/NOTICE"),
    ],
)
def test_file_of_a_wheel_has_its_place_or_none(name: str, place: str | None) -> None:
    """What is executed and what licences require is packaged, and nothing else."""
    assert place == place_in_package(name, "redis")


@pytest.mark.parametrize("name", ["redis/commands.lua", "redis-8.1.0.data/scripts/tool"])
def test_file_that_nobody_decided_on_stops_the_build(name: str) -> None:
    """A file of an undecided kind in a new version fails the build."""
    with pytest.raises(PackageError, match="redis brings"):
        place_in_package(name, "redis")


def test_content_that_is_no_shared_object_is_left_alone() -> None:
    """Only what the loader's own format says can be cut is cut."""
    assert without_symbol_tables(b"\x7fELF\x01\x01 of 32 bits") == b"\x7fELF\x01\x01 of 32 bits"


def test_long_setting_is_packaged_for_the_functions_that_read_it() -> None:
    """A file of `settings/` may hold a secret, and goes where its setting goes."""
    files = {
        "settings/upload_policies.prod.json": b"",
        "settings/callback_tokens.json": b"",
        "shared/a.py": b"",
    }
    packaged = {function: files_of(function, files).keys() - {"shared/a.py"} for function in LIBRARIES}

    assert {function: names for function, names in packaged.items() if names} == {
        "upload_signature": {"settings/upload_policies.prod.json"},
        "event_notification": {"settings/callback_tokens.json"},
    }


def test_long_setting_is_read_where_the_package_is_unpacked(packages: list[Package], tmp_path: Path) -> None:
    """The runtime's Python finds it beside the code, with nothing else to import from."""
    shutil.copytree(packages[0].folder, tmp_path / "user")
    (tmp_path / "user" / "settings").mkdir()
    (tmp_path / "user" / "settings" / "jwt_jwks_url.json").write_text("https://login.example.test/keys\n")
    program = (
        "from shared.config.settings import CallerSettings, load_settings\n"
        "joined = {'OPTIONAL_SETTINGS': 'JWT_JWKS_URL=file:jwt_jwks_url.json'}\n"
        "print(load_settings(CallerSettings, joined).jwt_jwks_url)"
    )
    run = subprocess.run(  # noqa: S603  # the interpreter we found
        [runtime_python(), "-s", "-S", "-c", program],
        env={"PYTHONPATH": str(tmp_path / "user"), "PYTHONDONTWRITEBYTECODE": "x"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout.strip(), run.stderr) == ("https://login.example.test/keys", "")
