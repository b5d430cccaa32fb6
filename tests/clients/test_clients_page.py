"""docs/clients.md: every block is run or compiled, or the page says that it is not; its words are the SDKs'.

The Web example runs in a browser: tests/browser/test_documented_client.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.deploy.mobile_policies import about_mobile_uploads, policies_in
from local.repository import REPOSITORY
from local.simulator import business_errors
from local.stack.stack import Stack
from tests.clients.clients_page import PAGE, block, blocks, rows
from tests.clients.mobile.client import MobileClient
from tests.clients.mobile.network import Network
from tests.clients.mobile.platforms import ANDROID, IOS, Platform
from tests.deploy.console_blocks import shown_on
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNERS = Path(__file__).parent / "mobile"
NODE_CLIENTS = Path(__file__).parent / "node"
ONE_RUN = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
"""Options of the compiler's JVM: optimizing it costs more than one run gains."""
NATIVE_MODULES = """
export const NativeModules = {
  VodPublish: { publish: async (path, signature) => ({ path, signature }) },
};
"""
TRIED = {
    "How long a signature has to live": ["json", "console"],
    "Web": ["js"],
    "Android": ["kotlin"],
    "iOS": ["swift"],
    "Mini program": ["js"],
    "React Native": ["js", "kotlin"],
    "A phone on the local stack": ["console", "console", "xml"],
}
"""Every block of the page; each but Swift's, and the XML's beyond its form, is run or compiled by a test."""


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack with a proxy for phones."""
    with Stack(folder=tmp_path_factory.mktemp("proxied"), proxy=("127.0.0.1", 0)) as stack:
        yield stack


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Create a file; a mini program names what a user has chosen with 32 characters."""
    file = tmp_path / f"{'a' * 32}.mp4"
    file.write_bytes(os.urandom(5000))
    return file


def token(stack: Stack) -> str:
    """Return a user's token."""
    return requests.get(f"{stack.url}/local/token", timeout=10).text


def status_of(stack: Stack, upload_id: str) -> dict[str, Any]:
    """Return the status of an upload, once VOD has its file."""
    headers = {"Authorization": f"Bearer {token(stack)}"}
    status: dict[str, Any] = {}

    def is_there() -> bool:
        answer = requests.get(f"{stack.url}/uploads/{upload_id}", headers=headers, timeout=10)
        status.update(answer.json())
        return bool(status["fileId"])

    wait_until(is_there, f"the event of {upload_id}")
    return status


def run(*words: str, cwd: Path, **variables: str) -> str:
    """Run a program and return what it prints, errors last."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    done = subprocess.run(  # noqa: S603  # what the page says
        words,
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def ran(*words: str, cwd: Path) -> dict[str, Any]:
    """Run a program and return what it prints, which is JSON."""
    outcome: dict[str, Any] = json.loads(run(*words, cwd=cwd))
    return outcome


def test_no_block_is_left_out() -> None:
    """A new block needs a test, or has to say that it was not tried."""
    found: dict[str, list[str]] = {}
    for it in blocks():
        found.setdefault(it.section, []).append(it.language)

    assert found == TRIED
    assert "Not compiled." in PAGE.partition("\n## iOS\n")[2].partition("```")[0]


def test_policy_of_the_page_lets_phones_upload() -> None:
    """It is valid, is for phones, and gets no warning."""
    policies = policies_in({"UPLOAD_POLICIES": block("How long a signature has to live", "json")})

    assert {name: policy.client for name, policy in policies.items()} == {
        "default": "web",
        "mobile": "mobile",
    }
    assert policies["mobile"].one_time
    assert list(about_mobile_uploads(policies)) == []


def test_dry_run_warns_as_shown() -> None:
    """The command of the page, and the warning that names the default policy."""
    [shown] = shown_on(f"```console\n{block('How long a signature has to live', 'console')}```\n")[0]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    assert shown.agrees(run("/bin/sh", "-c", shown.command, cwd=REPOSITORY, PATH=path))


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_proxy_is_tried_as_shown(proxied: Stack) -> None:
    """Each curl of the page, through the proxy that `serve --proxy` starts."""
    ((serve,), curls) = shown_on(f"## A phone{PAGE.partition('## A phone')[2]}")
    assert serve.command == "python -m local serve --proxy 8888"
    for shown in curls:
        command = shown.command.replace("127.0.0.1:8888", proxied.proxy)
        command = command.replace(".local/ca.pem", str(proxied.ca_file))

        assert shown.agrees(run("/bin/sh", "-c", command, cwd=REPOSITORY)), shown.command
    assert len(curls) == 3


def test_network_security_config_is_well_formed() -> None:
    """Android's tools were not there to read it."""
    assert ET.fromstring(block("A phone on the local stack", "xml")).tag == "network-security-config"  # noqa: S314  # our own


