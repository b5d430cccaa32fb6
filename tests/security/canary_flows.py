"""What users, VOD and operators do to a canary world, and what fails in it; each with its expected result."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from local.stack.demo_settings import DEMO_AUDIENCE
from tests.security.canaries import CANARIES, canary_environment
from tests.shared.loopback_peer import refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.canary_world import CanaryWorld

UNKNOWN = "/uploads/01KAPVZ9M80000000000000000"
STRANGER = "/vod-callback/a-token-that-is-none-of-ours"
CALLBACK, OLDER_CALLBACK = (f"/vod-callback/{token}" for token in CANARIES["CALLBACK_TOKENS"])
PASSWORD = CANARIES["REDIS_URL"][0]
OF_THE_STACK = {"REDIS_URL": ""}
"""Environment changes that make a command use the store of the stack in its --folder."""


def ask_everything(world: CanaryWorld) -> None:
    """Send requests of users, strangers and VOD, each with its expected status."""
    begun = world.ask("POST", "/signature", 200, json={"context": "lesson 3"})
    upload_id = begun.json()["uploadId"]
    user, older = (f"Bearer {world.token('alice', secret=number)}" for number in (0, 1))
    text = {"Authorization": user, "Accept": "text/plain"}
    json_of_user = {"Authorization": user, "Content-Type": "application/json"}
    again = {"uploadId": upload_id}
    asked: list[tuple[str, str, int, dict[str, Any]]] = [
        ("POST", "/signature", 200, {"json": again, "headers": text}),
        ("GET", f"/uploads/{upload_id}", 200, {"headers": {"Authorization": older}}),
        ("DELETE", f"/uploads/{upload_id}", 204, {}),
        ("OPTIONS", "/signature", 204, {"headers": {}}),
        *[("POST", "/signature", 200, {"json": again})] * 7,
        ("POST", "/signature", 409, {"json": again}),
        ("POST", "/signature", 401, {"headers": {}}),
        ("POST", "/signature", 401, {"headers": {"Authorization": f"{user}x"}}),
        ("POST", "/signature", 403, {"json": {"policy": "none"}}),
        ("POST", "/signature", 422, {"json": {"procedure": "none", "random": 1}}),
        ("POST", "/signature", 400, {"data": b"\xff", "headers": json_of_user}),
        ("POST", "/signature", 413, {"data": "x" * 20_000, "headers": json_of_user}),
        ("POST", "/signature", 415, {"data": "a=b"}),
        ("GET", "/signature", 405, {}),
        ("GET", UNKNOWN, 404, {}),
        ("POST", STRANGER, 404, {"data": "{}"}),
        ("POST", OLDER_CALLBACK, 404, {"data": "{}"}),
        ("POST", CALLBACK, 200, {"data": "no event"}),
        ("POST", OLDER_CALLBACK, 200, {"json": signed_event()}),
    ]
    for method, path, status, parts in asked:
        world.ask(method, path, status, **parts)


def command_everything(world: CanaryWorld, media: Path) -> None:
    """Run every command as its page documents."""
    at = ("--url", world.url)
    signature = world.signatures[0]
    world.command(0, "upload", str(media), "--policy", "course", *at)
    world.command(0, "upload", str(media), "--json", *at)
    world.command(1, "upload", str(media), "--policy", "none", *at)
    world.command(0, "inspect", "-", given=signature)
    world.command(0, "inspect", "-", "--json", given=signature)
    world.command(1, "inspect", "-", given=signature, VOD_SECRET_KEY="x" * 32)
    world.command(2, "inspect", "-", given="no signature")

    folder = ("--folder", str(world.state))
    world.command(0, "trigger", "FileDeleted", *folder)
    world.command(0, "trigger", "--list")
    world.command(0, "trigger", "upload.expired", "--user", "eve", *folder)
    world.command(1, "trigger", "NewFileUpload", "--user", "eve", "--wait", "1", *folder)
    world.command(2, "trigger", "NoSuchEvent", *folder)

    listed = world.command(0, "events", "list", "--json", *folder, **OF_THE_STACK)
    event_id = next(event["id"] for event in json.loads(listed) if event["state"] != "parked")
    world.command(0, "events", "show", event_id, "--full", *folder, **OF_THE_STACK)
    event = world.command(0, "events", "show", event_id, "--json", "--full", *folder, **OF_THE_STACK)
    world.command(0, "events", "replay", "-", "--yes", *folder, given=event, **OF_THE_STACK)
    for words in ("list", "endpoint", "endpoint --enable", "retry --state dead --yes"):
        world.command(0, "events", *words.split(), *folder, **OF_THE_STACK)
    for denied in (("add", "--user", "eve", "--reason", "tries"), ("list",), ("remove", "--user", "eve")):
        world.command(0, "deny", *denied, *folder, **OF_THE_STACK)

    for code, words in ((0, "violations list"), (1, "violations stop X"), (0, "erase --user eve --yes")):
        world.command(code, *words.split(), *folder, **OF_THE_STACK)
    _forward_to_an_app(world, folder)
    callback = ("--callback-url", f"{world.url}/vod-callback")
    world.command(None, "doctor", *folder)
    probe = ("doctor", "--json", "--probe", "--token", "-", *folder)
    world.command(None, *probe, given=world.token("alice"))
    world.command(None, "doctor", "--fix", "--yes", "--mode", "pull", *callback, *folder)
    world.command(0, "upload", str(media), *at)
    world.command(None, "doctor", "--fix", "--yes", "--mode", "push", *callback, *folder)
    variables = canary_environment(f"redis://:{PASSWORD}@127.0.0.1:9/0")
    demo = {"UPLOAD_POLICIES": '{"default": {}}', "JWT_AUDIENCE": DEMO_AUDIENCE}
    settings = world.settings_file({**variables, **demo})
    policy = ("policy", "--env-file", str(settings))
    world.command(0, *policy)
    world.command(0, *policy, "--json", "--token", "-", given=world.token("alice"))
    world.command(1, *policy, "--token", "-", given=world.token("alice") + "x")
    world.command(1, *policy, "--policy", "none")
    token = ("token", "explain", "--env-file", str(settings))
    world.command(0, *token, "-", given=world.token("alice"))
    world.command(1, *token, "--json", "-", given=world.token("alice") + "x")
    conformance = ("conformance", "--env-file", str(settings), "--vod-endpoint", world.url)
    world.command(0, *conformance, *("--only", "signature-expired", "--only", "api-errors"))
    world.command(0, *conformance, "--json", "--only", "signature-forged")
    settings.unlink()

    for words in ("capacity", "completion bash"):
        world.command(0, *words.split())
    world.command(1, "serve", "--port", "0", "--tls-port", "0", *folder)
    world.read_events()


def _forward_to_an_app(world: CanaryWorld, folder: tuple[str, str]) -> None:
    refused = f"http://127.0.0.1:{refused_port()}/"
    listen = ("listen", "--once", "--since", "1h", "--forward-to", refused)
    world.command(1, *listen, *folder, **OF_THE_STACK)
    # With a stack in the folder it prints a secret, which is what it is for.
    world.command(2, "webhook-secret", "--folder", str(world.state / "none"))


def break_settings(world: CanaryWorld) -> None:
    """Run commands with each secret in an invalid form, and with an unreachable store."""
    elsewhere = f"redis://:{PASSWORD}@127.0.0.1:{refused_port()}/0"
    broken = {name: f"{secrets[0]} broken,{secrets[0][:20]}" for name, secrets in CANARIES.items()}
    for change in ({}, *({name: value} for name, value in broken.items())):
        file = world.settings_file({**canary_environment(elsewhere), "APP_WEBHOOK_URL": "off", **change})
        world.command(1, "doctor", "--env-file", str(file))
        world.command(2, "policy", "--env-file", str(file))
        wrong = 2 if change.keys() & {"JWT_SECRETS", "JWT_ISSUERS"} else 1
        world.command(wrong, "token", "explain", "--env-file", str(file), "a.b.c")
    file.unlink()
    world.command(1, "events", "list", REDIS_URL=elsewhere)
    world.command(2, "events", "list", REDIS_URL=broken["REDIS_URL"])
    world.command(2, "events", "list", REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:port/0")
    world.command(2, "events", "list", "--redis-url", "redis://:password@127.0.0.1/0")


def use_without_store(world: CanaryWorld) -> None:
    """Send requests and run commands after the store is gone; the timers fail too."""
    world.ask("POST", "/signature", 503, json={})
    world.ask("GET", UNKNOWN, 503)
    world.ask("POST", CALLBACK, 503, json=signed_event())
    folder = ("--folder", str(world.state))
    world.command(1, "events", "list", *folder, **OF_THE_STACK)
    world.command(1, "deny", "list", *folder, **OF_THE_STACK)
    world.command(1, "trigger", "FileDeleted", "--wait", "1", *folder)
    world.command(1, "doctor", *folder)
    lines = len(world.log_lines())
    wait_until(lambda: len(world.log_lines()) >= lines + 2, "both timers to have met that")


def signed_event() -> dict[str, object]:
    """Build an event that is signed with VOD's SignKey."""
    until = int(time.time()) + 60
    signed = f"{CANARIES['VOD_CALLBACK_SIGN_KEY'][0]}{until}".encode()
    sign = hashlib.md5(signed, usedforsecurity=False).hexdigest()
    deletion = {"FileIdSet": ["5576678020044556677"]}
    return {"EventType": "FileDeleted", "FileDeleteEvent": deletion, "Sign": sign, "T": until}
