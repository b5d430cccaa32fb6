"""A storage request as the authorization schemes and the operations use it: bucket, region, key, query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from local.simulator.storage_errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_HOST = re.compile(
    r"(?:(?P<bucket>[a-z0-9-]+)\.)?cos\.(?P<region>[a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)"
)
FORWARD_HEADER = "vod-forward-cos"


@dataclass(frozen=True)
class StorageRequest:
    """A request to `https://{bucket}.cos.{region}.myqcloud.com/{key}`, its parts decoded.

    `hosts` are the names the client may have signed: the COS SDK for Python omits the port, and the
    accelerated and mini program requests sign the host they are forwarded to.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    hosts: tuple[str, ...]
    bucket: str
    region: str
    key: str

    def parameter(self, name: str) -> str | None:
        """Return the first value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)


def is_storage_host(host: str) -> bool:
    """Return whether a host name, without a port, is one of the storage's."""
    return _HOST.fullmatch(host) is not None


def storage_request(request: Request, *, upload_domain: str = "") -> StorageRequest:
    """Parse a request; `Vod-Forward-Cos` takes precedence over `Host`.

    A custom `upload_domain` names no bucket: bucket and region are empty, and the credential's are meant.

    Raises:
        StorageError: 400, the header names no storage host.

    """
    host = request.headers.get("host", "").lower()
    forwarded = request.headers.get(FORWARD_HEADER, "").lower()
    name = (forwarded or host).partition(":")[0]
    match = _HOST.fullmatch(name)
    is_custom = bool(upload_domain) and name == upload_domain
    if match is None and not is_custom:
        raise StorageError(400, "InvalidURI", "The host is none of the storage's.")
    path = request.scope["path"]
    bucket, key = "" if match is None else match["bucket"] or "", path.removeprefix("/")
    if not bucket and not is_custom:
        bucket, _, key = key.partition("/")
    return StorageRequest(
        method=request.method,
        path=path,
        query=tuple(parse_qsl(request.url.query, keep_blank_values=True)),
        headers=dict(request.headers),
        hosts=tuple(dict.fromkeys((host, host.partition(":")[0], *filter(None, (forwarded,))))),
        bucket=bucket,
        region="" if match is None else match["region"],
        key=key,
    )
