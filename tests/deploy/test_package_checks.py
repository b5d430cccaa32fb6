"""The packages before a deployment: there, of this code, and with nothing that must stay here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.deploy.checks import check
from local.package.build import package_at
from local.package.package_checks import package_faults
from local.repository import REPOSITORY
from tests.deploy.filled_example import SECRET, VALUES
from tests.test_repository import setting_names

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("upload_signature.py", "def main_handler(): ...\n", "is older than the code: run make package."),
        ("shared/runtime/log.py", None, "is older than the code: run make package."),
        ("shared/extra.py", "", "is older than the code: run make package."),
        (".env", f"VOD_SECRET_KEY={SECRET}", ".env is in its package, and would be uploaded"),
        ("shared/.env.prod", f"VOD_SECRET_KEY={SECRET}", "shared/.env.prod is in its package"),
        ("shared/upload-status.txt", "", "would go to another function as well: rename it."),
    ],
)
def test_package_that_must_not_be_uploaded_is_found(
    copied_build: Path, name: str, content: str | None, sentence: str
) -> None:
    """A stale package, and a file that would leave the machine with it, stop the deployment."""
    changed = package_at(copied_build, "upload_signature").folder / name
    changed.unlink(missing_ok=True)
    if content is not None:
        changed.write_text(content)
    (fault,) = package_faults(copied_build)

    assert sentence in fault
    assert SECRET not in fault


def test_missing_packages_are_told_how_to_be_made(tmp_path: Path) -> None:
    """Without a build there is nothing to upload."""
    (tmp_path / "serverless.yml").write_text((REPOSITORY / "serverless.yml").read_text())
    environment = {**dict.fromkeys(setting_names(), ""), **VALUES}
    found = check("dev", repository=tmp_path, build=tmp_path / "build", environment=environment)

    assert "event_delivery has no package: run make package." in found
