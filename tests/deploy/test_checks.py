"""The checks before a deployment: none fails for a valid one, and each mistake gets a sentence."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Protocol

import pytest

from local.deploy.checks import cautions, check, stage_faults
from local.repository import REPOSITORY
from tests.deploy.filled_example import SECRET, VALUES, filled_example
from tests.keys import ec_key, public_pem, rsa_key
from tests.test_repository import setting_names

if TYPE_CHECKING:
    from pathlib import Path

    from local.package.build import Package
    from local.package.package_checks import Packaged


class Check(Protocol):
    """Checks a deployment of the stage `dev`."""

    def __call__(
        self, *, settings: dict[str, str | None] | None = None, edit: tuple[str, str] = ("", "")
    ) -> list[str]:
        """Check with some settings changed or, by None, removed, and one text of the file replaced."""


@pytest.fixture
def checked(built: Packaged, tmp_path: Path) -> Check:
    """Fill in the example, and check it."""

    def checked(
        *, settings: dict[str, str | None] | None = None, edit: tuple[str, str] = ("", "")
    ) -> list[str]:
        (tmp_path / ".env").write_text(filled_example(settings or {}), encoding="utf-8")
        file = (REPOSITORY / "serverless.yml").read_text(encoding="utf-8")
        assert edit[0] in file
        (tmp_path / "serverless.yml").write_text(file.replace(*edit, 1), encoding="utf-8")
        return stage_faults("dev", built, repository=tmp_path, environment={})

    return checked


def test_example_filled_in_is_ready_to_be_deployed(
    checked: Check, packages: list[Package], tmp_path: Path
) -> None:
    """Whoever fills in the example as it says, and has packaged, has nothing to mend."""
    assert checked() == []
    assert check("dev", repository=tmp_path, build=packages[0].folder.parents[1], environment={}) == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"REDIS_URL": None}, "No value, not even an empty one, has: REDIS_URL."),
        (
            {"JWT_ISSUER": None, "CORS_ORIGINS": None},
            "No value, not even an empty one, has: CORS_ORIGINS, JWT_ISSUER.",
        ),
        ({"REDIS_URL": ""}, "REDIS_URL: Field required."),
        ({"REDIS_URL": "undefined"}, "REDIS_URL: had no value when this was deployed."),
        ({"REDIS_URL": f"http://{SECRET}"}, "REDIS_URL: String should match pattern"),
        ({"REDIS_URL": f"redis://{SECRET}:port"}, "REDIS_URL: is not a URL: "),
        (
            {"DEPLOY_ROLE_EVENT_DELIVERY": ""},
            "DEPLOY_ROLE_EVENT_DELIVERY is empty, and without it nothing can be deployed: ",
        ),
        (
            {"DEPLOY_REGION": "undefined"},
            "DEPLOY_REGION had no value when it was set: its text is 'undefined'.",
        ),
        ({"UPLOAD_POLICIES": ""}, "UPLOAD_POLICIES: Field required."),
        ({"UPLOAD_POLICIES": '{"default": {}'}, "UPLOAD_POLICIES: is not valid JSON."),
        ({"UPLOAD_POLICIES": '{"other": {}}'}, "UPLOAD_POLICIES: needs a policy named 'default'."),
        ({"UPLOAD_POLICIES": '{"default": {"ttl": 1}}'}, "UPLOAD_POLICIES.default.ttl: Extra inputs"),
        ({"UPLOAD_POLICIES": '{"default": {"ttlSeconds": 1e9}}'}, "UPLOAD_POLICIES.default.ttlSeconds: "),
        ({"CONTEXT_KEYS": "short"}, "CONTEXT_KEYS.0: String should have at least 32 characters."),
        ({"CALLBACK_TOKENS": ",".join([SECRET] * 3)}, "CALLBACK_TOKENS: Tuple should have at most 2 items"),
        ({"CALLBACK_TOKENS": f"{SECRET}/slash"}, "CALLBACK_TOKENS.0: String should match pattern"),
        ({"CALLBACK_TOKENS": f"{SECRET}-3"}, "CALLBACK_TOKENS: has a key that JWT_SECRETS has too: "),
        ({"CONTEXT_KEYS": f"{SECRET}-1"}, "CONTEXT_KEYS: has a key that VOD_SECRET_KEY has too: "),
        ({"JWT_SECRETS": ""}, "JWT_JWKS_URL: set exactly one of"),
        ({"AUTH_MODE": "none"}, "AUTH_MODE: Input should be 'jwt' or 'anonymous'."),
        (
            {"AUTH_MODE": "anonymous", "ANONYMOUS_IN_CLOUD": "anybody-may-upload"},
            "ANONYMOUS_KEY: needed with",
        ),
        (
            {"AUTH_MODE": "anonymous", "ANONYMOUS_KEY": f"{SECRET}-5"},
            "ANONYMOUS_IN_CLOUD: AUTH_MODE=anonymous",
        ),
        (
            {
                "AUTH_MODE": "anonymous",
                "ANONYMOUS_KEY": f"{SECRET}-5",
                "ANONYMOUS_IN_CLOUD": "anybody-may-upload",
                "JWT_SECRETS": "",
            },
            None,
        ),
        ({"JWT_PUBLIC_KEY": SECRET}, "JWT_PUBLIC_KEY: "),
        (
            {"JWT_SECRETS": "", "JWT_PUBLIC_KEY": "weak"},
            "JWT_PUBLIC_KEY: must be an RSA key of at least 2048",
        ),
        ({"APP_WEBHOOK_URL": f"http://{SECRET}.test"}, "APP_WEBHOOK_URL: must be an https URL."),
        ({"APP_WEBHOOK_URL": ""}, "APP_WEBHOOK_URL: Field required."),
        ({"APP_WEBHOOK_SECRETS": SECRET}, "APP_WEBHOOK_SECRETS.0: must be whsec_ followed by"),
        ({"APP_WEBHOOK_SECRETS": ""}, "APP_WEBHOOK_SECRETS: needed to sign what goes to APP_WEBHOOK_URL."),
        ({"VOD_SECRET_KEY": "short"}, "VOD_SECRET_KEY: String should have at least 8 characters."),
        ({"VOD_SECRET_KEY": "'quoted' # old"}, None),
        ({"READ_BACK": "on # always"}, "READ_BACK: Input should be 'on' or 'off'."),
        ({"VOD_SUB_APP_ID": "main"}, "VOD_SUB_APP_ID: Input should be a valid integer"),
        ({"RETENTION_SECONDS": "60"}, "RETENTION_SECONDS: Input should be greater than"),
        ({"JWT_AUDIENCE": "${app}"}, "JWT_AUDIENCE holds a dollar sign before a brace"),
        ({"UPLOAD_POLICIES": "long"}, "upload_signature: its variables take"),
        ({"DEPLOY_VPC_ID": None, "DEPLOY_SUBNET_ID": None}, "has: DEPLOY_SUBNET_ID, DEPLOY_VPC_ID."),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else str(value)[:40],
)
def test_mistake_in_the_settings_is_one_sentence(
    checked: Check, settings: dict[str, str | None], sentence: str | None
) -> None:
    """Each seeded mistake is found, said once however many functions share it, and no value is shown."""
    if settings.get("UPLOAD_POLICIES") == "long":
        policies = {"default": {}, **{f"policy{number}": {"procedures": ["p" * 60]} for number in range(50)}}
        settings = {"UPLOAD_POLICIES": json.dumps(policies)}
    if settings.get("JWT_PUBLIC_KEY") == "weak":
        settings = {**settings, "JWT_PUBLIC_KEY": public_pem(rsa_key(bits=1024)).replace("\n", "\\n")}
    found = checked(settings=settings)

    assert [fault for fault in found if SECRET in fault] == []
    if sentence is None:
        assert found == []
    else:
        assert [sentence in fault for fault in found].count(True) == 1, found
        assert all(fault.endswith(".") for fault in found)


def test_cautions_are_told_apart_from_faults(tmp_path: Path) -> None:
    """What can be meant stops no deployment, and is said each time, without a value."""
    changes: dict[str, str | None] = {"AUTH_MODE": "anonymous", "REDIS_URL": f"redis://store.{SECRET}.test"}

    def told(settings: dict[str, str | None]) -> list[str]:
        (tmp_path / ".env").write_text(filled_example(settings), encoding="utf-8")
        return cautions("dev", repository=tmp_path, environment={})

    sentences = told(changes)

    assert [sentence.split(" ")[0] for sentence in sentences] == ["AUTH_MODE", "REDIS_URL", "REDIS_URL"]
    assert all(sentence.endswith(".") and SECRET not in sentence for sentence in sentences)
    assert told({}) == []
    assert [sentence.split(" ")[0] for sentence in told({"JWT_AUDIENCE": ""})] == ["JWT_AUDIENCE"]
    (mobile,) = told({"UPLOAD_POLICIES": '{"default": {}}'})
    assert "under the policy 'default' it lives 600 s" in mobile


def test_public_key_in_one_line_is_taken(checked: Check) -> None:
    """A PEM key fits into one variable with its line breaks written out."""
    pem = public_pem(ec_key()).replace("\n", "\\n")

    assert checked(settings={"JWT_SECRETS": "", "JWT_PUBLIC_KEY": pem}) == []


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (("component: multi-scf", "component: scf"), "serverless.yml: component must be multi-scf."),
        (("runtime: Python3.10", "runtime: Python3.9"), "inputs.runtime must be Python3.10"),
        (("src: ./build/functions", "src: ./build"), "inputs.src.src must be ./build/functions"),
        (("[.env, '**/.env*']", "[.env]"), "src.exclude must name .env and **/.env*"),
        (("memorySize: 256", "memorySize: 200"), "inputs.memorySize must be"),
        (("timeout: 5\n", "timeout: 0\n"), "inputs.timeout must be 1 to 900 seconds"),
        (
            ("handler: upload_status.main", "handler: shared/upload_status.main"),
            "upload_status: handler must be file.function",
        ),
        (
            ("handler: upload_status.main", "handler: upload_signature.main"),
            "there is no file upload_signature.py in ./upload-status",
        ),
        (
            ("src: ./upload-status", "src: ./upload_status"),
            "upload_status: src must be the folder of the function's own package",
        ),
        (("key: STAGE", "key: SCF_STAGE"), "SCF_STAGE, key must be 2 to 64 letters"),
        (("'${env:CONTEXT_KEYS}'", "''"), "CONTEXT_KEYS, value must be a text in quotes, and not empty."),
        (
            ("'${env:CONTEXT_KEYS}'", "'${env:CONTEXT_KEY}'"),
            "No value, not even an empty one, has: CONTEXT_KEY.",
        ),
        (("'${env:VOD_SECRET_ID}'", "30"), "VOD_SECRET_ID, value must be a text in quotes, and not empty."),
        (
            ("function: upload_status", "function: upload_state"),
            "trigger of upload_state: a http trigger: there is no such function",
        ),
        (("qualifier: $DEFAULT", "authTypes: NONE"), "trigger of upload_signature: qualifier is missing"),
        (("enableExtranet: true", "enableExtranet: false"), "without it the URL is reachable from nowhere."),
        (("type: timer", "type: cron"), "type must be http or timer"),
        (("'0 * * * * * *'", "'* * * * *'"), "cronExpression needs 7 fields"),
        (("enable: true", "enable: false"), "without it the timer never fires."),
        (("  triggers:", "\ttriggers:"), "serverless.yml cannot be read, line "),
    ],
    ids=lambda value: str(value)[:60],
)
def test_mistake_in_the_file_is_one_sentence(checked: Check, edit: tuple[str, str], sentence: str) -> None:
    """Each trap of the platform is named before it costs a deployment."""
    found = checked(edit=edit)

    assert [sentence in fault for fault in found].count(True) == 1, found


def test_all_mistakes_are_told_at_once(checked: Check) -> None:
    """All faults are reported together."""
    found = checked(
        settings={"REDIS_URL": "", "CONTEXT_KEYS": "short", "DEPLOY_REGION": ""},
        edit=("'0 * * * * * *'", "'* * * * *'"),
    )

    assert sorted(fault.partition(" ")[0] for fault in found) == [
        "CONTEXT_KEYS.0:",
        "DEPLOY_REGION",
        "REDIS_URL:",
        "serverless.yml:",
    ]


def test_stage_without_a_file_is_told_to_copy_the_example(built: Packaged, tmp_path: Path) -> None:
    """The first thing a newcomer lacks is named first."""
    shutil.copy(REPOSITORY / "serverless.yml", tmp_path)
    found = stage_faults("prod", built, repository=tmp_path, environment={})

    assert found[0] == "There is neither .env.prod nor .env: copy .env.example and fill it in."
    assert len(found) == 2


def test_environment_alone_is_enough(built: Packaged, tmp_path: Path) -> None:
    """A pipeline may give every setting without a file."""
    shutil.copy(REPOSITORY / "serverless.yml", tmp_path)
    everything = {**dict.fromkeys(setting_names(), ""), **VALUES}
    found = stage_faults("prod", built, repository=tmp_path, environment=everything)

    assert found == []


@pytest.mark.parametrize("stage", ["Prod", "a" * 21, "über"])
def test_stage_that_the_functions_would_refuse_is_refused(
    checked: Check, built: Packaged, tmp_path: Path, stage: str
) -> None:
    """A stage is part of names and keys, so only some words are valid."""
    assert checked() == []
    found = stage_faults(stage, built, repository=tmp_path, environment={})

    assert [fault.partition(":")[0] for fault in found] == ["STAGE"]