@pytest.mark.skipif(shutil.which("kotlinc") is None, reason="needs Kotlin: apt-get install kotlin")
def test_kotlin_compiles_and_its_signatures_upload(stack: Stack, media: Path, tmp_path: Path) -> None:
    """Both examples against the SDK's interface; what they would publish with is published with."""
    (tmp_path / "Android.kt").write_text(block("Android", "kotlin"))
    (tmp_path / "ReactNative.kt").write_text(block("React Native", "kotlin"))
    jar = str(tmp_path / "examples.jar")
    sources = [*map(str, tmp_path.glob("*.kt")), *map(str, (RUNNERS / "kotlin").glob("*.kt"))]
    run("kotlinc", *ONE_RUN, "-nowarn", *sources, "-include-runtime", "-d", jar, cwd=tmp_path)
    printed = run("java", "-cp", jar, "MainKt", stack.url, token(stack), str(media), cwd=tmp_path)
    lines = [line.split(" ") for line in printed.splitlines()]
    (_, upload_id), first, paused, second, resolved = lines[:5]
    signatures = [words[3] for words in (first, second)]

    published = MobileClient(ANDROID, Network(stack.url).session()).publish(signatures[1], media)
    assert [words[:3] for words in (first, second)] == [["publish", str(media), "true"]] * 2
    assert len(set(signatures)) == 2
    assert (paused, resolved) == (["paused"], ["resolved", "5001"])
    assert '"status":401' in printed.replace(" ", "")
    assert status_of(stack, upload_id)["fileId"] == published.video_id


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_react_native_asks_and_publishes(stack: Stack, media: Path, tmp_path: Path) -> None:
    """The native module gets the path and a signature; a refusal has the functions' words."""
    stub = tmp_path / "node_modules" / "react-native"
    stub.mkdir(parents=True)
    (stub / "index.js").write_text(NATIVE_MODULES)
    (stub / "package.json").write_text('{"type": "module", "main": "index.js"}')
    example = tmp_path / "example.mjs"
    example.write_text(block("React Native", "js"))

    def upload(token: str) -> dict[str, Any]:
        job = {"service": stack.url, "path": str(media), "token": token}
        return ran("node", str(RUNNERS / "run_example.mjs"), str(example), json.dumps(job), cwd=tmp_path)

    outcome = upload(token(stack))
    published = MobileClient(IOS, Network(stack.url).session()).publish(outcome["fileId"]["signature"], media)

    assert outcome["fileId"]["path"] == str(media)
    assert status_of(stack, outcome["uploadId"])["fileId"] == published.video_id
    assert upload("wrong")["error"].endswith(".")


@pytest.mark.skipif(
    not (NODE_CLIENTS / "node_modules" / "vod-wx-sdk-v2").is_dir(),
    reason="needs Node, and the SDKs of tests/clients/node: make test installs them",
)
def test_mini_program_uploads(stack: Stack, media: Path, tmp_path: Path) -> None:
    """The vendor's SDK takes the example's callback, and the app has the file and the upload's id."""
    example = tmp_path / "example.cjs"
    example.write_text(block("Mini program", "js"))
    (tmp_path / "node_modules").symlink_to(NODE_CLIENTS / "node_modules")
    job = {
        "wx": {
            "port": int(stack.url.rpartition(":")[2]),
            "storage": str(tmp_path / "storage.json"),
            "libraryVersion": "3.7.0",
        },
        "file": {"tempFilePath": str(media), "size": media.stat().st_size},
        "service": stack.url,
        "token": token(stack),
    }
    words = (str(RUNNERS / "run_mini_program.cjs"), str(example), str(NODE_CLIENTS / "wx_runtime.cjs"))
    outcome = ran("node", *words, json.dumps(job), cwd=tmp_path)

    assert status_of(stack, outcome["uploadId"])["fileId"] == outcome["fileId"]
    assert outcome["videoName"] == "lesson 3"


REFUSALS = {
    error.code: error.message
    for error in (
        business_errors.invalid_request(""),
        business_errors.invalid_signature(""),
        business_errors.expired_signature(""),
        business_errors.repeat_signature(10011, reason=""),
    )
}


@pytest.mark.parametrize(("section", "sdk"), [("Android", ANDROID), ("iOS", IOS)])
def test_words_of_refusals_are_the_sdks(section: str, sdk: Platform) -> None:
    """Each `descMsg` with a number of VOD's is what the SDK makes of VOD's answer, under its `retCode`."""
    found = 0
    for code, told, _advice in rows(section):
        for words in re.findall(r"`([^`]*1\d{4}[^`]*)`", told):
            number = int(re.findall(r"1\d{4}", words)[0])
            text = sdk.refused_commit if code == "1006" else sdk.refusal
            assert words == text.format(code=number, message=REFUSALS[number])
            assert int(code) in ({1006, 1020} if number == 10010 else {sdk.refused_apply})
            found += 1

    assert found >= 4


def test_words_of_the_web_are_vods() -> None:
    """Each number stands beside the message with which the simulated VOD sends it."""
    told = " ".join(row[0] for row in rows("Web"))

    assert [message for message in REFUSALS.values() if f"`{message}`" not in told] == []
    assert [code for code in REFUSALS if f"({code})" not in told] == []
