"""The store with TLS and with a user of least rights, set up as docs/security.md describes (S44)."""

from __future__ import annotations

import re
import secrets
import shutil
import ssl
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis
import trustme

from functions import event_delivery
from local.repository import REPOSITORY
from local.stack.process_tree import tied_to_us
from tests.functions.vod import announce_procedure, announce_upload, begin_upload, push
from tests.shared.loopback_peer import HOST, HttpPeer, Reply, refused_port
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.functions.conftest import Deploy, ReadStatus, Sign

PASSWORD = "canary-of-the-store-user-with-least-rights"
RULE = re.search(
    r"^ACL SETUSER (\S+) on >PASSWORD (.*)$",
    (REPOSITORY / "docs/security.md").read_text("utf-8"),
    re.MULTILINE,
)
NOT_FUNCTIONS = {"deny_list.py", "redis_py.py", "resp.py", "upload_record.py"}
"""What operators' commands use, with a user of their own; clients, which pass commands on; VOD's words."""
OF_THE_SERVER = ["FLUSHALL", "KEYS *", "SCAN 0", "CONFIG GET *", "ACL WHOAMI", "MONITOR", "PUBLISH channel x"]
OF_OTHERS = ["GET vuf:{prod.0}:upload:x", "SET vuf:{tes.0}:x 1", "GET somebody-elses"]
OPTIONS = {"EX", "GT", "LIMIT", "NX", "WITHSCORES", "XX"}
VODS_WORDS = {"PROCESSING", "SUCCESS", "FAIL", "FINISH", "ABORTED", "FORGOTTEN"}
"""What stands in the records of task flows, and is no command."""


def rule() -> list[str]:
    """Return the rule on the page, for the stage of these tests."""
    assert RULE is not None
    return RULE[2].replace("prod", "test").split()


def _store_sources() -> list[Path]:
    folder = REPOSITORY / "shared" / "store"
    return [*folder.glob("*.py"), *folder.rglob("*.lua")]


def commands_of_the_functions() -> set[str]:
    """Return every command that a script, or a store that functions use, can send."""
    commands = {"evalsha", "script|load"}
    for path in _store_sources():
        text = path.read_text("utf-8")
        if path.name not in NOT_FUNCTIONS:
            words = re.findall(r"redis\.p?call\(\s*['\"](\w+)['\"]", text)
            words += re.findall(r'"([A-Z]{2,})"', text)
            commands |= {word.lower() for word in words if word not in OPTIONS | VODS_WORDS}
    return commands


@pytest.fixture
def least_rights(valkey_url: str) -> Iterator[str]:
    """Create the user that the page describes, and return its address."""
    with redis.Redis.from_url(valkey_url, decode_responses=True) as administrator:
        administrator.execute_command("ACL", "SETUSER", "least", "reset", "on", f">{PASSWORD}", *rule())
        administrator.execute_command("ACL", "LOG", "RESET")
        yield f"redis://least:{PASSWORD}@{urlsplit(valkey_url).netloc.rpartition('@')[2]}/0"
        administrator.execute_command("ACL", "DELUSER", "least")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Create an authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


@contextmanager
def tls_store(folder: Path, authority: trustme.CA, name: str) -> Iterator[int]:
    """Run Debian's Redis with TLS and a certificate of this name; yield its port."""
    certificate, port = authority.issue_cert(name), refused_port()
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    authority.cert_pem.write_to_path(str(folder / "clients.pem"))
    words = (
        f"--bind {HOST} --port 0 --tls-port {port} --tls-cert-file certificate.pem --tls-key-file key.pem "
        f"--tls-ca-cert-file clients.pem --tls-auth-clients no --requirepass {PASSWORD}"
    )
    command = tied_to_us(str(shutil.which("redis-server")), *words.split(), "--save", "")
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603  # fixed words
    try:
        wait_until(lambda: _speaks_tls(port), "the store")
        yield port
    finally:
        process.kill()
        process.wait()


def _speaks_tls(port: int) -> bool:
    try:
        return bool(ssl.get_server_certificate((HOST, port)))
    except OSError:
        return False


def test_rule_grants_what_the_code_sends_and_nothing_else() -> None:
    """Each command of a script or a store is in the rule, and no other (S44)."""
    granted = {word[1:] for word in rule() if word.startswith("+")}

    assert sorted(granted) == sorted(commands_of_the_functions())
    others = [word for word in rule() if not word.startswith("+")]
    assert others == ["resetkeys", "resetchannels", "~vuf:{test.*", "-@all"]


@pytest.mark.parametrize("status", [204, 500])
def test_functions_work_with_the_least_rights(
    least_rights: str, deploy: Deploy, sign: Sign, read_status: ReadStatus, status: int
) -> None:
    """Uploads, renewals, limits, status, every event, deliveries and checks: nothing is refused (S44)."""
    with HttpPeer(lambda _request: Reply(status)) as app:
        deploy(
            REDIS_URL=least_rights,
            APP_WEBHOOK_URL=app.url,
            APP_WEBHOOK_SECRETS="whsec_" + "c2VjcmV0" * 5,
            APP_WEBHOOK_ALLOW_INSECURE="1",
        )
        first = sign({"policy": "course"}).json
        assert sign({"uploadId": first["uploadId"]}).status == 200
        assert read_status(first["uploadId"]).status == 200
        assert read_status(sign({}).json["uploadId"], method="DELETE").status == 204
        announce_upload(first["signature"], procedure_task_id="task-1")
        announce_procedure(first["signature"], status="FINISH")
        begin_upload(seconds_ago=90_100)
        for file in (REPOSITORY / "tests/samples/vod/v3").glob("*.json"):
            assert push(file.read_text("utf-8")).status == 200
        assert "error" not in event_delivery.main_handler({}, {"time_limit_in_ms": 6000})
        assert app.received


@pytest.mark.parametrize("command", [*OF_THE_SERVER, *OF_OTHERS])
def test_user_may_do_nothing_else(least_rights: str, command: str) -> None:
    """The user may not administrate the server, nor access keys of another stage or application (S44)."""
    with redis.Redis.from_url(least_rights) as client:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command.split())
        assert client.execute_command("GET", "vuf:{test.0}:upload:x") is None


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs Debian's redis-server, which has TLS")
def test_functions_work_with_a_redis_that_speaks_tls(
    tmp_path: Path, authority: trustme.CA, deploy: Deploy, sign: Sign, read_status: ReadStatus
) -> None:
    """A server that does its own TLS, with its own idea of how a session begins (S44)."""
    (tmp_path / "store").mkdir()
    with tls_store(tmp_path / "store", authority, HOST) as port:
        deploy(REDIS_URL=f"rediss://:{PASSWORD}@{HOST}:{port}/0")
        assert read_status(sign({}).json["uploadId"]).status == 200

        deploy(REDIS_URL=f"rediss://:{secrets.token_hex(16)}@{HOST}:{port}/0")
        assert sign({}).status == 503
        deploy(REDIS_URL=f"redis://:{PASSWORD}@{HOST}:{port}/0")
        assert sign({}).status == 503
