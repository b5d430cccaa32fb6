"""Every function at work from its package: real uploads, real Valkey, the simulator as VOD."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, cast

import jwt
import pytest
import requests

from local.package.contents import FOR_CLUSTERS, FOR_PUBLIC_KEYS, LIBRARIES
from local.package.interpreter import runtime_python
from local.simulator.faults import Fault
from local.upload.client import UploadClient
from local.upload.order import UploadOrder
from tests.deploy.packaged_instances import Deployed, PackagedInstances
from tests.functions.deployment import environment, user_token
from tests.functions.scf import event_of
from tests.keys import public_pem, rsa_key
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.stack.stack import Stack
    from tests.deploy.conftest import Deploy, StartStack


def upload(stack: Stack, file: Path) -> dict[str, Any]:
    """Upload a file through the whole chain and return the app's event."""
    with contextlib.closing(UploadClient(stack.url)) as client:
        order = UploadOrder(file, "alice", policy="course", context="lesson 3")
        stored = client.upload(order, lambda _part, _sent: None)
        return dict(client.wait_for_event(stored.upload_id))


def status_of(stack: Stack, upload_id: str) -> dict[str, Any]:
    """Return the status of an upload, as its owner sees it."""
    token = requests.get(f"{stack.url}/local/token", params={"user": "alice"}, timeout=10).text
    answer = requests.get(
        f"{stack.url}/uploads/{upload_id}", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    answer.raise_for_status()
    return dict(answer.json())


def unused_libraries(instances: PackagedInstances, owners: Mapping[str, str], function: str) -> set[str]:
    """Return the libraries of a function's package from which nothing was imported, though all should be."""
    return (
        set(LIBRARIES[function])
        - FOR_CLUSTERS
        - FOR_PUBLIC_KEYS
        - {owners[file] for file in instances.imported[function] if file in owners}
    )


@pytest.mark.parametrize("mode", ["PUSH", "PULL"])
def test_upload_reaches_the_app_from_the_packages(
    packaged_stack: StartStack, small_media: Path, library_of: Mapping[str, str], mode: str
) -> None:
    """Signature, event, delivery and status work from the packages, and every packaged library is used."""
    stack, instances = packaged_stack(simulator={"mode": mode})
    event = upload(stack, small_media)

    assert event["data"]["uploader"] == "alice"
    assert event["data"]["context"] == "lesson 3"
    assert event["data"]["verified"] is True
    wait_until(lambda: status_of(stack, event["data"]["uploadId"])["state"] == "ready")
    taker = "event_notification" if mode == "PUSH" else "reliable_notification"
    used = ("upload_signature", "upload_status", taker)
    # What an invocation has imported is known when it ends, and that of a timer may go on for a while.
    wait_until(lambda: not any(unused_libraries(instances, library_of, it) for it in used))


def test_event_that_cannot_be_verified_at_once_is_delivered_by_the_timer(
    packaged_stack: StartStack, small_media: Path, library_of: Mapping[str, str]
) -> None:
    """With VOD's API out of order for a moment, event_delivery asks it later, from its package."""
    stack, instances = packaged_stack(
        faults=[Fault("DescribeMediaInfos", "error")], off=frozenset({"reliable_notification"})
    )
    event = upload(stack, small_media)

    assert event["data"]["verified"] is True
    wait_until(lambda: unused_libraries(instances, library_of, "event_delivery") == set())


@pytest.mark.parametrize("kind", ["public key", "key set"])
def test_tokens_of_asymmetric_keys_are_verified_from_the_package(
    deploy: Deploy, valkey_url: str, key_set_url: str, library_of: Mapping[str, str], kind: str
) -> None:
    """RS256 needs a compiled library, and a key set its download: both work there (S46)."""
    key = {"JWT_PUBLIC_KEY": public_pem(rsa_key("first")), "JWT_JWKS_URL": ""}
    if kind == "key set":
        key = {"JWT_PUBLIC_KEY": "", "JWT_JWKS_URL": key_set_url}
    claims = {"sub": "alice", "exp": int(time.time()) + 60}
    token = jwt.encode(claims, rsa_key("first"), algorithm="RS256", headers={"kid": "first"})
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    event = event_of("POST", "/signature", headers=headers, body="{}")

    instances = deploy({**environment(valkey_url), **key, "JWT_SECRETS": ""})
    answer = asyncio.run(invoked_once(instances, event))

    assert answer["statusCode"] == 200, answer["body"]
    assert {library_of.get(file) for file in instances.imported["upload_signature"]} >= FOR_PUBLIC_KEYS


@pytest.mark.parametrize("function", LIBRARIES)
def test_client_of_a_cluster_is_in_every_package(unpacked: Mapping[str, Path], function: str) -> None:
    """A store that is a cluster needs the whole client, with all that it imports."""
    program = "import redis, shared.redis.redis_py"
    run = subprocess.run(  # noqa: S603  # the interpreter we found
        [runtime_python(), "-s", "-S", "-c", f"{program}; print(redis.__file__)"],
        env={"PYTHONPATH": str(unpacked[function]), "PYTHONDONTWRITEBYTECODE": "x"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stderr == ""
    assert run.stdout.startswith(str(unpacked[function]))


@pytest.mark.parametrize(("bound", "status"), [(86_400, 200), (599, 500)])
def test_package_validates_by_its_compiled_file(
    unpacked: Mapping[str, Path], tmp_path: Path, valkey_url: str, bound: int, status: int
) -> None:
    """Ten minutes suit a policy unless the file's bound is changed, and pydantic's core alone is imported."""
    package = shutil.copytree(unpacked["upload_signature"], tmp_path / "package")
    compiled = package / "shared/schema/compiled.json"
    head, _, tail = compiled.read_text("utf-8").partition('"le": 86400}')
    compiled.chmod(0o644)
    compiled.write_text(f'{head}"le": {bound}}}{tail}', "utf-8")
    variables = {**environment(valkey_url), "UPLOAD_POLICIES": '{"default": {"ttlSeconds": 600}}'}
    deployed = {"upload_signature": Deployed(package, variables, time_limit=10)}
    instances = PackagedInstances(deployed, folder=tmp_path)
    headers = {"authorization": f"Bearer {user_token()}", "content-type": "application/json"}
    event = event_of("POST", "/signature", headers=headers, query={}, body="{}")

    answer = asyncio.run(invoked_once(instances, event))

    told = "UPLOAD_POLICIES.default.ttlSeconds: Input should be less than or equal to 599"
    of_pydantic = {name for name in instances.imported["upload_signature"] if name.startswith("pydantic")}
    assert answer["statusCode"] == status, answer["body"]
    assert (told in (tmp_path / "functions.log").read_text("utf-8")) is (status == 500)
    assert {name.partition(".")[0] for name in of_pydantic} == {"pydantic_core/_pydantic_core"}
    assert not (package / "pydantic").exists()


async def invoked_once(instances: PackagedInstances, event: Mapping[str, object]) -> dict[str, Any]:
    """Call upload_signature in a new instance."""
    try:
        return cast("dict[str, Any]", await instances.invoke("upload_signature", event))
    finally:
        await instances.stop()
