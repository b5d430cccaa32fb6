"""The rules of this house: who may import whom, and what the files beside the code must say."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

import shared.settings
from local.import_rules import Rule, code_lines
from local.repository import REPOSITORY
from shared.settings import SettingsGroup

if TYPE_CHECKING:
    from pathlib import Path

ROOMS = {
    "core": frozenset(
        {
            "app_event",
            "base64url",
            "client_network",
            "deny_list",
            "errors",
            "event_notification",
            "field_types",
            "file_limits",
            "hs256_token",
            "http_message",
            "journal_scripts",
            "model",
            "notification_legacy",
            "notification_v3",
            "notification_values",
            "policy_claims",
            "public_address",
            "retry_schedule",
            "separate_keys",
            "setting_values",
            "settings",
            "signature_inspection",
            "upload_answer",
            "upload_context",
            "upload_id",
            "upload_limits",
            "upload_policy",
            "upload_record",
            "upload_scripts",
            "upload_session",
            "upload_signature",
            "wire_json",
        }
    ),
    "adapter": frozenset(
        {
            "app_webhook",
            "authentication",
            "backlog_store",
            "deny_store",
            "endpoint_store",
            "invocation_record",
            "journal_store",
            "key_set",
            "operator_store",
            "outbound_address",
            "redis_wire",
            "store",
            "store_connection",
            "timed_connection",
            "upload_store",
            "vod_api",
        }
    ),
    "flow": frozenset(
        {
            "arrival",
            "delivery",
            "delivery_round",
            "intake",
            "issuing",
            "pulling",
            "read_back",
            "reconciliation",
        }
    ),
    "edge": frozenset({"bootstrap", "invocation", "log"}),
}
"""Every file of shared/ by its kind; a new one belongs to none until it is entered here."""

PURE_LIBRARIES = frozenset(
    {
        "__future__",
        "base64",
        "binascii",
        "collections",
        "contextlib",
        "cryptography",
        "dataclasses",
        "datetime",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "hmac",
        "ipaddress",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "types",
        "typing",
        "typing_extensions",
        "urllib.parse",
        "zlib",
    }
)
DRIVERS: dict[str, frozenset[str]] = {
    "app_webhook": frozenset({"email.message", "http.client", "ssl"}),
    "authentication": frozenset({"jwt"}),
    "backlog_store": frozenset({"redis"}),
    "deny_store": frozenset(),
    "endpoint_store": frozenset({"redis"}),
    "invocation_record": frozenset({"contextvars", "time"}),
    "journal_store": frozenset({"redis"}),
    "key_set": frozenset({"http.client", "jwt", "ssl", "threading"}),
    "operator_store": frozenset({"redis"}),
    "outbound_address": frozenset({"socket"}),
    "redis_wire": frozenset({"select", "socket", "ssl"}),
    "store": frozenset(),
    "store_connection": frozenset({"concurrent", "redis"}),
    "timed_connection": frozenset({"socket", "threading"}),
    "upload_store": frozenset({"redis"}),
    "vod_api": frozenset({"tencentcloud"}),
}
NEIGHBOURS = {
    "app_webhook": frozenset({"invocation_record", "outbound_address", "timed_connection"}),
    "authentication": frozenset({"key_set"}),
    "backlog_store": frozenset({"store_connection"}),
    "deny_store": frozenset({"store_connection"}),
    "endpoint_store": frozenset({"store_connection"}),
    "journal_store": frozenset({"store_connection"}),
    "key_set": frozenset({"outbound_address", "timed_connection"}),
    "operator_store": frozenset({"endpoint_store", "journal_store", "store_connection"}),
    "store": frozenset(
        {"backlog_store", "endpoint_store", "journal_store", "store_connection", "upload_store"}
    ),
    "store_connection": frozenset({"invocation_record", "redis_wire"}),
    "upload_store": frozenset({"deny_store", "store_connection"}),
    "vod_api": frozenset({"invocation_record"}),
}
"""The adapters that stand on others."""

MAX_FUNCTION_LINES = 60
SHARED_FILES = sorted((REPOSITORY / "shared").glob("*.py"))
FUNCTION_FILES = sorted((REPOSITORY / "functions").glob("*.py"))
LOCKS = sorted(REPOSITORY.glob("requirements*.txt"))

PLATFORM_SETTINGS = frozenset(
    {
        "SCF_FUNCTIONNAME",
        "TENCENTCLOUD_RUNENV",
        "TENCENTCLOUD_SECRETID",
        "TENCENTCLOUD_SECRETKEY",
        "TENCENTCLOUD_SESSIONTOKEN",
    }
)
"""Set by SCF itself; nobody configures them."""
DEPLOYER_SETTINGS = frozenset({"TENCENT_SECRET_ID", "TENCENT_SECRET_KEY"})
"""Read by the Serverless CLI itself."""


def kind_of(room: str) -> str:
    """Look a file of shared/ up in the table."""
    return next(kind for kind, rooms in ROOMS.items() if room in rooms)


def rule_for(room: str) -> Rule:
    """Spell out who may import what, for one file of shared/."""
    core, kind = named(ROOMS["core"]), kind_of(room)
    if kind == "core":
        return Rule(PURE_LIBRARIES, core)
    if kind == "adapter":
        return Rule(PURE_LIBRARIES | DRIVERS[room], core | named(NEIGHBOURS.get(room, frozenset())))
    if kind == "flow":
        return Rule(PURE_LIBRARIES, core | named(ROOMS["flow"]), types_of=named(ROOMS["adapter"]))
    return Rule(None, frozenset({"shared"}))


def named(rooms: frozenset[str]) -> frozenset[str]:
    """Give rooms their full names."""
    return frozenset(f"shared.{room}" for room in rooms)


FUNCTION_RULE = Rule(PURE_LIBRARIES, frozenset({"shared"}))


def text_of(name: str) -> str:
    """Read a file at the root; one that is missing fails the test."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def setting_names() -> set[str]:
    """Collect every variable that some group of settings reads."""
    groups = [kind for kind in vars(shared.settings).values() if isinstance(kind, type)]
    return {
        str(field.alias)
        for group in groups
        if issubclass(group, SettingsGroup)
        for field in group.model_fields.values()
    }


