"""Mistakes that people make in `serverless.yml` and `.env`: the checks and the proof both report each.

The checks run before a deployment; the proof deploys with the published packages to the cloud on this
machine, and would find what the checks miss.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from local.deploy.checks import cautions, stage_faults
from local.deploy.value_checks import INSTANCES
from local.package.contents import LIBRARIES, folder_of
from local.repository import REPOSITORY
from tests.deploy.filled_example import SECRET, VALUES, filled_example
from tests.deploy.loopback_cloud import loopback_cloud
from tests.deploy.mistakes_in_the_file import IN_THE_FILE, Mistake
from tests.deploy.mistakes_in_the_settings import IN_THE_SETTINGS
from tests.deploy.proof import COMMAND_LINE, proof_faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from local.package.package_checks import Packaged

SHARES = [name for name, _ in INSTANCES.values()]
MISTAKES: dict[str, Mistake] = {**IN_THE_FILE, **IN_THE_SETTINGS}
LEAST_MISTAKES = 100
STATUS_SOURCE = "      src: ./upload-status\n"
OPEN_TO_ALL = "        authType: NONE\n"
VALID: dict[str, Mistake] = {
    "as the example says": Mistake(""),
    "more memory": Mistake("", edit=("memorySize: 256", "memorySize: 512"), settings={"OPEN_UPLOADS": "0"}),
    "half a minute for signatures": Mistake("", edit=("timeout: 5\n", "timeout: 30\n")),
    "a description": Mistake("", edit=(STATUS_SOURCE, f"{STATUS_SOURCE}      description: of uploads\n")),
    "a name for a URL": Mistake("", edit=(OPEN_TO_ALL, f"{OPEN_TO_ALL}        name: web\n")),
    "another second of the minute": Mistake("", edit=("'0 * * * * * *'", "'15 * * * * * *'")),
    "one more exclusion": Mistake("", edit=("'**/.env*']", "'**/.env*', '**/*.orig']")),
    "a shorter hold": Mistake(
        "", edit=("timeout: 15 ", "timeout: 10 "), settings={"CALLBACK_HOLD_SECONDS": "4"}
    ),
    "limits of one digit": Mistake("", settings={"OPEN_UPLOADS": "0", "NEW_UPLOADS_PER_MINUTE": "5"}),
    "another region": Mistake("", settings={"DEPLOY_REGION": "eu-frankfurt"}),
    "a region that is new": Mistake("", settings={"DEPLOY_REGION": "me-riyadh"}),
    "no shares of concurrency": Mistake("", settings=dict.fromkeys(SHARES, "off")),
    "shares of concurrency": Mistake("", settings=dict.fromkeys(SHARES, "80")),
    "its own stage": Mistake("", settings={"STAGE": "dev"}),
    "a key set": Mistake("", settings={"JWT_SECRETS": "", "JWT_JWKS_URL": "https://login.example.test/keys"}),
    "nothing to the app": Mistake("", settings={"APP_WEBHOOK_URL": "off", "APP_WEBHOOK_SECRETS": ""}),
    "a dollar sign": Mistake("", settings={"JWT_SECRETS": f"{SECRET}-$3-$", "VOD_SUB_APP_ID": "1500000000"}),
    "the shell has the same": Mistake(
        "", exported={"DEPLOY_REGION": VALUES["DEPLOY_REGION"], "PATH": "/bin"}
    ),
    "a store with TLS": Mistake("", settings={"REDIS_URL": f"rediss://:{SECRET}@store.example.test:6379"}),
}
"""Deployments without a mistake, each unlike the example in something that may be so."""


def write_down(mistakes: Iterable[Mistake], folder: Path) -> None:
    """Write the two files with this mistake."""
    text = (REPOSITORY / "serverless.yml").read_text(encoding="utf-8")
    settings: dict[str, str | None] = {}
    for mistake in mistakes:
        assert mistake.edit[0] in text
        text = text.replace(*mistake.edit, 1)
        settings |= mistake.settings
    (folder / ".env").write_text(filled_example(settings), encoding="utf-8")
    (folder / "serverless.yml").write_text(text, encoding="utf-8")


def told(mistake: Mistake, built: Packaged, folder: Path) -> list[str]:
    """Return what the check says of a mistake: faults and warnings."""
    write_down([mistake], folder)
    faults = stage_faults("dev", built, repository=folder, environment=mistake.exported)
    return [*faults, *cautions("dev", repository=folder, environment=mistake.exported)]


@pytest.mark.parametrize("name", MISTAKES)
def test_check_names_the_mistake(built: Packaged, tmp_path: Path, name: str) -> None:
    """The check says what is wrong and what to do, before anything is uploaded, and shows no secret."""
    found = told(MISTAKES[name], built, tmp_path)

    assert [sentence for sentence in found if MISTAKES[name].checked in sentence] != [], found
    assert [sentence for sentence in found if SECRET in sentence] == []
    assert all(re.search(r"[.?]$", sentence) for sentence in found)


@pytest.mark.parametrize("name", VALID)
def test_check_names_nothing_without_a_mistake(built: Packaged, tmp_path: Path, name: str) -> None:
    """A deployment that is unlike the example, and right, is neither refused nor warned of."""
    assert told(VALID[name], built, tmp_path) == []


def test_mistakes_are_many() -> None:
    """Each is another one."""
    changes = {(it.edit, *it.settings.items(), *it.exported.items()) for it in MISTAKES.values()}

    assert len(MISTAKES) == len(changes) >= LEAST_MISTAKES


def proved(mistakes: Iterable[Mistake], folder: Path, *, lenient: bool = False) -> list[str]:
    """Deploy minimal packages; the content of real ones is tested elsewhere."""
    write_down(mistakes, folder)
    for function in LIBRARIES:
        package = folder / "build" / "functions" / folder_of(function)
        package.mkdir(parents=True)
        (package / f"{function}.py").write_text("")
        (package / "library.pyc").write_bytes(b"")
        (package / ".env").write_text("")
    with loopback_cloud() as cloud:
        cloud.scf.lenient = lenient
        return proof_faults(cloud, folder)


needs_node = pytest.mark.skipif(
    not COMMAND_LINE.exists() or shutil.which("node") is None,
    reason="the packages that deploy are not installed: make test installs them",
)


@pytest.mark.proof
@needs_node
def test_proof_has_nothing_to_say_without_a_mistake(tmp_path: Path) -> None:
    """The proof reports nothing for a valid deployment."""
    assert proved([], tmp_path) == []


ALONE = [name for name, mistake in MISTAKES.items() if mistake.proved and mistake.ends_it]
REFUSED = [name for name, mistake in MISTAKES.items() if mistake.refused]
TOGETHER = [name for name, it in MISTAKES.items() if it.proved and not (it.ends_it or it.refused)]


@pytest.mark.proof
@needs_node
@pytest.mark.parametrize(
    "names", [*([name] for name in ALONE), REFUSED, TOGETHER[::2], TOGETHER[1::2]], ids="; ".join
)
def test_proof_names_the_mistakes(tmp_path: Path, names: list[str]) -> None:
    """The proof reports the mistake as it would show in the cloud."""
    mistakes = [MISTAKES[name] for name in names]
    found = proved(mistakes, tmp_path, lenient=names == REFUSED)

    assert [it.proved for it in mistakes if not any(it.proved in fault for fault in found)] == [], found
