"""Every secret is a canary; no output of a deployment, its commands and its outages holds one (S37)."""

from __future__ import annotations

import base64
import importlib
import json
import re
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from local.__main__ import COMMANDS
from shared.config import settings
from shared.errors import ConfigurationError
from shared.runtime import bootstrap
from tests.functions.deployment import deploy_here, environment, start_anew
from tests.functions.scf import event_of
from tests.security.canaries import CANARIES, STRETCH, canary_environment, found, secret_variables
from tests.security.canary_flows import ask_everything, break_settings, command_everything, use_without_store
from tests.security.canary_world import CanaryWorld

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECRET_WORDS = re.compile(r"SECRET|KEY|TOKEN|PASSWORD|CREDENTIAL|REDIS")
NOT_SECRET = {"CORS_CREDENTIALS", "JWT_PUBLIC_KEY"}
"""Variables that are named like secrets and are none."""

FUNCTIONS = {
    "upload_signature": "/signature",
    "upload_status": "/uploads/x",
    "event_notification": "/x",
    "event_delivery": "",
    "reliable_notification": "",
}
"""Every function, and a path that it serves."""
ID_OF_THE_KEY = "VOD_SECRET_ID"
"""It is readable in every signature, and is no secret by itself."""


def settings_of(function: str) -> type[settings.StoreSettings]:
    """Return the settings of a function, which have its name."""
    kind: type[settings.StoreSettings] = getattr(settings, f"{function.title().replace('_', '')}Settings")
    return kind


def test_every_secret_setting_has_a_canary() -> None:
    """Whoever adds a secret setting adds it here, or this fails; and what is named like one is one."""
    variables = {name for function in FUNCTIONS for name in settings.variables_of(settings_of(function))}
    named_like_secrets = {name for name in variables if SECRET_WORDS.search(name)}

    assert secret_variables() == CANARIES.keys()
    assert named_like_secrets - NOT_SECRET - secret_variables() == set()


@pytest.mark.parametrize("variable", CANARIES)
def test_canary_is_found_however_it_is_written(variable: str) -> None:
    """Plain, in part, in either case, quoted, in hex, and in Base64 at any place of a longer text."""
    for secret in CANARIES[variable]:
        plain = secret.removeprefix("whsec_")
        written = [
            f"a line with {secret}.",
            plain[3 : 3 + STRETCH],
            plain.upper(),
            "".join(f"%{ord(character):02X}" for character in plain),
            quote(json.dumps([plain])),
            plain.encode().hex(),
            repr(plain.encode()),
            *(base64.b64encode(b"x" * before + plain.encode() + b"tail").decode() for before in range(5)),
            base64.urlsafe_b64encode(f"?>{plain}".encode()).decode(),
        ]
        assert [text for text in written if not found(text, [secret])] == []
        assert found("the name of the variable, and no value", [secret]) == []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> CanaryWorld:
    """Run everything that people do, then everything that fails."""
    media = tmp_path_factory.mktemp("media") / "talk.mp4"
    media.write_bytes(bytes(range(256)) * 4)
    with CanaryWorld(tmp_path_factory.mktemp("canaries")) as world:
        ask_everything(world)
        command_everything(world, media)
        break_settings(world)
        world.lose_store()
        use_without_store(world)
        world.record_processes()
    return world


@pytest.mark.parametrize("variable", CANARIES)
def test_nothing_that_came_out_holds_a_secret(world: CanaryWorld, variable: str) -> None:
    """Answers, problem documents, logs, files, commands' output, the app's events, the process list (S37)."""
    texts = [*world.outputs, *world.files()]
    if variable == ID_OF_THE_KEY:
        signatures = re.compile("|".join(map(re.escape, world.signatures)))
        texts = [(name, signatures.sub("", text)) for name, text in texts if name != "local inspect"]

    assert [name for name, text in texts if found(text, CANARIES[variable])] == []


def test_every_command_was_run(world: CanaryWorld) -> None:
    """Whoever adds a command adds it to the flows, or this fails."""
    run = {name for name, _ in world.outputs if name.startswith("local ")}

    assert {f"local {command}" for command in COMMANDS} == run
    assert {"process list", "the app's events"} < {name for name, _ in world.outputs}


def test_log_holds_no_token_and_no_signature(world: CanaryWorld) -> None:
    """Of everything that happened there are lines, and one kind alone may hold a sealed token (S39)."""
    log = [line for line in world.log_lines() if line.startswith("{")]
    others = [line for line in log if json.loads(line)["event"] != "event.unjournaled"]

    logged = {json.loads(line)["event"] for line in log}
    assert {"signature.issued", "request.refused", "event.journaled", "event.unjournaled"} <= logged
    assert [line for line in others if re.search(r"vuf1\.|eyJ|Bearer [^<]", line)] == []
    assert [line for line in log if any(signature in line for signature in world.signatures)] == []
    assert [line for line in log if re.search(r'"(Sign|T)\\?":|eyJ', line)] == []


def test_log_has_no_line_that_is_none_of_ours(world: CanaryWorld) -> None:
    """No traceback, and nothing that a library printed: a line is one JSON object."""
    assert [line for line in world.log_lines() if not line.startswith("{")] == []


@pytest.fixture
def deployed(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """Deploy every function in this process, with the canaries."""
    changes = {**canary_environment(valkey_url), "APP_WEBHOOK_URL": "https://app.example.test/hook"}
    variables = environment(valkey_url, **changes)
    deploy_here(variables, monkeypatch)
    yield variables
    start_anew()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_function_works_with_shows_no_secret(deployed: Mapping[str, str], function: str) -> None:
    """In a debugger, in an f-string, in the representation of whatever holds it (S38)."""
    runtime = getattr(bootstrap, function)()
    held = [runtime, runtime.settings, runtime.store]
    if "event" in function or "notification" in function:
        deliverer = bootstrap.deliverer(runtime, deadline=0.0)
        held += [deliverer, deliverer.ingester, deliverer.webhook, bootstrap.vod_api(runtime)]
    password = deployed["REDIS_URL"].rpartition("@")[0].rpartition(":")[2]
    shown = "\n".join(text for each in held for text in (repr(each), str(each), f"{each}"))

    assert [name for name in CANARIES if name != ID_OF_THE_KEY and found(shown, CANARIES[name])] == []
    assert found(shown, [password]) == []


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("variable", CANARIES)
def test_refused_setting_is_named_and_not_shown(
    deployed: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    function: str,
    variable: str,
) -> None:
    """A secret that is mistyped is as secret: in the answer, the log, the error and what it came from."""
    handler = importlib.import_module(f"functions.{function}").main_handler
    secret = CANARIES[variable][0]
    broken = {**deployed, variable: f"{secret} ,{secret[:20]}, \u2028"}
    monkeypatch.setenv(variable, broken[variable])
    start_anew()
    answer = handler(event_of("POST", FUNCTIONS[function], body="{}"), {"request_id": "r-1"})
    told = [json.dumps(answer), *capsys.readouterr()]
    try:
        settings.load_settings(settings_of(function), broken)
    except ConfigurationError as error:
        told += ["".join(traceback.format_exception(error)), repr(error)]

    assert found("\n".join(told), CANARIES[variable]) == []
