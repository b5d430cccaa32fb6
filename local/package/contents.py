"""What a function's package holds: its own file, `shared/` without the models, the libraries it imports.

A function carries no library that it never imports, because a cold start fetches and unpacks every byte; a
test compares each list with what real invocations import.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLUSTERS = frozenset({"async-timeout", "redis", "typing-extensions"})
_EVERYWHERE = _CLUSTERS | {"hiredis", "pydantic-core"}
_USERS_TOKENS = frozenset({"cffi", "cryptography", "pyjwt"})
_VOD_API = frozenset(
    {"certifi", "charset-normalizer", "idna", "requests", "tencentcloud-sdk-python-common", "urllib3"}
)
_EVENTS = _EVERYWHERE | _VOD_API

LIBRARIES: Mapping[str, frozenset[str]] = {
    "upload_signature": _EVERYWHERE | _USERS_TOKENS,
    "upload_status": _EVERYWHERE | _USERS_TOKENS,
    "event_notification": _EVENTS,
    "reliable_notification": _EVENTS,
    "event_delivery": _EVENTS,
}
"""Function -> the distributions of `requirements.txt` in its package."""

FOR_CLUSTERS = _CLUSTERS
"""What is imported only where REDIS_URL names a cluster, or has options that only redis-py knows."""

FOR_PUBLIC_KEYS = _USERS_TOKENS
"""Imported only where users' tokens are signed with a private key."""

NEVER_IMPORTED: Mapping[str, str] = {
    "cffi/": "cryptography imports its compiled part alone, which lies beside this folder",
    "charset_normalizer/cli/": "a command",
    "jwt/help.py": "a command",
    "redis/asyncio/http/": "asks the health of a store that is not ours",
    "redis/asyncio/multidb/": "several stores at once",
    "redis/commands/bf/": "commands of modules of the store that we do not use, imported when they are",
    "redis/commands/json/": "as those of bf",
    "redis/commands/search/": "as those of bf",
    "redis/commands/timeseries/": "as those of bf",
    "redis/commands/vectorset/": "as those of bf",
    "redis/http/": "as that of asyncio",
    "redis/multidb/": "as that of asyncio",
    "urllib3/contrib/emscripten/": "for Python in a browser",
    "urllib3/contrib/socks.py": "needs PySocks, and requests does without both",
}
"""Files of the wheels that are not packaged, with the reason; a trailing slash marks a folder."""

CUSTOM_RUNTIME = Path(__file__).parent / "custom_runtime"
"""What starts a function where the runtime is CustomRuntime."""

BOOTSTRAP = "bootstrap"
"""The program that CustomRuntime executes; it has to be executable (doc 583/47274)."""

OWN_SUFFIXES = (".json", ".lua", ".py")
"""The files of `shared/` that are packaged, by the end of their name."""

NOT_DEPLOYED = "shared/schema/models/"
"""Our own part that no package has: the pydantic models, of which `compiled.json` is made."""

_TESTS = re.compile(r"tests?|test_.*")
_KEPT_SUFFIXES = frozenset({".pem", ".py", ".so"})
_DROPPED_SUFFIXES = frozenset({".cfg", ".h", ".js", ".pyi", ".typed"})
_LICENCE_NAMES = ("AUTHORS", "COPYING", "LICENCE", "LICENSE", "NOTICE")


class PackageError(Exception):
    """The package cannot be built; the message is a sentence that says what to do."""


class MissingToolError(PackageError):
    """The runtime's Python is not on this machine, or no index has the wheels."""


def folder_of(function: str) -> str:
    """Return the name of the folder of a function's package.

    It has hyphens, because the deploying component searches for the name anywhere in the path of a file (seen
    in its public source): no file of ours has a hyphen in its name, while `shared/vod/signature.py` is in
    every package.
    """
    return function.replace("_", "-")


def place_in_package(name: str, distribution: str) -> str | None:
    """Return the path of a wheel's file in the package; None if it is not packaged.

    Licences go to `licenses/`, because a `.dist-info` folder without its metadata would be half a
    distribution.

    Raises:
        PackageError: the file is of an undecided kind.

    """
    path = PurePosixPath(name)
    folder = path.parts[0]
    if folder.endswith(".dist-info"):
        is_licence = path.parts[1] == "licenses" or path.name.startswith(_LICENCE_NAMES)
        return f"licenses/{distribution}/{path.name}" if is_licence else None
    if folder.endswith(".data"):
        raise PackageError(f"{distribution} brings {name}: a wheel with such a folder has to be installed.")
    is_left_out = any(
        name.startswith(left_out) if left_out.endswith("/") else name == left_out
        for left_out in NEVER_IMPORTED
    )
    if is_left_out or path.suffix in _DROPPED_SUFFIXES or path.name == "py.typed":
        return None
    if any(_TESTS.fullmatch(part) for part in path.parts):
        return None
    if path.suffix not in _KEPT_SUFFIXES:
        raise PackageError(f"{distribution} brings {name}: decide in contents.py whether it is deployed.")
    return name
