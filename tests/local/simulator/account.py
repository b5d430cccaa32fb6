"""A simulated account, served over real HTTP on a free port, and the clients that use it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import socket
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
import uvicorn
from qcloud_cos import CosConfig, CosS3Client  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.credential import Credential  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.profile.client_profile import ClientProfile  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.common.profile.http_profile import HttpProfile  # type: ignore[import-untyped]  # no stubs exist
from tencentcloud.vod.v20180717.vod_client import VodClient  # type: ignore[import-untyped]  # no stubs exist

from local.simulator import Simulator, SimulatorSettings, create_simulator
from local.simulator.post_policy import post_signature
from shared.vod.signature import SignatureParameters, sign
from tests.local.simulator.reply_check import ReplyCheck

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

HOST = "127.0.0.1"
SECRET_ID = "AKIDsimulated00000000000000000000000"
SECRET_KEY = "simulated-secret-key"
_randoms = itertools.count(1)


class MovableClock:
    """The real time plus a number of seconds that a test sets."""

    def __init__(self) -> None:
        self.moved_by = 0.0

    def __call__(self) -> float:
        """Return the moved time in Unix seconds."""
        return time.time() + self.moved_by


@dataclass(frozen=True)
class Applied:
    """The answer to Apply, and what an SDK derives from it."""

    data: dict[str, Any]

    @property
    def session_key(self) -> str:
        """The vodSessionKey."""
        return str(self.data["vodSessionKey"])

    @property
    def bucket(self) -> str:
        """The bucket, as the COS SDKs name it."""
        return f"{self.data['storageBucket']}-{self.data['storageAppId']}"

    @property
    def host(self) -> str:
        """The host of the bucket."""
        return f"{self.bucket}.cos.{self.data['storageRegionV5']}.myqcloud.com"

    @property
    def key(self) -> str:
        """The media's object key, without the leading slash."""
        return str(self.data["video"]["storagePath"])[1:]

    def cos_config(self, **options: object) -> CosConfig:
        """Return the settings of Tencent's COS SDK with the credential of this Apply."""
        certificate = self.data["tempCertificate"]
        return CosConfig(
            Region=self.data["storageRegionV5"],
            SecretId=certificate["secretId"],
            SecretKey=certificate["secretKey"],
            **options,
        )


