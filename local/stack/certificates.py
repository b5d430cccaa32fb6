"""A certificate authority for this machine, and the certificate of the TLS port.

The authority is created once and kept, so that a developer has to trust it only once.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LEAF_LIFE = dt.timedelta(days=365)


@dataclass(frozen=True)
class Certificates:
    """Two PEM files: the authority's certificate, and the server's key with its chain."""

    ca_file: Path
    server_file: Path


class DamagedFileError(Exception):
    """A kept file cannot be read; the message is its path."""


def prepare_certificates(folder: Path, hosts: Iterable[str]) -> Certificates:
    """Load or create the authority in `folder`; issue a new server certificate for `hosts`.

    Raises:
        DamagedFileError: the authority that was kept cannot be read.

    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = Certificates(folder / "ca.pem", folder / "server.pem")
    authority = _kept_authority(files.ca_file, folder / "ca-key.pem")
    now = dt.datetime.now(tz=dt.timezone.utc)
    server = authority.issue_cert(
        *dict.fromkeys(hosts), not_before=now - dt.timedelta(days=1), not_after=now + _LEAF_LIFE
    )
    write_private(files.server_file, server.private_key_and_cert_chain_pem.bytes())
    return files


def write_private(path: Path, content: bytes) -> None:
    """Replace a file atomically by one that only its owner can read."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)


def _kept_authority(ca_file: Path, key_file: Path) -> trustme.CA:
    if ca_file.exists() and key_file.exists():
        try:
            return trustme.CA.from_pem(ca_file.read_bytes(), key_file.read_bytes())
        except ValueError:
            raise DamagedFileError(ca_file) from None
    authority = trustme.CA(
        path_length=0,
        organization_name="vod-upload-functions",
        organization_unit_name="Local stack, trust on this machine only",
    )
    write_private(key_file, authority.private_key_pem.bytes())
    write_private(ca_file, authority.cert_pem.bytes())
    ca_file.chmod(0o644)
    return authority
