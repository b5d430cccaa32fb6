"""`serverless.yml`, checked as far as possible without the cloud."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
import yaml

from local.package.contents import LIBRARIES, folder_of
from local.package.serverless_file import (
    MAX_ENVIRONMENT_BYTES,
    environment_bytes,
    environment_of,
    faults,
    variables_read,
)
from local.repository import REPOSITORY
from shared.config import settings
from shared.schema.models import settings as models

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = (REPOSITORY / "serverless.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
FUNCTIONS: dict[str, Any] = FILE["inputs"]["functions"]
FUNCTION_FILES = frozenset(path.stem for path in (REPOSITORY / "functions").glob("*.py"))
ROOT_MODULES = {f"./{folder_of(function)}": {function} for function in LIBRARIES}
"""The modules that `make package` builds, as tests/deploy shows."""
SETTINGS: dict[str, type[settings.SettingsGroup]] = {
    "upload_signature": settings.UploadSignatureSettings,
    "upload_status": settings.UploadStatusSettings,
    "event_notification": settings.EventNotificationSettings,
    "reliable_notification": settings.ReliableNotificationSettings,
    "event_delivery": settings.EventDeliverySettings,
}
ROLE = frozenset({"TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"})
SIGNING_PAIR = frozenset({"VOD_SECRET_ID", "VOD_SECRET_KEY"})
WHERE_IT_RUNS = frozenset({"SCF_FUNCTIONNAME", "TENCENTCLOUD_RUNENV"})
DEVELOPER_ONLY = frozenset({"APP_WEBHOOK_ALLOW_INSECURE"})


def environment(function: str) -> list[str]:
    """Return the variables that a function is deployed with."""
    return [entry["key"] for entry in FUNCTIONS[function]["environments"]]


def is_number_or_word(annotation: object) -> bool:
    """Return whether a setting of this type is a number, or one of a few words: neither can be long."""
    members = get_args(annotation) or (annotation,)
    return all(
        member in (int, float, bool, type(None)) or isinstance(member, str) or get_origin(member) is Literal
        for member in members
    )


def test_serverless_file_has_no_fault() -> None:
    """What the platform or its CLI would trip over, or drop without a word, is not in the file."""
    assert faults(FILE, root_modules=ROOT_MODULES) == []


def test_every_function_file_is_deployed_and_has_a_way_in() -> None:
    """No function is forgotten, neither as such nor by its trigger."""
    called = sorted(trigger["function"] for trigger in FILE["inputs"]["triggers"])

    assert sorted(FUNCTION_FILES) == sorted(FUNCTIONS) == sorted(LIBRARIES) == called


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_deployed_with_its_own_settings_and_no_others(name: str) -> None:
    """A function has every setting it reads; with the role's credentials it has no use for the key pair."""
    read = settings.variables_of(SETTINGS[name])
    needed = read - ROLE - WHERE_IT_RUNS - DEVELOPER_ONLY - (SIGNING_PAIR if read >= ROLE else frozenset())

    assert sorted(environment(name)) == sorted(needed)


def test_key_pair_that_signs_uploads_is_known_to_one_function() -> None:
    """Whoever breaks into another function cannot sign uploads."""
    holders = [name for name in FUNCTIONS if not SIGNING_PAIR.isdisjoint(environment(name))]

    assert holders == ["upload_signature"]


def test_function_has_a_role_if_it_calls_the_vod_api() -> None:
    """Each its own, and none where no call needs it: who breaks into such a function has no rights (S43)."""
    roles = {name: function.get("role") for name, function in FUNCTIONS.items()}
    callers = {name for name in FUNCTIONS if settings.variables_of(SETTINGS[name]) >= ROLE}

    assert callers == {"event_notification", "reliable_notification", "event_delivery"}
    assert roles == {
        name: f"${{env:DEPLOY_ROLE_{name.upper()}}}" if name in callers else None for name in FUNCTIONS
    }


def test_variable_is_named_the_same_on_both_sides() -> None:
    """A value never arrives under another name; the stage is the deployment's own, whatever .env says."""
    entries = [entry for function in FUNCTIONS.values() for entry in function["environments"]]
    others = {
        entry["key"]: entry["value"] for entry in entries if entry["value"] != f"${{env:{entry['key']}}}"
    }

    assert others == {"STAGE": "${stage}"}


def test_env_example_names_every_variable_that_the_file_reads() -> None:
    """The CLI deploys `undefined` for a name without a value, so the example must list them all."""
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = {line.partition("=")[0] for line in example}

    assert variables_read(TEXT) - listed == set()
    assert {name for name in listed if name.startswith("DEPLOY_")} - variables_read(TEXT) == set()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_environment_of_ample_values_fits_into_the_platforms_limit(name: str) -> None:
    """With two of each secret, a PEM key and a page of policies, all variables stay below 4 KB."""
    fields = getattr(models, SETTINGS[name].__name__).model_fields.values()
    numbers = {str(field.alias) for field in fields if is_number_or_word(field.annotation)}
    values = {
        variable: "x" * (20 if variable in numbers else 90) for variable in environment_of(FUNCTIONS[name])
    }
    long = {"UPLOAD_POLICIES": "x" * 1200, "JWT_PUBLIC_KEY": "x" * 800}
    values |= {variable: value for variable, value in long.items() if variable in values}

    assert environment_bytes(values) < MAX_ENVIRONMENT_BYTES


