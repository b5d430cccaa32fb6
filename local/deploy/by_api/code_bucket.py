"""A bucket of COS for packages that are too large to be part of a request of SCF's API."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from local.deploy.scf_calls import ScfRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

BUCKET = "CODE_BUCKET"
"""The setting: a bucket's whole name, with the account's number at its end."""
COS_URL = "COS_API_URL"
"""The variable of the environment that names another COS, such as an imitation on this machine."""
_NEEDS_ITS_REGION = "ap-beijing"
_SECONDS = 60
_SIGNED_SECONDS = 900


@dataclass(frozen=True)
class CodeBucket:
    """A bucket in the region of the functions."""

    name: str
    region: str
    url: str

    def members(self, key: str) -> dict[str, str]:
        """Return the Code of a request for an object (API Code: the name without the account's number)."""
        named = {"CosBucketName": self.name.rpartition("-")[0], "CosObjectName": key}
        return {**named, **({"CosBucketRegion": self.region} if self.region == _NEEDS_ITS_REGION else {})}

    def put(self, key: str, content: bytes, values: Mapping[str, str]) -> None:
        """Store an object with the credentials of whoever deploys.

        Raises:
            ScfRefusedError: COS refused it, or did not answer in time.

        """
        now = int(time.time())
        host = urlsplit(self.url).netloc
        headers = {"Host": host, "Authorization": _authorization(host, key, values, now)}
        if token := values.get("TENCENT_TOKEN"):
            headers["x-cos-security-token"] = token
        try:
            answer = requests.put(f"{self.url}{key}", data=content, headers=headers, timeout=_SECONDS)
        except requests.RequestException as error:
            raise ScfRefusedError("COS", f"{BUCKET} does not answer ({type(error).__name__})") from None
        if not answer.ok:
            raise ScfRefusedError("COS", f"{BUCKET} refuses a package with {answer.status_code}")


def code_bucket(values: Mapping[str, str], url: str = "") -> CodeBucket | None:
    """Return the bucket of a stage; None if packages are part of the requests."""
    if not (name := values.get(BUCKET, "")):
        return None
    region = values["DEPLOY_REGION"]
    return CodeBucket(name, region, url or f"https://{name}.cos.{region}.myqcloud.com")


def object_key(function: str, code_digest: str) -> str:
    """Return the place of a package: the same for the same code."""
    return f"/{function}/{code_digest}.zip"


def _authorization(host: str, key: str, values: Mapping[str, str], now: int) -> str:
    """Sign a PUT (doc 436/7778): `host` is the one header that counts."""
    period = f"{now - 60};{now + _SIGNED_SECONDS}"
    asked = f"put\n{key}\n\nhost={host.replace(':', '%3A')}\n"
    told = f"sha1\n{period}\n{hashlib.sha1(asked.encode()).hexdigest()}\n"  # noqa: S324  # COS signs so
    signing_key = _hmac(values["TENCENT_SECRET_KEY"], period)
    parts = {
        "q-sign-algorithm": "sha1",
        "q-ak": values["TENCENT_SECRET_ID"],
        "q-sign-time": period,
        "q-key-time": period,
        "q-header-list": "host",
        "q-url-param-list": "",
        "q-signature": _hmac(signing_key, told),
    }
    return "&".join(f"{name}={value}" for name, value in parts.items())


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha1).hexdigest()