def make_targets() -> set[str]:
    """Collect what a bare `make` lists."""
    return set(re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.MULTILINE))


def test_every_file_of_shared_is_of_exactly_one_kind() -> None:
    """A file that the table does not name obeys no rule, so it may not exist; nor a name without a file."""
    entered = sorted(room for rooms in ROOMS.values() for room in rooms)

    assert entered == [path.stem for path in SHARED_FILES if path.stem != "__init__"]
    assert ROOMS["adapter"] == DRIVERS.keys()


@pytest.mark.parametrize(
    "path", [path for path in SHARED_FILES if path.stem != "__init__"], ids=lambda path: path.stem
)
def test_shared_file_imports_what_its_kind_may(path: Path) -> None:
    """The core reaches nothing outside, an adapter its one driver; nothing looks up to functions/ (S29)."""
    breaches = rule_for(path.stem).breaches(path.read_text(encoding="utf-8"))

    assert breaches == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("upload_signature", "import os"),
        ("upload_signature", "import time"),
        ("upload_signature", "import random"),
        ("upload_signature", "from secrets import randbelow"),
        ("upload_signature", "import logging"),
        ("upload_signature", "import urllib.request"),
        ("upload_signature", "from urllib import request"),
        ("upload_signature", "import urllib"),
        ("upload_signature", "import redis.exceptions"),
        ("upload_signature", "import hashlib, socket"),
        ("upload_signature", "def late():\n    import os"),
        ("upload_signature", "if TYPE_CHECKING:\n    from shared.store import Store"),
        ("upload_signature", "from shared.bootstrap import now"),
        ("upload_signature", "from shared import bootstrap"),
        ("upload_signature", "from shared import *"),
        ("upload_signature", "import shared"),
        ("upload_signature", "from functions.upload_status import main_handler"),
        ("upload_signature", "import local.stack"),
        ("upload_signature", "import tests"),
        ("upload_signature", "from . import errors"),
        ("upload_signature", "from .errors import Fault"),
        ("upload_signature", "now = datetime.datetime.now(tz=utc)"),
        ("upload_signature", "now = datetime.utcnow()"),
        ("upload_signature", "today = date.today()"),
        ("upload_signature", "text = open('key').read()"),
        ("upload_signature", "os = __import__('os')"),
        ("upload_signature", "print('here')"),
        ("store_connection", "import urllib3"),
        ("store_connection", "import os"),
        ("store", "import redis"),
        ("store", "from shared.vod_api import VodApi"),
        ("store", "from shared.intake import take_in"),
        ("vod_api", "import redis"),
        ("authentication", "import time"),
        ("intake", "import redis"),
        ("intake", "import time"),
        ("intake", "from shared.store import connect"),
        ("intake", "from shared import store"),
        ("intake", "import shared.vod_api"),
        ("bootstrap", "from functions import upload_signature"),
        ("bootstrap", "import local"),
        ("log", "from ..local import stack"),
    ],
)
def test_breach_of_the_import_rules_is_found(room: str, source: str) -> None:
    """The checker bites: each way around a rule is named with its line."""
    breaches = rule_for(room).breaches(f"from __future__ import annotations\n{source}\n")

    assert len(breaches) == 1
    assert breaches[0].startswith(("line 2: ", "line 3: "))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        (
            "upload_signature",
            "import hmac\nfrom collections.abc import Mapping\nfrom urllib.parse import quote",
        ),
        ("upload_signature", "from urllib import parse"),
        (
            "upload_signature",
            "from shared import errors\nfrom shared.errors import Fault\nimport shared.errors",
        ),
        ("upload_signature", "at = datetime.fromtimestamp(0, tz=timezone.utc)\nnow = runtime.now()"),
        ("upload_store", "import redis\nfrom redis.retry import Retry\nfrom shared.errors import Fault"),
        ("intake", "from shared.store import Store\nfrom shared.delivery import deliver"),
        ("bootstrap", "import os, time, secrets\nfrom shared.store import connect\nprint(open('/dev/null'))"),
    ],
)
def test_import_within_the_rules_passes(room: str, source: str) -> None:
    """The checker does not bark at what a file of that kind needs."""
    breaches = rule_for(room).breaches(source)

    assert breaches == []


