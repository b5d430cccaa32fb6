"""S3 mode, driven by Amazon's own client for JavaScript: the one inside the Web SDK."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.repository import REPOSITORY

if TYPE_CHECKING:
    from tests.local.simulator.account import Account, Applied

SCRIPT = Path(__file__).with_name("s3_upload.mjs")
PACKAGES = REPOSITORY / "local" / "page" / "node_modules"
MIB = 1024 * 1024

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (PACKAGES / "@aws-sdk" / "lib-storage").is_dir(),
    reason="needs Node and the packages of the page",
)


def _upload(account: Account, applied: Applied, **options: object) -> dict[str, Any]:
    arguments = {
        "bucket": applied.bucket,
        "certificate": applied.data["tempCertificate"],
        "key": applied.key,
        "kind": "virtual",
        "port": account.port,
        "region": applied.data["StorageRegionV5"],
    }
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(  # noqa: S603  # our own script
        [node, str(SCRIPT), json.dumps(arguments | options)], capture_output=True, check=True, timeout=30
    )
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def _committed(account: Account, applied: Applied) -> bytes:
    reply = account.call("CommitUploadUGC", signature=account.signature(), vodSessionKey=applied.session_key)
    assert reply["code"] == 0
    return requests.get(reply["data"]["video"]["url"], timeout=10).content


def _body(size: int) -> bytes:
    return (b"vod" * (size // 3 + 1))[:size]


@pytest.mark.parametrize("kind", ["virtual", "path", "stream"])
def test_small_file_is_one_put_object(account: Account, kind: str) -> None:
    """With the bucket in the host or in the path, and as a stream in aws-chunked encoding."""
    applied = account.apply(1000)
    printed = _upload(account, applied, kind=kind, size=1000)

    assert printed["etag"].strip('"').isalnum()
    assert _committed(account, applied) == _body(1000)
    assert account.counters()["uploads"][applied.session_key]["PutObject"] == 1


def test_large_file_comes_in_parts(account: Account) -> None:
    """Parts with checksums, in parallel, and a final ETag with their number."""
    applied = account.apply(11 * MIB)
    printed = _upload(account, applied, size=11 * MIB)
    counted = account.counters()["uploads"][applied.session_key]

    assert printed["etag"].endswith('-3"')
    assert printed["location"].endswith(applied.key)
    assert (counted["UploadPart"], counted["UploadPartBytes"]) == (3, 11 * MIB)
    assert _committed(account, applied) == _body(11 * MIB)


def test_cancelled_upload_is_aborted(account: Account) -> None:
    """Cancel in S3 mode throws the parts away, so there is nothing to complete."""
    applied = account.apply(30 * MIB)
    printed = _upload(account, applied, size=30 * MIB, abort=True)

    assert printed["name"] == "AbortError"
    assert "Upload" not in account.storage(applied).list_multipart_uploads(applied.bucket)


def test_expired_credential_is_refused_in_words_the_client_knows(account: Account) -> None:
    """The client reads COS's error document."""
    applied = account.apply(10)
    account.clock.moved_by = 1801 - 900
    late = _upload(account, applied, size=10)
    account.clock.moved_by = 1801
    expired = _upload(account, applied, size=10)

    assert late == {"name": "RequestTimeTooSkewed", "status": 403}
    assert expired["status"] == 403


def test_other_key_is_refused(account: Account) -> None:
    """The credential opens its own keys only, in S3 mode too."""
    applied = account.apply(10)

    assert _upload(account, applied, size=10, key=f"{applied.key}.other") == {
        "name": "AccessDenied",
        "status": 403,
    }
