"""Tencent Cloud as far as a deployment speaks to it: the engine behind the CLI, and the API of SCF.

Answers are the least that the published packages take; what was asked is kept for the tests.
"""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterator

UPLOAD = "/code.zip"
ACCOUNT = {"AppId": 1250000000, "Uin": "100000000001", "OwnerUin": "100000000001"}


@dataclass
class LoopbackCloud:
    """What was asked of the cloud, in order, and what it has become by it."""

    port: int = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    deployed: dict[str, Any] | None = None
    uploaded: bytes = b""
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    triggers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def actions(self) -> list[str]:
        """Name what was asked, in order."""
        return [action for action, _ in self.calls]

    def forget(self) -> None:
        """Have no functions and no triggers any more."""
        self.functions.clear()
        self.triggers.clear()

    def answer(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one action of an API."""
        self.calls.append((action, asked))
        own = getattr(self, f"_{action}", None)
        answered: dict[str, Any] = own(asked) if own else {}
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
        self.deployed = json.loads(asked["Body"])["instance"]
        return _engine({})

    def _RunFinishComponent(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        return _engine({})

    def _GetFunction(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        name = asked["FunctionName"]
        if name not in self.functions:
            return {"Error": {"Code": "ResourceNotFound.FunctionName", "Message": "There is none."}}
        return {**self.functions[name], "Status": "Active", "Tags": [], "Triggers": []}

    def _CreateFunction(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        self.functions[asked["FunctionName"]] = asked
        return {}

    def _ListTriggers(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        kept = self.triggers.get(asked["FunctionName"], [])
        found = [trigger for trigger in kept if trigger["Qualifier"] == asked.get("Qualifier", "$DEFAULT")]
        return {"Triggers": found, "TotalCount": len(found)}

    def _CreateTrigger(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        kept = {"CustomArgument": "", **asked, "Enable": 1, "AvailableStatus": "Available"}
        if asked["Type"] == "timer":
            kept["TriggerDesc"] = json.dumps({"cron": asked["TriggerDesc"]}, separators=(",", ":"))
        self.triggers.setdefault(asked["FunctionName"], []).append(kept)
        return {"TriggerInfo": kept}

    def _GetAlias(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        return {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": []}}

    def _DescribeResourceTagsByResourceIds(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        return {"Tags": [], "TotalCount": 0}


def _engine(body: dict[str, Any]) -> dict[str, Any]:
    """Wrap an answer as the engine does: JSON in JSON in JSON."""
    return {"Body": json.dumps({"statusCode": 200, "body": json.dumps(body)})}


@contextlib.contextmanager
def loopback_cloud() -> Iterator[LoopbackCloud]:
    """Serve it until the block ends."""
    cloud = LoopbackCloud()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            if not self.headers["x-meant-host"].endswith("tencentcloudapi.com"):
                self._answer(200, {"code": 0, "msg": "", "data": {"is_bind": True}})
                return
            asked: dict[str, Any] = dict(parse_qsl(content.decode(), keep_blank_values=True))
            action = self.headers.get("x-tc-action") or asked.pop("Action", "")
            self._answer(200, cloud.answer(action, asked))

        def do_PUT(self) -> None:
            if self.path == UPLOAD:
                cloud.uploaded = self.rfile.read(int(self.headers["content-length"]))
            self._answer(200, {})

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
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cloud.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield cloud
        finally:
            server.shutdown()
            thread.join()
