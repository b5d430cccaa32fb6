"""`serverless.yml`, checked as far as possible without the cloud."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import pytest
import yaml

from local.deploy.file_schema import schema_faults
from local.deploy.outcome import outcome_faults
from local.deploy.serverless_file import (
    MAX_ENVIRONMENT_BYTES,
    environment_bytes,
    environment_of,
    sent_environment,
    settings_of,
    variables_read,
)
from local.package.contents import LIBRARIES, folder_of
from local.package.package_checks import Packaged
from local.repository import REPOSITORY
from shared.config import settings
from shared.config.settings import JOINED
from shared.schema.models import settings as models

TEXT = (REPOSITORY / "serverless.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
FUNCTIONS: dict[str, Any] = FILE["inputs"]["functions"]
FUNCTION_FILES = frozenset(path.stem for path in (REPOSITORY / "functions").glob("*.py"))
BUILT = Packaged({f"./{folder_of(function)}": frozenset({function}) for function in LIBRARIES}, ())
"""The packages that `make package` builds, as tests/deploy shows."""
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


def faults(file: object) -> list[str]:
    """Return what is said of the file itself."""
    return [*schema_faults(file), *outcome_faults(file, BUILT)]


def environment(function: str) -> list[str]:
    """Return the settings that a function is deployed with."""
    return list(settings_of(FUNCTIONS[function]))


def is_number_or_word(annotation: object) -> bool:
    """Return whether a setting of this type is a number, or one of a few words: neither can be long."""
    members = get_args(annotation) or (annotation,)
    return all(
        member in (int, float, bool, type(None)) or isinstance(member, str) or get_origin(member) is Literal
        for member in members
    )


def test_serverless_file_has_no_fault() -> None:
    """What the platform or its CLI would trip over, or drop without a word, is not in the file."""
    assert faults(FILE) == []


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
    settings = [entry for function in FUNCTIONS.values() for entry in settings_of(function).items()]
    others = {key: value for key, value in settings if value != f"${{env:{key}}}"}

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
    values = {variable: "x" * (20 if variable in numbers else 90) for variable in environment(name)}
    values |= {"UPLOAD_POLICIES": "x" * 1200, "JWT_PUBLIC_KEY": "x" * 800, "JWT_USER_PREFIX": "x" * 20}

    assert environment_bytes(sent_environment(FUNCTIONS[name], values, "prod")) < MAX_ENVIRONMENT_BYTES


@pytest.mark.parametrize("name", FUNCTIONS)
def test_setting_that_may_be_empty_is_no_variable_of_its_own(name: str) -> None:
    """SCF's API takes no empty variable, whoever runs the CLI: only what the code requires is one."""
    alone = environment_of(FUNCTIONS[name]).keys() - {JOINED}
    required = {
        str(field.alias)
        for field in getattr(models, SETTINGS[name].__name__).model_fields.values()
        if field.is_required()
    }

    assert alone - {"STAGE"} == required & set(environment(name))


def test_held_event_ends_before_the_function_does() -> None:
    """The default hold, which makes VOD send an event again, fits into the function's time."""
    hold = models.EventNotificationSettings.model_fields["callback_hold_seconds"].default

    assert FUNCTIONS["event_notification"]["timeout"] > hold + 5


@pytest.mark.parametrize("file", [None, [], "text", {}, {"inputs": []}, {"inputs": {"functions": {"a": 1}}}])
def test_file_of_another_shape_is_a_fault_and_no_crash(file: object) -> None:
    """Whatever YAML holds, the checker answers in sentences."""
    assert faults(file) != []
