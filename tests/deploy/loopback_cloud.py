"""Tencent Cloud as far as a deployment calls it: the engine behind the CLI, and the API of SCF.

Answers are the least that the published packages accept; calls are recorded for the tests.
"""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.deploy.scf_cloud import ScfCloud
from tests.deploy.scf_model import nested, parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UPLOAD = "/code.zip"
MAX_REQUEST_BYTES = 10 << 20
"""Of a request that is signed by TC3-HMAC-SHA256 (doc 608/33031, the same page for each API)."""
ACCOUNT = {"AppId": 1250000000, "Uin": "100000000001", "OwnerUin": "100000000001"}


@dataclass
class LoopbackCloud:
    """The calls in order, and the state that they created."""

    port: int = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    deployed: dict[str, Any] | None = None
    uploaded: bytes = b""
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    """What was put into COS elsewhere: path -> content and the request's headers."""
    scf: ScfCloud = field(default_factory=ScfCloud)
    stores: bool = True
    """False: COS refuses what is put there."""
    cut_at: int = 0
    """The number of the call whose connection ends without an answer; 0: none does."""
    cut_before: bool = False
    """True: that call has no effect."""
    component: Callable[[dict[str, Any]], None] | None = None
    """What the engine runs with the deployed inputs; without one, it takes them and does nothing."""

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions as they were asked for."""
        return self.scf.functions

    @property
    def triggers(self) -> dict[str, list[dict[str, Any]]]:
        """The triggers of each function, as ListTriggers shows them."""
        return self.scf.triggers

    def actions(self) -> list[str]:
        """Return the names of the calls, in order."""
        return [action for action, _ in self.calls]

    def forget(self) -> None:
        """Remove all functions, triggers and shares."""
        self.scf = ScfCloud()

    def receive(self, action: str, content: str) -> dict[str, Any] | None:
        """Answer a request in JSON; None if its connection is to end without an answer."""
        is_cut = len(self.calls) + 1 == self.cut_at
        if is_cut and self.cut_before:
            self.calls.append(("", {}))
            return None
        if len(content) > MAX_REQUEST_BYTES:
            refusal = {"Code": "RequestSizeLimitExceeded", "Message": f"{len(content)} bytes"}
            return {"Response": {"Error": refusal, "RequestId": "request"}}
        answered = self.answer(action, json.loads(content))
        return None if is_cut else answered

    def answer(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one action of an API."""
        own = getattr(self, f"_{action}", None)
        self.calls.append((action, asked))
        answered: dict[str, Any] = own(asked) if own else self.scf.answer(action, asked)
        return {"Response": {"RequestId": f"request-{len(self.calls)}", **answered}}

    def _GetUserAppId(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # the action's name
        return ACCOUNT

    def _GetInstance(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        status = "inactive" if self.deployed is None else "active"
        return _engine({"instance": {"instanceStatus": status, "outputs": {}, "state": {}}})

    def _GetCacheFileUrls(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        base = "http://code.cos.ap-guangzhou.myqcloud.com"
        urls = {"changesUploadUrl": f"{base}{UPLOAD}", "srcDownloadUrl": f"{base}{UPLOAD}"}
        return _engine({**urls, "previousMapDownloadUrl": f"{base}/none"})

    def _RunComponent(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        deployed = json.loads(asked["Body"])["instance"]
        if self.component is not None:
            self.component(deployed)
        self.deployed = deployed
        return _engine({})

    def _RunFinishComponent(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        return _engine({})

    def _DescribeResourceTagsByResourceIds(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        return {"Tags": [], "TotalCount": 0}


def _engine(body: dict[str, Any]) -> dict[str, Any]:
    """Wrap an answer as the engine does: JSON in JSON in JSON."""
    return {"Body": json.dumps({"statusCode": 200, "body": json.dumps(body)})}


@contextlib.contextmanager
def loopback_cloud() -> Iterator[LoopbackCloud]:
    """Serve the cloud until the block ends."""
    cloud = LoopbackCloud()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            # From Node the host is this machine too, and the one that was meant is told.
            meant = self.headers.get("x-meant-host", "tencentcloudapi.com")
            if not meant.endswith("tencentcloudapi.com"):
                self._answer(200, {"code": 0, "msg": "", "data": {"is_bind": True}})
            elif content.startswith("{"):  # the CLI calls its form JSON
                answered = cloud.receive(self.headers["x-tc-action"], content)
                if answered is not None:
                    self._answer(200, answered)
            else:
                form = nested(dict(parse_qsl(content, keep_blank_values=True)))
                action = self.headers.get("x-tc-action") or form.get("Action", "")
                self._answer(200, cloud.answer(action, parameters_of(form)))

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            if self.path == UPLOAD:
                cloud.uploaded = content
            else:
                cloud.objects[self.path] = (content, dict(self.headers))
            self._answer(200 if cloud.stores else 403, {})

        def do_GET(self) -> None:
            self._answer(404, {})

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cloud.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield cloud
        finally:
            server.shutdown()
            thread.join()