@pytest.mark.parametrize("path", FUNCTION_FILES, ids=lambda path: path.stem)
def test_function_file_is_a_thin_edge_over_shared(path: Path) -> None:
    """A function file imports from shared/ alone, is short, and has the handler that SCF calls."""
    source = path.read_text(encoding="utf-8")

    handlers = [
        [argument.arg.lstrip("_") for argument in node.args.args]
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "main_handler"
    ]

    assert FUNCTION_RULE.breaches(source) == []
    assert handlers == [["event", "context"]]
    assert code_lines(source) <= MAX_FUNCTION_LINES


@pytest.mark.parametrize(
    "source",
    [
        "from functions.upload_status import main_handler",
        "import upload_status",
        "import redis",
        "import os",
        "import time",
        "from local import stack",
        "now = datetime.now(tz=utc)",
    ],
)
def test_breach_in_a_function_file_is_found(source: str) -> None:
    """A function reaches neither its neighbours nor a driver, the clock or the environment."""
    breaches = FUNCTION_RULE.breaches(source)

    assert len(breaches) == 1


def test_code_lines_are_those_a_reader_must_understand() -> None:
    """Blank lines, comments and docstrings are free; every line of a long call counts."""
    source = (
        '"""Two\nlines."""\n\n# Why.\nx = f(\n    1,\n)\n\n\ndef g():\n    """One."""\n    return x  # so\n'
    )

    lines = code_lines(source)

    assert lines == 5


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_lock_pins_every_package_by_digest(path: Path) -> None:
    """What is installed is what was reviewed: one version each, known by its SHA-256, from any index."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    requirements = text.replace("\\\n", " ").splitlines()

    assert requirements
    assert [line for line in requirements if not re.match(r"[a-z0-9-]+(\[[a-z-]+\])?==\S+ ", line)] == []
    assert [line for line in requirements if "--hash=sha256:" not in line] == []
    assert re.findall(r"https?://\S+|file:\S+|--(?:extra-)?index-url|--find-links|@ /", text) == []


def test_locks_agree_with_each_other() -> None:
    """A package that two locks name has one version, so that tests run what is deployed."""
    pins = [
        re.findall(r"^([a-z0-9-]+)(?:\[[a-z]+\])?==(\S+)", path.read_text("utf-8"), re.MULTILINE)
        for path in LOCKS
    ]

    versions: dict[str, set[str]] = {}
    for package, version in (pin for lock in pins for pin in lock):
        versions.setdefault(package, set()).add(version)

    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_env_example_names_every_setting_once_and_gives_no_value() -> None:
    """Copying the example shows all there is to set, each with its meaning above it."""
    lines = text_of(".env.example").splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    settings = setting_names() - PLATFORM_SETTINGS

    deployment = {name for name in names if name.startswith("DEPLOY_")} | DEPLOYER_SETTINGS

    assert sorted(names) == sorted(settings | deployment)
    assert [line for line in lines if line and not line.startswith("#") and not line.endswith("=")] == []
    for name in names:
        assert re.match(r"# [A-Z0-9a-z].*\.$", lines[lines.index(f"{name}=") - 1]), name


def test_readme_names_every_setting() -> None:
    """The README's table of settings is complete, and names none that does not exist."""
    table = text_of("README.md").partition("| Variable |")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    named_there = re.findall(r"`([A-Z][A-Z0-9_]+)`", " ".join(first_cells))

    assert sorted(setting_names()) == sorted(named_there)


def test_readme_shows_only_targets_that_exist() -> None:
    """Every `make` word in the README can be typed; how to begin and how to test are among them."""
    shown = set(re.findall(r"(?:`|^\s*(?:\$ )?)make ([a-z][a-z-]*)", text_of("README.md"), re.MULTILINE))

    assert shown - make_targets() == set()
    assert shown >= {"demo", "test"}
