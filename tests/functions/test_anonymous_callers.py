"""A trial without a login service, from the client's point of view."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from functions import upload_signature, upload_status
from tests.functions.deployment import POLICIES

if TYPE_CHECKING:
    import pytest

    from tests.functions.conftest import Call, Deploy

ANONYMOUS = {"AUTH_MODE": "anonymous", "ANONYMOUS_KEY": "canary-of-the-anonymous-callers-key"}


def test_upload_needs_no_token(call: Call, deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    """A caller of the same network sees the upload again, and no log line shows the network."""
    deploy(JWT_SECRETS="", **ANONYMOUS)
    issued = call(upload_signature.main_handler, "POST", "/signature", user=None)
    seen = call(upload_status.main_handler, "GET", f"/uploads/{issued.json['uploadId']}", user=None)

    assert (issued.status, seen.status) == (200, 200)
    assert "203.0.113.7" not in capsys.readouterr().out
    assert issued.json["signature"]


def test_other_network_sees_nothing_of_it(deploy: Deploy) -> None:
    """Another network sees nothing of it, even if it claims the first one's address."""
    deploy(**ANONYMOUS)
    event = {"httpMethod": "POST", "path": "/signature", "body": "", "requestContext": {}}
    first = {**event, "headers": {"x-scf-remote-addr": "203.0.113.7"}}
    upload_id = json.loads(str(upload_signature.main_handler(first, {})["body"]))["uploadId"]

    def status(**headers: str) -> object:
        wire = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = {**event, "httpMethod": "GET", "path": f"/uploads/{upload_id}", "headers": wire}
        return upload_status.main_handler(asked, {})["statusCode"]

    assert status(x_scf_remote_addr="203.0.113.7") == 200
    assert status(x_scf_remote_addr="203.0.113.8") == 404
    assert status(x_scf_remote_addr="203.0.113.8", x_forwarded_for="203.0.113.7") == 404
    assert status(x_forwarded_for="203.0.113.7") == 401
    assert status() == 401


def test_policies_with_claims_are_not_for_them(call: Call, deploy: Deploy) -> None:
    """A caller without a token has no claims."""
    policies = {**POLICIES, "lessons": {"claims": {"role": ["teacher"]}}}
    deploy(UPLOAD_POLICIES=json.dumps(policies), **ANONYMOUS)
    body = {"policy": "lessons"}

    assert call(upload_signature.main_handler, "POST", "/signature", body=body, user=None).status == 403


def test_cloud_refuses_it_unless_it_was_said_twice(call: Call, deploy: Deploy) -> None:
    """In the cloud, anonymous callers need both settings; one alone is refused."""
    deploy(TENCENTCLOUD_RUNENV="SCF", **ANONYMOUS)
    once = call(upload_signature.main_handler, "POST", "/signature", user=None)
    deploy(TENCENTCLOUD_RUNENV="SCF", ANONYMOUS_IN_CLOUD="anybody-may-upload", **ANONYMOUS)
    twice = call(upload_signature.main_handler, "POST", "/signature", user=None)

    assert (once.status, twice.status) == (500, 200)