def test_held_event_ends_before_the_function_does() -> None:
    """The default hold, which makes VOD send an event again, fits into the function's time."""
    hold = models.EventNotificationSettings.model_fields["callback_hold_seconds"].default

    assert FUNCTIONS["event_notification"]["timeout"] > hold + 5


def set_at(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    """Return a change to the file."""

    def change(file: dict[str, Any]) -> None:
        place: Any = file
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


SOURCE = ("inputs", "src")
FUNCTION = ("inputs", "functions", "upload_status")
TRIGGER = ("inputs", "triggers", 0)
TIMER = {"qualifier": "$DEFAULT", "cronExpression": "0 */5 * * * * *", "argument": "{}", "enable": True}
VARIABLE = {"key": "STAGE", "value": "dev"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (set_at("component", to="scf"), "component: must be multi-scf"),
        (set_at("inputs", "environments", to=[]), "inputs: variables in common"),
        (set_at("inputs", "role", to="vod-upload"), "inputs: a role in common"),
        (set_at("name", to="service"), "reliable_notification: its full name can exceed"),
        (set_at(*FUNCTION, "handler", to="functions/upload_status.main_handler"), "takes no handler"),
        (set_at(*FUNCTION, "handler", to="functions.upload_status.main_handler"), "takes no handler"),
        (set_at(*FUNCTION, "handler", to="upload_status_v2.main_handler"), "takes no handler"),
        (set_at(*FUNCTION, "handler", to="upload_state.main_handler"), "there is no file upload_state.py"),
        (
            set_at(*FUNCTION, "handler", to="event_delivery.main_handler"),
            "there is no file event_delivery.py",
        ),
        (set_at(*FUNCTION, "src", to="./functions"), "there is no package ./functions"),
        (set_at(*FUNCTION, "src", to=None), "would get the packages of all functions"),
        (set_at(*FUNCTION, "timeout", to=901), "timeout must be 1 to 900 seconds"),
        (set_at(*FUNCTION, "initTimeout", to="15"), "initTimeout must be"),
        (set_at(*FUNCTION, "memorySize", to=200), "memorySize must be"),
        (set_at("inputs", "runtime", to="Python3.9"), "runtime must be Python3.10"),
        (set_at(*SOURCE, "src", to="./build"), "src must be ./build/functions"),
        (set_at(*SOURCE, "exclude", to=[".env"]), "must name .env and **/.env*"),
        (set_at(*SOURCE, "exclude", to=[".env", "**/.env*", "**/*.pyc"]), "drops the bytecode"),
        (set_at(*FUNCTION, "environment", to={"variables": {}}), "is dropped without a word"),
        (set_at(*FUNCTION, "environments", to=[VARIABLE, VARIABLE]), "STAGE is set twice"),
        (
            set_at(*FUNCTION, "environments", to=[{"key": "SCF_STAGE", "value": ""}]),
            "takes no variable SCF_STAGE",
        ),
        (set_at(*FUNCTION, "environments", to=[{"key": "2ND", "value": ""}]), "takes no variable 2ND"),
        (set_at(*FUNCTION, "environments", to=[{"key": "TTL", "value": 300}]), "TTL is no text"),
        (set_at(*FUNCTION, "environments", to=[{"key": "TTL"}]), "TTL is no text"),
        (set_at(*TRIGGER, "function", to="upload_state"), "there is no such function"),
        (set_at(*TRIGGER, "type", to="apigw"), "fails after the functions have been deployed"),
        (set_at(*TRIGGER, "parameters", "qualifier", to="$LATEST"), "the second deployment"),
        (set_at(*TRIGGER, "parameters", "authType", to="CAM"), "authType must be NONE"),
        (set_at(*TRIGGER, "parameters", "netConfig", to={}), "reachable from nowhere"),
        (set_at(*TRIGGER, "parameters", "corsConfig", to={"enable": True}), "answer a second time"),
    ],
)
def test_fault_is_named(change: Callable[[dict[str, Any]], None], sentence: str) -> None:
    """Each trap of the platform is reported in one sentence."""
    file = deepcopy(FILE)
    change(file)

    (fault,) = faults(file, root_modules=ROOT_MODULES)

    assert sentence in fault


@pytest.mark.parametrize("file", [None, [], "text", {}, {"inputs": []}, {"inputs": {"functions": {"a": 1}}}])
def test_file_of_another_shape_is_a_fault_and_no_crash(file: object) -> None:
    """Whatever YAML holds, the checker answers in sentences."""
    assert faults(file, root_modules=ROOT_MODULES) != []


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (TIMER, None),
        (TIMER | {"cronExpression": "*/5 * * * *"}, "cronExpression needs 7 fields"),
        (TIMER | {"cronExpression": "0 */5 * * * * every"}, "a field that is none"),
        ({**TIMER, "enable": False}, "never fires"),
        ({**TIMER, "argument": None}, "each deployment makes it anew"),
    ],
)
def test_timer_needs_seven_fields_and_must_be_enabled(
    parameters: dict[str, object], sentence: str | None
) -> None:
    """A timer that would be refused, or would never fire, is named."""
    file = deepcopy(FILE)
    trigger = {"type": "timer", "function": "upload_status", "parameters": parameters}
    file["inputs"]["triggers"].append(trigger)

    found = faults(file, root_modules=ROOT_MODULES)

    assert [sentence in fault for fault in found if sentence] == ([True] if sentence else [])
    assert len(found) == (1 if sentence else 0)
