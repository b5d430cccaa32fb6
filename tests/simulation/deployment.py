"""The functions as they are deployed: virtual time, seeded randomness and the models stand for the rest."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from shared import deadline, tencent_api, vod_api
from shared.http import outbound
from shared.redis import resp
from shared.runtime import bootstrap, log, workers
from tests.simulation.instances import TIME_LIMITS
from tests.simulation.limits import NEW_UPLOADS_PER_DAY, OPEN_UPLOADS, SIGNATURES_PER_UPLOAD
from tests.simulation.tokens import JWT_SECRET
from tests.simulation.vod_model import SECRET_ID, SECRET_KEY
from tests.simulation.wishes import LIMITED, POLICIES
from tests.simulation.workers import SimulatedWorkers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.simulation.endpoints import Endpoints
    from tests.simulation.instances import Platform
    from tests.simulation.store_faults import StoreNetwork
    from tests.simulation.vod_api_model import VodApiModel
    from tests.simulation.world import World
CALLBACK_TOKEN = "the-callback-token-of-a-simulation-0001"


def settings_of(world: World) -> dict[str, str]:
    """Return the settings of the deployment."""
    return {
        "REDIS_URL": world.store.url,
        "STAGE": "sim",
        "VOD_SECRET_ID": SECRET_ID,
        "VOD_SECRET_KEY": SECRET_KEY,
        "VOD_API_URL": "http://127.0.0.1:1",
        "UPLOAD_POLICIES": json.dumps({**POLICIES, **LIMITED}),
        "DELETE_GRACE_SECONDS": str(world.delete_grace_seconds),
        "CONTEXT_KEYS": "the-context-key-of-a-simulation-0001",
        "JWT_SECRETS": JWT_SECRET,
        "CALLBACK_TOKENS": CALLBACK_TOKEN,
        "READ_BACK": "on",
        **world.endpoints.settings,
        "APP_WEBHOOK_ALLOW_INSECURE": "1",
        "JWT_AUDIENCE": ",".join(world.audiences),
        "OPEN_UPLOADS": str(OPEN_UPLOADS),
        "NEW_UPLOADS_PER_DAY": str(NEW_UPLOADS_PER_DAY),
        "SIGNATURES_PER_UPLOAD": str(SIGNATURES_PER_UPLOAD),
    }


class Deployment:
    """Everything that the functions meet."""

    def __init__(
        self, platform: Platform, network: StoreNetwork, endpoints: Endpoints, vod: VodApiModel
    ) -> None:
        self._platform = platform
        self._network = network
        self._endpoints = endpoints
        self._vod = vod

    @contextlib.contextmanager
    def in_charge(self, environment: Mapping[str, str]) -> Iterator[None]:
        """Patch everything into the functions, with these settings."""
        platform, scheduler = self._platform, self._platform.scheduler
        with contextlib.ExitStack() as stack:
            patch = stack.enter_context
            patch(mock.patch.dict(os.environ, environment))
            for function in TIME_LIMITS:
                patch(mock.patch.object(bootstrap, function, self._runtime))
            patch(mock.patch.object(bootstrap, "now", platform.now))
            patch(mock.patch.object(bootstrap, "wait", scheduler.sleep))
            patch(mock.patch.object(bootstrap, "random_bits", platform.secrets.getrandbits))
            patch(mock.patch.object(bootstrap, "new_lease", self._new_lease))
            patch(mock.patch.object(bootstrap, "vod_api", self._vod_api))
            patch(mock.patch.object(bootstrap, "new_vod_api", self._new_vod_api))
            patch(mock.patch.object(workers, "Workers", self._workers))
            patch(mock.patch.object(tencent_api, "CommonClient", self._vod.client))
            patch(mock.patch.object(tencent_api, "TencentClock", InstanceClock(platform)))
            patch(mock.patch.object(tencent_api, "time", SimpleNamespace(time=platform.now)))
            # What a process keeps for its life is of this deployment, and of no later one.
            for kept in (bootstrap.callback_settings, bootstrap._deliverer_of, bootstrap._fan_out):  # noqa: SLF001 -- as above
                kept.cache_clear()
                stack.callback(kept.cache_clear)
            patch(mock.patch.object(resp, "connect", self._network.connect))
            patch(mock.patch.object(outbound, "connect", self._endpoints.connect))
            patch(mock.patch.object(log, "write", self._log))
            # Nothing is encrypted here, and a context takes 60 ms.
            context = ssl.create_default_context()
            patch(mock.patch.object(ssl, "create_default_context", return_value=context))
            # The clock of deadlines and of idle connections is a default argument.
            patch(mock.patch.object(deadline.Deadline.__init__, "__defaults__", (scheduler.monotonic,)))
            keywords = {"clock": scheduler.monotonic}
            patch(mock.patch.object(resp.RespClient.__init__, "__kwdefaults__", keywords))
            yield

    def _runtime(self) -> Any:  # noqa: ANN401 -- each function has settings and a store of its own
        return self._platform.current().runtime()

    def _new_lease(self) -> str:
        return f"{self._platform.secrets.getrandbits(96):024x}"

    def _workers(self, most: int, start: object) -> SimulatedWorkers:  # noqa: ARG002 -- its tasks need none
        return SimulatedWorkers(self._platform, most)

    def _vod_api(self, runtime: Any) -> vod_api.VodApi:  # noqa: ANN401 -- as above
        instance = self._platform.current()
        if instance.vod_api is None:
            instance.vod_api = self._new_vod_api(runtime)
        return instance.vod_api

    def _new_vod_api(self, runtime: Any) -> vod_api.VodApi:  # noqa: ANN401 -- as above
        """Return a client whose calls run in the task that makes them, and end by themselves."""
        settings, store = runtime.settings, runtime.store

        def take(action: str, foreign: bool) -> float:  # noqa: FBT001 -- the form of CallBudget.take
            return float(store.take_call(action, per_second=settings.vod_calls_per_second, foreign=foreign))

        budget = vod_api.CallBudget(take, self._platform.scheduler.sleep)
        return vod_api.VodApi(settings, start=lambda function: function(), budget=budget)

    def _log(self, event: str, *, request_id: str, level: str = "info", **fields: object) -> None:
        del request_id
        if level == "error":
            self._platform.scheduler.trace(
                f"log {event} {fields.get('code', '')} {fields.get('detail', '')} {fields.get('trace', '')}"
            )


class InstanceClock:
    """What `shared.tencent_api.TencentClock` keeps for a process, kept for each instance."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    @property
    def ahead(self) -> float:
        """By how many seconds the clock is ahead, as VOD said."""
        return self._platform.current().clock_ahead

    @ahead.setter
    def ahead(self, seconds: float) -> None:
        self._platform.current().clock_ahead = seconds