class Account:
    """One simulator, its server and its clients; `with` starts and stops it."""

    def __init__(self, folder: Path, **settings: Any) -> None:  # noqa: ANN401  # any setting there is
        """Bind a free port; settings are those of `SimulatorSettings`."""
        # Only where the protocol is named does asyncio send small answers at once (TCP_NODELAY).
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind((HOST, 0))
        self._socket.listen()
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}"
        self.clock = MovableClock()
        defaults = SimulatorSettings(
            folder=folder,
            secret_id=SECRET_ID,
            secret_key=SECRET_KEY,
            public_url=self.url,
            task_flow_step_seconds=0.01,
            push_timeout_seconds=5,
            push_retry_seconds=0.01,
            pull_wait_seconds=0.1,
        )
        self.settings = replace(defaults, **settings)
        self.simulator: Simulator
        self.replies: ReplyCheck
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._started = threading.Event()
        self._server: uvicorn.Server

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server, as a process that ends does; every reply was as it is declared."""
        self._server.should_exit = True
        self._thread.join()
        if self.replies.wrong:
            pytest.fail("\n".join(self.replies.wrong))

    def signature(self, *, issued_ago: int = 0, lives: int = 600, **terms: Any) -> str:  # noqa: ANN401  # any term
        """Sign an upload, each time with another random."""
        issued = int(self.clock()) - issued_ago
        parameters = SignatureParameters(
            secret_id=SECRET_ID,
            current_time_stamp=issued,
            expire_time=issued + lives,
            random=next(_randoms),
            **terms,
        )
        return sign(parameters, secret_key=SECRET_KEY)

    def call(self, action: str, **members: object) -> dict[str, Any]:
        """Send one upload call; business errors come with HTTP 200."""
        answer = self.request("POST", "vod2.qcloud.com", f"/v3/index.php?Action={action}", json=members)
        assert answer.status_code == 200
        reply: dict[str, Any] = answer.json()
        return reply

    def request(self, method: str, host: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401  # of requests
        """Send one request to one of VOD's hosts."""
        headers = {**options.pop("headers", {}), "Host": host}
        return requests.request(method, self.url + path, headers=headers, timeout=20, **options)

    def apply(self, size: int | None = None, *, signature: str = "", **members: object) -> Applied:
        """Open an upload session for `clip.mp4`."""
        announced: dict[str, object] = {"videoName": "clip", "videoType": "mp4"}
        if size is not None:
            announced["videoSize"] = size
        reply = self.call(
            "ApplyUploadUGC", signature=signature or self.signature(), **{**announced, **members}
        )
        assert reply["code"] == 0, reply
        return Applied(reply["data"])

    def storage(self, applied: Applied) -> CosS3Client:
        """Return Tencent's own COS client, with the credential of that Apply."""
        token = applied.data["tempCertificate"]["token"]
        config = applied.cos_config(Token=token, Scheme="http", IP=HOST, Port=self.port)
        return CosS3Client(config, retry=0)

    def upload(self, content: bytes = b"moving pictures", **terms: Any) -> dict[str, Any]:  # noqa: ANN401  # any term
        """Upload from Apply to Commit and return Commit's reply; the same terms are signed twice."""
        applied = self.apply(len(content), signature=self.signature(**terms))
        self.storage(applied).put_object(applied.bucket, content, applied.key)
        return self.call(
            "CommitUploadUGC", signature=self.signature(**terms), vodSessionKey=applied.session_key
        )

    def api(self, *, secret_id: str = SECRET_ID, secret_key: str = SECRET_KEY, token: str = "") -> VodClient:
        """Return the official client of the server API."""
        profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=f"{HOST}:{self.port}"))
        return VodClient(Credential(secret_id, secret_key, token or None), "", profile)

    def counters(self) -> dict[str, Any]:
        """Return the counters."""
        counters: dict[str, Any] = requests.get(f"{self.url}/local/simulator/counters", timeout=10).json()
        return counters

    def configure(self, **changes: Any) -> None:  # noqa: ANN401  # of any setting
        """Change what VOD's console would change."""
        address = f"{self.url}/local/simulator/config"
        requests.put(address, json=changes, timeout=10).raise_for_status()

    def emit(self, *events: Mapping[str, object]) -> None:
        """Raise these events."""

        async def raise_all() -> None:
            for event in events:
                await self.simulator.emit(event)

        asyncio.run(raise_all())

    def query(self, statement: str, *values: object) -> list[Any]:
        """Read or change the simulator's memory behind its back."""
        file = self.settings.folder / "simulator.sqlite3"
        with closing(sqlite3.connect(file, timeout=10)) as database, database:
            return database.execute(statement, values).fetchall()

    def reset(self) -> None:
        """Forget all media, task flows, events and faults; the time is the real one again."""
        self.clock.moved_by = 0
        self.simulator.faults.set([])
        self.simulator.switches.present = self.settings.switches
        for table in ("media", "task_flows", "pushes", "pull_queue"):
            self.query(f"DELETE FROM {table}")  # noqa: S608  # fixed names
        begun = self.settings
        self.configure(
            mode=begun.mode,
            callback_url=begun.callback_url or "",
            sign_key=begun.sign_key or "",
            empty_event_set=begun.empty_event_set,
            task_flow_step_seconds=begun.task_flow_step_seconds,
        )

    async def _serve(self) -> None:
        self.simulator = create_simulator(self.settings, clock=self.clock)
        await self.simulator.start()
        self.replies = ReplyCheck(self.simulator.app)
        config = uvicorn.Config(self.replies, log_config=None, lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._started.set()
        await self._server.serve(sockets=[self._socket])
        await self.simulator.stop()
        self._socket.close()


def policy_fields(
    applied: Applied, *conditions: object, lives: int = 600, leave_out: str = ""
) -> dict[str, str]:
    """Return the fields of doc 436/14690: a policy and its signature."""
    certificate = applied.data["tempCertificate"]
    now = int(time.time())
    key_time = f"{now};{now + lives}"
    expiration = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now + lives))
    named = {"q-sign-algorithm": "sha1", "q-ak": certificate["secretId"], "q-sign-time": key_time}
    pairs = [{name: value} for name, value in named.items() if name != leave_out]
    policy = json.dumps({"expiration": expiration, "conditions": [*pairs, *conditions]}).encode()
    return {
        "key": f"/{applied.key}",
        "policy": base64.b64encode(policy).decode(),
        "q-sign-algorithm": "sha1",
        "q-ak": certificate["secretId"],
        "q-key-time": key_time,
        "q-signature": post_signature(policy, key_time=key_time, secret_key=certificate["secretKey"]),
        "x-cos-security-token": certificate["token"],
    }
