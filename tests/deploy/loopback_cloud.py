"""Tencent Cloud as far as a deployment calls it: the engine behind the CLI, and the API of SCF.

Answers are the least that the published packages accept; calls are recorded for the tests.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterator

UPLOAD = "/code.zip"
HANDLER = re.compile(r"[A-Za-z][\w-]{0,58}[A-Za-z]\.[A-Za-z][\w-]{0,58}[A-Za-z]", re.ASCII)
RUNTIMES = ("Python3.10", "Python3.9", "Python3.7", "Python3.6", "Python2.7")
MEMORY_SIZES = (64, *range(128, 3073, 128))
MAX_TIMEOUT = 900
MAX_ENVIRONMENT_BYTES = 4096
RESERVED_PREFIXES = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")
CRON_FIELDS = 7
ACCOUNT = {"AppId": 1250000000, "Uin": "100000000001", "OwnerUin": "100000000001"}


@dataclass
class LoopbackCloud:
    """The calls in order, and the state that they created."""

    port: int = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    deployed: dict[str, Any] | None = None
    uploaded: bytes = b""
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    triggers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def actions(self) -> list[str]:
        """Return the names of the calls, in order."""
        return [action for action, _ in self.calls]

    def forget(self) -> None:
        """Remove all functions and triggers."""
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
        if refusal := refused_function(asked):
            return {"Error": {"Code": "InvalidParameterValue", "Message": refusal}}
        self.functions[asked["FunctionName"]] = asked
        return {}

    def _ListTriggers(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        kept = self.triggers.get(asked["FunctionName"], [])
        wanted = {
            asked[name]: asked[f"{name.removesuffix('Name')}Values.0"]
            for name in asked
            if name.startswith("Filters.") and name.endswith(".Name")
        }
        found = [trigger for trigger in kept if wanted.items() <= trigger.items()]
        return {"Triggers": found, "TotalCount": len(found)}

    def _CreateTrigger(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        if asked["Type"] == "timer" and len(asked["TriggerDesc"].split()) != CRON_FIELDS:
            return {
                "Error": {"Code": "InvalidParameterValue", "Message": "TriggerDesc is no cron of 7 fields"}
            }
        enabled = int(asked.get("Enable", "OPEN") == "OPEN")
        kept = {"CustomArgument": "", **asked, "Enable": enabled, "AvailableStatus": "Available"}
        if asked["Type"] == "timer":
            kept["TriggerDesc"] = json.dumps({"cron": asked["TriggerDesc"]}, separators=(",", ":"))
        self.triggers.setdefault(asked["FunctionName"], []).append(kept)
        return {"TriggerInfo": kept}

    def _GetAlias(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        return {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": []}}

    def _DescribeResourceTagsByResourceIds(self, _asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # as above
        return {"Tags": [], "TotalCount": 0}


def refused_function(asked: dict[str, Any]) -> str:
    """Return which documented rule a CreateFunction breaks; empty: none."""
    variables = {key: value for key, value in asked.items() if key.startswith("Environment.Variables.")}
    names = [value for key, value in variables.items() if key.endswith(".Key")]
    rules = {
        "Handler is not file.function": HANDLER.fullmatch(asked.get("Handler", "")),
        "Runtime is unknown": asked.get("Runtime") in RUNTIMES,
        "Timeout is out of range": 1 <= int(asked.get("Timeout", 3)) <= MAX_TIMEOUT,
        "MemorySize is out of range": int(asked.get("MemorySize", 128)) in MEMORY_SIZES,
        "Environment has a reserved name": not any(name.startswith(RESERVED_PREFIXES) for name in names),
        "Environment is too large": sum(len(value.encode()) for value in variables.values())
        <= MAX_ENVIRONMENT_BYTES,
    }
    return next((refusal for refusal, is_kept in rules.items() if not is_kept), "")


def _engine(body: dict[str, Any]) -> dict[str, Any]:
    """Wrap an answer as the engine does: JSON in JSON in JSON."""
    return {"Body": json.dumps({"statusCode": 200, "body": json.dumps(body)})}


@contextlib.contextmanager
def loopback_cloud() -> Iterator[LoopbackCloud]:
    """Serve the cloud until the block ends."""
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
