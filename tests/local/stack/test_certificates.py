"""The certificate authority, seen by OpenSSL and by a TLS client."""

from __future__ import annotations

import datetime as dt
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from local.stack.certificates import prepare_certificates, write_private
from local.stack.demo_settings import is_vod_host, tls_hosts

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.certificates import Certificates


def test_authority_is_kept_and_server_certificate_is_new(tmp_path: Path) -> None:
    """A browser told once to trust the authority need not be told again."""
    first = prepare_certificates(tmp_path, ["localhost"])
    authority, server = first.ca_file.read_bytes(), first.server_file.read_bytes()
    second = prepare_certificates(tmp_path, ["localhost"])

    assert authority == second.ca_file.read_bytes()
    assert server != second.server_file.read_bytes()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "vod2.qcloud.com",
        "vod2.dnsv1.com",
        "vodreport.qcloud.com",
        "vod.tencentcloudapi.com",
        "cos.ap-seoul.myqcloud.com",
        "bucket-1500012345.cos.ap-chongqing.myqcloud.com",
        "bucket-1500012345.cos.ap-singapore.tencentcos.cn",
    ],
)
def test_openssl_accepts_the_chain_for_every_simulated_host(tmp_path: Path, host: str) -> None:
    """Another TLS implementation verifies the server's certificate for each name VOD uses."""
    files = prepare_certificates(tmp_path, tls_hosts())

    assert _openssl_accepts(files, host)


def test_certificate_is_not_valid_for_other_hosts(tmp_path: Path) -> None:
    """What a developer trusts covers the simulated names and nothing beside them."""
    files = prepare_certificates(tmp_path, tls_hosts())

    assert not _openssl_accepts(files, "example.com")


def test_server_certificate_lives_less_than_browsers_limit(tmp_path: Path) -> None:
    """Browsers refuse server certificates that live longer than 398 days."""
    files = prepare_certificates(tmp_path, ["localhost"])
    leaf = x509.load_pem_x509_certificates(files.server_file.read_bytes())[0]

    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc < dt.timedelta(days=398)


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """No other user of this machine can sign in our name."""
    prepare_certificates(tmp_path, ["localhost"])

    for name in ("ca-key.pem", "server.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_private_file_replaces_an_open_one(tmp_path: Path) -> None:
    """A file that was readable by others before is private afterwards."""
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("vod2.qcloud.com", True),
        ("VOD2.QCLOUD.COM:443", True),
        ("a-1.cos.ap-seoul.myqcloud.com:8443", True),
        ("cos.ap-seoul.tencentcos.cn.", True),
        ("127.0.0.1:8000", False),
        ("localhost", False),
        ("myqcloud.com.example.com", False),
        ("notmyqcloud.com", False),
        ("", False),
    ],
)
def test_vod_hosts_are_told_from_others(host: str, *, expected: bool) -> None:
    """Requests go to the simulator by name, and by no lookalike."""
    assert expected == is_vod_host(host)


def _openssl_accepts(files: Certificates, host: str) -> bool:
    command = ["openssl", "verify", "-CAfile", str(files.ca_file), "-verify_hostname", host]
    outcome = subprocess.run([*command, str(files.server_file)], check=False, capture_output=True)  # noqa: S603  # our own words
    return outcome.returncode == 0
